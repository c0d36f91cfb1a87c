"""Start, drain and stop of the data plane, its listeners and its access log, on both backends."""
import os
import re
import socket
import threading
import time

import pytest

from data_plane import Client, DataPlane, Upstream, answer, eventually
from test_proxy_h2 import H2Client


def test_drain_under_load_loses_no_request(plane):
    def script(connection):
        while connection.read_request() is not None:
            time.sleep(0.002)
            connection.send(answer("x" * 3000))

    gateway = plane(Upstream(script), workers=2)
    lost, done, stop = [], [0], threading.Event()

    def load():
        while not stop.is_set():
            try:
                client = gateway.connect()
            except ConnectionRefusedError:
                return  # the listener has gone: nobody was promised anything
            try:
                while True:
                    response = client.get()
                    assert response.status == 200 and len(response.body) == 3000
                    done[0] += 1
                    if response.get("connection") == "close":
                        break
            except Exception as fault:
                lost.append(repr(fault))
                return
            finally:
                client.close()

    threads = [threading.Thread(target=load) for _ in range(16)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    start = time.monotonic()
    assert gateway.command("drain 20000") == {"drained": True}
    assert time.monotonic() - start < 10
    stop.set()
    for thread in threads:
        thread.join()
    assert lost == []
    assert done[0] > 100


def test_drain_answers_what_has_begun_and_closes_idle_connections(plane):
    release = threading.Event()

    def script(connection):
        while (request := connection.read_request()) is not None:
            if request.target == "/slow":
                release.wait(10)
            connection.send(answer(request.target))

    gateway = plane(Upstream(script))
    idle, busy, late = gateway.connect(), gateway.connect(), gateway.connect()
    idle.get("/idle")
    late.get("/late")
    busy.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
    assert eventually(lambda: gateway.counters()["writing"] == 1)
    result = []
    drainer = threading.Thread(target=lambda: result.append(gateway.command("drain 10000")))
    drainer.start()
    time.sleep(0.3)
    response = late.get("/late")  # just in time
    assert (response.body, response.get("connection")) == (b"/late", "close")
    assert idle.at_end()
    assert eventually(gateway.refuses)
    assert result == []
    release.set()
    response = busy.read()
    assert (response.body, response.get("connection")) == (b"/slow", "close")
    drainer.join()
    assert result == [{"drained": True}]


def test_drain_is_bounded(plane):
    gateway = plane(Upstream(lambda connection: [connection.read_request(), time.sleep(20)]))
    stuck = gateway.connect().send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert eventually(lambda: gateway.counters()["writing"] == 1)
    start = time.monotonic()
    assert gateway.command("drain 500") == {"drained": False}
    assert time.monotonic() - start < 5
    # It is cut, or told so.
    assert stuck.read_to_end()[:11] in (b"", b"HTTP/1.1 50")


def test_stop_in_the_middle_of_everything(plane):
    """Connections in every state when the end comes: nothing leaks, nothing hangs."""
    blocked = threading.Event()

    def script(connection):
        request = connection.read_head()
        if request.target == "/half":
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n" + b"x" * 1000)
        elif request.target == "/flood":
            connection.send(answer(b"x" * (16 << 20)))
        blocked.wait(10)

    gateway = plane(Upstream(script), listeners=[{}, {"role": "admin"}], dns_servers=["127.0.0.1:1"])
    clients = [gateway.connect() for _ in range(8)]
    for client, wire in zip(clients, ["", "GET /h", "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n",
                                      "GET /half HTTP/1.1\r\nHost: a\r\n\r\n",
                                      "GET /flood HTTP/1.1\r\nHost: a\r\n\r\n",
                                      "POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx",
                                      "BAD\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 20]):
        client.send(wire)
    admin = Client(gateway.ports["admin"][0]).send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
    time.sleep(0.4)
    gateway.close()
    blocked.set()
    for client in clients + [admin]:
        client.close()


def test_stop_blames_no_upstream(plane):
    """What the gateway breaks off itself ends without an answer, for the upstream has failed in nothing."""
    release = threading.Event()
    upstream = Upstream(lambda c: c.read_request() and release.wait(10))
    gateway = plane(upstream, listeners=[{"http2": True}])
    clients = [gateway.connect().send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n") for _ in range(10)]
    busy, idle = H2Client(gateway.port), H2Client(gateway.port)
    streams = [busy.request() for _ in range(5)]
    idle.h2.ping(b"are you?")
    idle.flush()
    assert eventually(lambda: len(upstream.requests) == 15)
    gateway.close()
    release.set()
    for client in clients:
        try:
            assert client.sock.recv(1000) == b""
        except ConnectionResetError:
            pass
    for client in (busy, idle):
        client.run_to_end()
        assert client.goaway == 0
    assert [busy.answers[stream].fields for stream in streams] == [[]] * 5


def test_listeners_on_ipv6_and_unix_sockets(plane, workspace):
    path = os.path.join(workspace, "proxy.sock")
    if len(path) > 100:
        path = f"/tmp/sallyport-test-{os.getpid()}.sock"
    with socket.socket(socket.AF_UNIX) as stale:  # left by a process that died
        stale.bind(path)
    listeners = [{"address": "unix:" + path}]
    if socket.has_ipv6:
        listeners.append({"address": "::1"})
    gateway = plane(Upstream(), listeners=listeners, workers=2)
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(path)
        client = Client.__new__(Client)
        client.sock, client.buffer = sock, bytearray()
        response = client.get()
        assert response.status == 200
        assert response.upstream_saw("x-real-ip") == ["unix:"]
        assert response.upstream_saw("x-forwarded-port") == []
    if len(listeners) > 1:
        sock = socket.create_connection(("::1", gateway.ports["proxy"][1]))
        client = Client.__new__(Client)
        client.sock, client.buffer = sock, bytearray()
        assert client.get().upstream_saw("x-forwarded-for") == ["::1"]
    gateway.close()
    assert not os.path.exists(path)


def test_listen_errors_name_the_address(workspace, backend):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Exception) as refused:
            DataPlane(workspace, backend, listeners=[{"port": port}])
        assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in str(refused.value)


def free_port():
    """Of TCP and of UDP."""
    while True:
        with socket.socket() as stream, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
            stream.bind(("127.0.0.1", 0))
            try:
                datagrams.bind(stream.getsockname())
            except OSError:
                continue
            return stream.getsockname()[1]


@pytest.mark.parametrize("first, second, shared", [
    ({}, {}, True), ({"address": "0.0.0.0"}, {}, True), ({}, {"address": "0.0.0.0"}, True), ({}, {"address": "::"}, False),
    ({}, {"address": "127.0.0.2"}, False), ({"udp": True}, {"udp": True}, True), ({"udp": True}, {"udp": True, "address": "0.0.0.0"}, True),
    ({"udp": True}, {}, False), ({}, {"udp": True}, False)])
def test_two_data_planes_do_not_share_an_address(plane, workspace, backend, first, second, shared):
    """The workers of one may; a reload and an upgrade are in test_lifecycle.py."""
    upstream, port = Upstream(), free_port()
    of = lambda listener: {"listeners": [{**({"role": "stream"} if listener.get("udp") else {}), **listener, "port": port}], "workers": 2}
    gateway = plane(upstream, **of(first))
    if not shared:
        plane(upstream, **of(second))
        return
    with pytest.raises(Exception) as refused:
        DataPlane(workspace, backend, **of(second))
    address = f"{second.get('address', '127.0.0.1')}:{port}" + (" for UDP" if second.get("udp") else "")
    assert f"cannot listen on {address}: Address already in use" in str(refused.value)
    assert "stop the process that listens there" in str(refused.value)
    gateway.close()
    plane(upstream, **of(second))


def test_a_data_plane_may_listen_twice_on_one_port(plane):
    port = free_port()
    gateway = plane(Upstream(), workers=2, listeners=[{"address": "0.0.0.0", "port": port}, {"address": "127.0.0.1", "port": port}])
    assert gateway.connect(port).get().status == 200


def test_access_log(plane, workspace):
    path = os.path.join(workspace, f"access-{time.monotonic_ns()}.log")
    gateway = plane(Upstream(), access_log=path)
    client = gateway.connect()
    first = client.get("/a?b=1", "User-Agent: test/1 \"quoted\"\r\nReferer: http://x/\r\n")
    client.send("BROKEN\r\n\r\n")
    client.read()
    assert gateway.connect().get("/large", f"Cookie: {'c' * 9000}\r\n").status == 494
    assert eventually(lambda: open(path).read().count("\n") == 3)
    line, bad, large = open(path).read().splitlines()
    request_id = first.get("x-kong-request-id")
    assert re.match(r'^127\.0\.0\.1 - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "GET /a\?b=1 HTTP/1\.1" 200 '
                    + str(len(first.body)) + r' "http://x/" "test/1 \\x22quoted\\x22" kong_request_id: "'
                    + request_id + '"$', line)
    assert ' "" 400 ' in bad
    assert ' "GET /large HTTP/1.1" 494 ' in large
    for _ in range(100):
        gateway.connect().get()
    gateway.close()
    assert open(path).read().count("\n") == 103
