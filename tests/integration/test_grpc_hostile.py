"""Upstreams of HTTP/2 that misbehave, and trailers by hand."""
import socket
import time

import grpc
import h2.config
import h2.connection
import h2.events
import pytest

from data_plane import Client, Upstream, eventually
from grpc_upstream import Stub
from test_grpc import failure, gateway  # noqa: F401  (a fixture)
from test_proxy_h2 import H2Client, fields

HEAD = [(":status", "200"), ("content-type", "application/grpc")]
MESSAGE = b"\0\0\0\0\2ok"
DONE = [("grpc-status", "0")]


def speaking_h2(handle):
    """A script: `handle` gets the connection, python3-h2's side of it, and every event."""
    def script(connection):
        side = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        side.initiate_connection()
        connection.send(side.data_to_send())
        while data := connection.sock.recv(1 << 16):
            for event in side.receive_data(data):
                if isinstance(event, h2.events.DataReceived):
                    side.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                handle(connection, side, event)
            connection.send(side.data_to_send())
    return script


def answering(side, stream, head=HEAD, message=MESSAGE, trailers=DONE):
    side.send_headers(stream, head)
    side.send_data(stream, message)
    side.send_headers(stream, trailers, end_stream=True)


def test_refused_calls_go_out_again(gateway):
    seen = []

    def handle(connection, side, event):
        if isinstance(event, h2.events.StreamEnded):
            seen.append(event.stream_id)
            if len(seen) == 1:
                side.reset_stream(event.stream_id, 7)  # REFUSED_STREAM
            else:
                answering(side, event.stream_id)

    stub = Stub(gateway(Upstream(speaking_h2(handle))).port)
    assert stub.echo(b"again", timeout=10) == b"ok" and len(seen) == 2


def test_goodbye_before_a_call_was_seen(gateway):
    upstream = None

    def handle(connection, side, event):
        if not isinstance(event, h2.events.StreamEnded):
            return
        if upstream.connections == 1:
            side.close_connection(last_stream_id=0)
            connection.send(side.data_to_send())
            # RFC 9113 section 6.8: the connection goes on, and the settings are acknowledged; the library thinks
            # that it is over.
            while connection.sock.recv(1 << 16):
                pass
        else:
            answering(side, event.stream_id)

    upstream = Upstream(speaking_h2(handle))
    assert Stub(gateway(upstream).port).echo(b"x", timeout=10) == b"ok"
    assert upstream.connections == 2


def test_calls_that_were_seen_do_not_go_out_again(gateway):
    seen = []

    def handle(connection, side, event):
        if isinstance(event, h2.events.StreamEnded):
            seen.append(event.stream_id)
            side.reset_stream(event.stream_id, 2)

    fault = failure(Stub(gateway(Upstream(speaking_h2(handle))).port).echo, b"once", timeout=10)
    assert fault.code() == grpc.StatusCode.UNAVAILABLE and len(seen) == 1


def test_one_stream_at_a_time(gateway):
    """The others wait for their turn, or have a connection of their own."""
    limited, settled = set(), set()

    def handle(connection, side, event):
        if isinstance(event, h2.events.SettingsAcknowledged):
            settled.add(side)
        # python3-h2 takes any acknowledgement for one of all its settings, so the first has to be in.
        if isinstance(event, h2.events.RequestReceived) and side in settled - limited:
            limited.add(side)
            side.update_settings({3: 1})
        if isinstance(event, h2.events.StreamEnded):
            answering(side, event.stream_id)

    upstream = Upstream(speaking_h2(handle))
    stub = Stub(gateway(upstream).port)
    for _ in range(3):
        calls = [stub.echo.future(b"x", timeout=20) for _ in range(20)]
        assert [call.result() for call in calls] == [b"ok"] * 20
    assert limited


CUT = {
    "garbage": lambda c, side, stream: c.send(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 20),
    "end": lambda c, side, stream: c.sock.shutdown(socket.SHUT_RDWR),
    "in the middle": lambda c, side, stream: (side.send_headers(stream, HEAD), side.send_data(stream, MESSAGE[:6]),
                                              c.send(side.data_to_send()), c.reset()),
    "no trailers": lambda c, side, stream: (side.send_headers(stream, HEAD), side.send_data(stream, MESSAGE[:6]),
                                            side.reset_stream(stream, 0)),
    "too many fields": lambda c, side, stream: side.send_headers(stream, HEAD + [(f"x-{n}", "y" * 1000) for n in range(60)]),
    "a broken status": lambda c, side, stream: (setattr(side.config, "validate_outbound_headers", False),
                                                side.send_headers(stream, [(":status", "2x0")], end_stream=True)),
}


@pytest.mark.parametrize("how", CUT)
def test_cut_answers_are_failures(gateway, how):
    def handle(connection, side, event):
        if isinstance(event, h2.events.StreamEnded):
            CUT[how](connection, side, event.stream_id)

    stub = Stub(gateway(Upstream(speaking_h2(handle)), service={"read_timeout": 2000}).port)
    fault = failure(stub.echo, b"x", timeout=10)
    assert fault.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL), fault


def test_silent_upstreams_are_left(gateway):
    upstream = Upstream(lambda connection: connection.sock.recv(1 << 20) and time.sleep(5))
    plane = gateway(upstream, service={"read_timeout": 1200, "retries": 0})
    for _ in range(2):
        assert failure(Stub(plane.port).echo, b"x", timeout=10).code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert upstream.connections == 2


def test_floods_end_the_connection(gateway):
    def script(connection):
        connection.send(b"\0\0\0\4\0\0\0\0\0")
        while True:
            connection.send(b"\0\0\x08\6\0\0\0\0\0" + b"p" * 8)  # PING

    stub = Stub(gateway(Upstream(script), service={"retries": 0}).port)
    assert failure(stub.echo, b"x", timeout=10).code() == grpc.StatusCode.UNAVAILABLE


class TrailerClient(H2Client):
    """Keeps trailers too."""

    def turn(self):
        data = self.sock.recv(1 << 16)
        for event in self.h2.receive_data(data):
            answer = self.answers[event.stream_id] if getattr(event, "stream_id", 0) else None
            if isinstance(event, h2.events.ResponseReceived):
                answer.fields = event.headers
            elif isinstance(event, h2.events.DataReceived):
                answer.body += event.data
            elif isinstance(event, h2.events.TrailersReceived):
                answer.trailers = event.headers
            elif isinstance(event, h2.events.StreamEnded):
                answer.ended = True
            elif isinstance(event, h2.events.StreamReset):
                answer.reset = int(event.error_code)
        self.flush()
        return bool(data)


def with_trailers(connection):
    while (request := connection.read_head()) is not None:
        connection.upstream.raw.append(connection.until(b"\r\n\r\n"))
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n"
                        b"X-Sum: 7\r\nConnection: close\r\nX-Consumer-Id: root\r\nSet-Cookie: a=b\r\n\r\n")


def test_trailers_between_http2_and_http1(plane):
    upstream = Upstream(with_trailers)
    upstream.raw = []
    client = TrailerClient(plane(upstream, listeners=[{"http2": True}]).port)
    stream = client.request(fields("POST", "/"), b"hi", end=False)
    client.h2.send_headers(stream, [("x-hash", "9"), ("x-consumer-id", "root"), ("x-forwarded-for", "1.2.3.4")], end_stream=True)
    client.flush()
    got = client.wait(stream)
    assert (got.status, got.body) == (200, b"ok")
    assert dict(got.trailers) == {"x-sum": "7"}
    assert upstream.raw == [b"2\r\nhi\r\n0\r\nx-hash: 9"]


@pytest.mark.parametrize("wanted", [True, False])
def test_trailers_between_http1_and_http1(plane, wanted):
    upstream = Upstream(with_trailers)
    upstream.raw = []
    client = Client(plane(upstream).port)
    client.send("POST / HTTP/1.1\r\nHost: a.test\r\n" + ("TE: trailers\r\n" if wanted else "") +
                "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Hash: 9\r\nContent-Length: 5\r\n\r\n")
    client.until(b"\r\n\r\n")
    assert client.until(b"\r\n\r\n" if wanted else b"0\r\n\r\n") == (b"2\r\nok\r\n0\r\nX-Sum: 7" if wanted else b"2\r\nok\r\n")
    assert eventually(lambda: upstream.raw) and upstream.raw == [b"2\r\nhi\r\n0\r\nX-Hash: 9"]


def test_connect_is_refused_over_http2(plane):
    client = H2Client(plane(Upstream(), listeners=[{"http2": True}]).port, lawless=True)
    got = client.wait(client.request([(":method", "CONNECT"), (":authority", "b.test:443")]))
    assert got.status == 405
