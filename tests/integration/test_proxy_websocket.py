"""WebSocket connections: asked for, refused, passed on, ended."""
import socket
import time

import pytest

from data_plane import Upstream, answer, eventually, exchange_time

ASK = ("GET /chat HTTP/1.1\r\nHost: a.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
       "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n\r\n")
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: y\r\n\r\n"


def echoing(connection):
    request = connection.read_request()
    assert request.get("upgrade") == "websocket" and request.get("connection") == "keep-alive, Upgrade"
    connection.send(SWITCH + b"hello")
    while data := connection.sock.recv(65536):
        connection.send(data)


def open_tunnel(gateway, more=b""):
    client = gateway.connect()
    client.send(ASK.encode() + more)
    head = client.until(b"\r\n\r\n").decode()
    assert head.startswith("HTTP/1.1 101 ")
    lines = [line.lower() for line in head.split("\r\n")]
    assert "connection: upgrade" in lines and "upgrade: websocket" in lines and "sec-websocket-accept: y" in lines
    assert client.exactly(5) == b"hello"
    return client


def test_bytes_both_ways(plane):
    gateway = plane(Upstream(echoing))
    client = open_tunnel(gateway, b"early")
    assert client.exactly(5) == b"early"
    block = bytes(range(256)) * 256
    for _ in range(20):
        client.send(block)
        assert client.exactly(len(block)) == block
    client.sock.close()
    assert eventually(lambda: gateway.counters()["active"] == 0)


def test_messages_of_several_blocks_are_not_held_up(plane):
    client = open_tunnel(plane(Upstream(echoing)))
    for size in (1_000, 20_000, 33_000, 40_000, 65_536):
        assert exchange_time(client.sock, size) < 0.004, size


def test_the_upstream_ends_it(plane):
    def script(connection):
        connection.read_request()
        connection.send(SWITCH + b"hello" + b"z" * 300_000)

    client = open_tunnel(plane(Upstream(script)))
    assert client.exactly(300_000) == b"z" * 300_000
    assert client.at_end()


def test_idle_tunnels_end(plane):
    gateway = plane(Upstream(echoing), service={"read_timeout": 1500})
    client = open_tunnel(gateway)
    for _ in range(4):  # busy ones do not
        time.sleep(0.5)
        client.send(b"x")
        assert client.exactly(1) == b"x"
    started = time.monotonic()
    assert client.at_end()
    assert 1 < time.monotonic() - started < 10


def test_refusals_are_answers(plane):
    def script(connection):
        connection.read_request()
        connection.send(answer(b"no", status="403 Forbidden"))
        connection.read_request()
        connection.send(answer(b"again"))

    client = plane(Upstream(script)).connect()
    client.send(ASK)
    assert client.read().status == 403
    assert client.get().body == b"again"


def test_only_who_asked(plane):
    def script(connection):
        connection.read_request()
        connection.send(SWITCH)

    gateway = plane(Upstream(script))
    assert gateway.connect().get().status == 502
    client = gateway.connect()
    client.send(ASK.replace("GET", "POST").replace("\r\n\r\n", "\r\nContent-Length: 1\r\n\r\nx"))
    assert client.read().status == 502


@pytest.mark.parametrize("side", ["client", "upstream"])
def test_resets(plane, side):
    def script(connection):
        connection.read_request()
        connection.send(SWITCH + b"hello")
        if side == "upstream":
            time.sleep(0.1)
            return connection.reset()
        while connection.sock.recv(65536):
            pass

    gateway = plane(Upstream(script))
    client = open_tunnel(gateway)
    if side == "client":
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.sock.close()
    else:
        assert client.at_end()
    assert eventually(lambda: gateway.counters()["active"] == 0)
