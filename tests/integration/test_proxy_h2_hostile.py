"""HTTP/2 among enemies, on both backends: each is ended, and costs a bounded amount of work and memory."""
import struct
import time

import pytest

from data_plane import Client, Upstream, answer, eventually
from test_proxy_h2 import GET, H2Client, fields, gateway  # noqa: F401  (gateway is a fixture)

import hpack

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
DATA, HEADERS, PRIORITY, RST, SETTINGS, PING, GOAWAY, WINDOW, CONTINUATION = 0, 1, 2, 3, 4, 6, 7, 8, 9
END_STREAM, END_HEADERS = 1, 4


def frame(kind, payload=b"", stream=0, flags=0):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def head(*more, path="/"):
    return hpack.Encoder().encode(fields("GET", path, *more))


class Raw(Client):
    """Sends frames, looks only for the end."""

    def __init__(self, port):
        super().__init__(port)
        self.send(PREFACE)

    def ended(self):
        """The gateway has hung up; the error of its GOAWAY, None without one."""
        try:
            while self.fill():
                pass
        except ConnectionError:
            pass
        at, error = 0, None
        while at + 9 <= len(self.buffer):
            size = int.from_bytes(self.buffer[at:at + 3], "big")
            if self.buffer[at + 3] == GOAWAY:
                error = int.from_bytes(self.buffer[at + 13:at + 17], "big")
            at += 9 + size
        return error

    def flood(self, wire, most=64):
        """Sends until the gateway hangs up; how much that was."""
        sent = 0
        self.sock.settimeout(0.5)
        try:
            while sent < most << 20:
                self.sock.sendall(wire)
                sent += len(wire)
        except OSError:
            pass
        self.sock.settimeout(20)
        return sent


def cpu_seconds(plane):
    with open(f"/proc/{plane.child.pid}/stat") as file:
        parts = file.read().rsplit(") ", 1)[1].split()
    return (int(parts[11]) + int(parts[12])) / 100


FLOODS = {
    "ping": frame(PING, b"12345678"),
    "settings": frame(SETTINGS, struct.pack(">HI", 4, 70_000)),
    "empty settings": frame(SETTINGS),
    "window updates": frame(WINDOW, b"\0\0\0\1"),
    "priority": frame(PRIORITY, b"\0\0\0\0\1", 9),
    "acknowledgements": frame(SETTINGS, flags=1) + frame(PING, b"12345678", flags=1),
}


@pytest.mark.parametrize("name", FLOODS)
def test_floods_are_ended(gateway, name):  # noqa: F811
    plane = gateway()
    before = cpu_seconds(plane)
    client = Raw(plane.port)
    assert client.flood(FLOODS[name] * 500) < 16 << 20
    client.ended()
    assert eventually(lambda: plane.counters()["active"] == 0)
    assert cpu_seconds(plane) - before < 3
    assert H2Client(plane.port).get().status == 200


@pytest.mark.parametrize("name", ["ping", "empty settings"])
def test_floods_in_one_write_hear_why(gateway, name):  # noqa: F811
    client = Raw(gateway().port)
    client.send(FLOODS[name] * 257 + frame(PING, b"the last"))
    while b"the last" not in client.buffer:
        assert client.fill()
    client.send(FLOODS[name] * 2_000)
    assert client.ended() == 11  # ENHANCE_YOUR_CALM


def test_rapid_resets(gateway):  # noqa: F811
    upstream = Upstream()
    plane = gateway(upstream)
    client = Raw(plane.port)
    block = head()
    for stream in range(1, 20_001, 2):
        try:
            client.send(frame(HEADERS, block, stream, END_STREAM | END_HEADERS) + frame(RST, b"\0\0\0\x08", stream))
        except OSError:
            break
    assert client.ended() in (11, None)  # ENHANCE_YOUR_CALM; None: a reset of the connection has overtaken it
    assert stream < 20_000 or eventually(lambda: plane.counters()["active"] == 0)
    assert upstream.connections < 1_500
    assert H2Client(plane.port).get().status == 200


def test_rapid_resets_hear_why(gateway):  # noqa: F811
    client = Raw(gateway().port)
    block = head()
    client.send(b"".join(frame(HEADERS, block, stream, END_STREAM | END_HEADERS) + frame(RST, b"\0\0\0\x08", stream)
                         for stream in range(1, 601, 2)))
    assert client.ended() == 11  # ENHANCE_YOUR_CALM


def test_empty_data_frames(gateway):  # noqa: F811
    plane = gateway()
    client = Raw(plane.port)
    client.send(frame(HEADERS, head(), 1, END_HEADERS))
    assert client.flood(frame(DATA, b"", 1) * 1000) < 16 << 20
    client.ended()
    assert eventually(lambda: plane.counters()["active"] == 0)


def test_continuation_flood(gateway):  # noqa: F811
    plane = gateway()
    client = Raw(plane.port)
    client.send(frame(HEADERS, head(), 1))
    client.flood(frame(CONTINUATION, hpack.Encoder().encode([("x", "y" * 5_000)]), 1))
    client.ended()
    assert eventually(lambda: plane.counters()["active"] == 0)
    assert plane.counters()["rss_kib"] < 400_000


def test_hpack_bomb(gateway):  # noqa: F811
    plane = gateway()
    encoder = hpack.Encoder()
    encoder.encode(GET)
    first = encoder.encode([("bomb", "b" * 3_900)])
    again = encoder.encode([("bomb", "b" * 3_900)])
    assert len(again) < 8
    client = Raw(plane.port)
    client.send(frame(HEADERS, head() + first + again * (4_000 // len(again)), 1, END_STREAM | END_HEADERS))
    assert client.ended() == 11  # ENHANCE_YOUR_CALM
    assert H2Client(plane.port).get().status == 200


def test_half_frames_end_with_the_idle_time(gateway):  # noqa: F811
    plane = gateway(header_timeout=400, keepalive_timeout=400)
    clients = [Raw(plane.port).send(part) for part in
               (b"", b"\0\0", frame(HEADERS, head(), 1)[:12], frame(HEADERS, head(), 1), frame(PING, b"12345678")[:-1])]
    for client in clients:
        client.ended()
    assert eventually(lambda: plane.counters()["active"] == 0)


def test_half_bodies_end(gateway):  # noqa: F811
    plane = gateway(body_timeout=400, keepalive_timeout=400)
    client = H2Client(plane.port)
    stream = client.request(fields("POST"), b"half", end=False)
    got = client.wait(stream)
    assert got.reset is not None or got.status in (400, 408)
    client.run_to_end()


def test_windows_that_never_open(gateway):  # noqa: F811
    plane = gateway(Upstream(lambda c: c.read_request() and c.send(answer(b"z" * 3_000_000))), send_timeout=400)
    client = Raw(plane.port)
    client.send(frame(SETTINGS, struct.pack(">HI", 4, 0)))
    for stream in range(1, 41, 2):
        client.send(frame(HEADERS, head(), stream, END_STREAM | END_HEADERS))
    assert eventually(lambda: plane.counters()["writing"] == 0)
    assert plane.counters()["rss_kib"] < 400_000
    client.close()


def test_more_streams_than_allowed(gateway):  # noqa: F811
    held = []
    plane = gateway(Upstream(lambda c: held.append(c.read_request()) or time.sleep(1) or c.send(answer())),
                    http2_max_concurrent_streams=10)
    client = Raw(plane.port)
    time.sleep(0.1)
    client.send(frame(SETTINGS, flags=1))
    for stream in range(1, 101, 2):
        client.send(frame(HEADERS, head(), stream, END_STREAM | END_HEADERS))
    assert eventually(lambda: len(held) > 0)
    assert plane.counters()["writing"] <= 20
    client.close()
    assert eventually(lambda: plane.counters()["active"] == 0)


def test_one_stream_too_many_is_refused_alone(gateway):  # noqa: F811
    plane = gateway(Upstream(lambda c: c.read_request() and (time.sleep(0.5), c.send(answer(b"done")))))
    client = H2Client(plane.port)
    assert client.get().body == b"done"  # the settings are acknowledged
    assert client.h2.remote_settings.max_concurrent_streams == 128
    client.h2.remote_settings[3] = 1000
    client.h2.remote_settings.acknowledge()
    streams = [client.request() for _ in range(130)]
    got = [client.wait(stream) for stream in streams]
    assert [one.reset for one in got] == [None] * 128 + [7] * 2  # REFUSED_STREAM
    assert {one.body for one in got[:128]} == {b"done"}
    assert client.get().body == b"done"


def test_refused_streams_are_not_for_ever(gateway):  # noqa: F811
    held = []
    plane = gateway(Upstream(lambda c: held.append(c.read_request()) or time.sleep(5)), http2_max_concurrent_streams=1)
    client = Raw(plane.port)
    client.send(frame(SETTINGS, flags=1))
    block = head()
    client.send(b"".join(frame(HEADERS, block, stream, END_STREAM | END_HEADERS) for stream in range(1, 2801, 2)))
    assert client.ended() == 11  # ENHANCE_YOUR_CALM
    assert len(held) <= 1


def test_nonsense(gateway):  # noqa: F811
    plane = gateway()
    for wire in (b"\xff" * 3_000, frame(DATA, b"x", 1), frame(HEADERS, b"\xff" * 40, 1, END_HEADERS), frame(HEADERS, head(), 2, END_HEADERS),
                 frame(WINDOW, b"\0\0\0\0"), frame(PING, b"short"), frame(SETTINGS, b"12345"), frame(CONTINUATION, b"", 1)):
        client = Raw(plane.port)
        client.send(wire)
        client.sock.shutdown(1)
        client.ended()
    assert eventually(lambda: plane.counters()["active"] == 0)
    assert H2Client(plane.port).get().status == 200
