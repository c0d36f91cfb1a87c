"""Bodies through the data plane, on both backends: both framings both ways, back-pressure, cuts."""
import hashlib
import random
import socket
import threading
import time

import pytest

from data_plane import Upstream, answer, echo, eventually, uuid

MIB = 1 << 20


def pattern(size):
    """Bytes of which no two parts are alike."""
    return random.Random(size).randbytes(size)


def chunked(body, size):
    parts = [body[i:i + size] for i in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def digest_upstream(connection):
    while (request := connection.read_request()) is not None:
        connection.send(answer(f"{len(request.body)} {hashlib.sha1(request.body).hexdigest()}"))


def expect(body):
    return f"{len(body)} {hashlib.sha1(body).hexdigest()}".encode()


@pytest.mark.parametrize("size", [1, 100, 16384, 16385, 100_000, MIB])
def test_request_bodies_of_both_framings(plane, size):
    client = plane(Upstream(digest_upstream)).connect()
    body = pattern(size)
    head = "POST / HTTP/1.1\r\nHost: a\r\n"
    for _ in range(2):
        client.send(f"{head}Content-Length: {size}\r\n\r\n".encode() + body)
        assert client.read().body == expect(body)
        client.send(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + chunked(body, 7001))
        assert client.read().body == expect(body)


@pytest.mark.parametrize("size", [0, 1, 5000, 16384, 200_000, 3 * MIB])
@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
def test_response_bodies_of_all_framings(plane, size, framing):
    body = pattern(size)

    def script(connection):
        while connection.read_request():
            if framing == "length":
                connection.send(answer(body))
            elif framing == "chunked":
                connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(body, 9999))
            else:
                connection.send(b"HTTP/1.0 200 OK\r\n\r\n" + body)
                return

    client = plane(Upstream(script)).connect()
    for _ in range(3):
        response = client.get()
        assert response.body == body
        assert response.get("transfer-encoding") == (None if framing == "length" else "chunked")


def test_bodies_of_several_blocks_are_not_held_up(plane):
    """The worker has nothing else to do meanwhile that would make it look."""
    def script(connection):
        while (request := connection.read_request()) is not None:
            connection.send(answer(request.body))

    client = plane(Upstream(script)).connect()
    for size in (1_000, 17_000, 20_000, 40_000, 65_536):
        times = []
        for _ in range(40):
            began = time.monotonic()
            client.send(f"POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: {size}\r\n\r\n".encode() + b"x" * size)
            assert len(client.read().body) == size
            times.append(time.monotonic() - began)
        assert sorted(times)[10] < 0.004, size


def test_a_chunked_answer_in_tiny_pieces_with_extensions_and_trailers(plane):
    wire = (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n"
            b"4;ext=\"q\"\r\nWiki\r\n5\r\npedia\r\n0\r\nX-T: 1\r\n\r\n")

    def script(connection):
        while connection.read_request():
            for i in range(len(wire)):
                connection.send(wire[i:i + 1])
                time.sleep(0.0005)

    client = plane(Upstream(script)).connect()
    for _ in range(2):
        response = client.get()
        assert response.body == b"Wikipedia"
        assert response.get("trailer") is None


def test_expect_100_continue(plane):
    upstream = Upstream(digest_upstream)
    client = plane(upstream).connect()
    client.send("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
    assert client.read_interim() == 100
    assert client.send("hello").read().body == expect(b"hello")
    assert upstream.requests[0].get("expect") is None


def test_a_slow_reader_slows_the_upstream_and_memory_stays_flat(plane):
    total = 64 * MIB
    progress = [0]

    def script(connection):
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % total)
        chunk = pattern(MIB)
        for _ in range(64):
            connection.send(chunk)
            progress[0] += MIB

    gateway = plane(Upstream(script))
    before = gateway.counters()["rss_kib"]
    client = gateway.connect()
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    time.sleep(1)
    stalled = progress[0]
    assert stalled < 32 * MIB  # what the kernel's buffers hold, not more
    assert gateway.counters()["rss_kib"] - before < 8 * 1024
    time.sleep(0.3)
    assert progress[0] == stalled
    response = client.read()
    assert len(response.body) == total
    assert gateway.counters()["rss_kib"] - before < 12 * 1024


def test_a_slow_upstream_slows_the_client_and_memory_stays_flat(plane):
    release = threading.Event()

    def script(connection):
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        request = connection.read_head()
        release.wait(20)
        request.body = connection.read_body(request)
        connection.send(answer(str(len(request.body))))

    gateway = plane(Upstream(script))
    before = gateway.counters()["rss_kib"]
    client = gateway.connect()
    total, sent = 64 * MIB, [0]
    client.send(f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {total}\r\n\r\n")

    def send():
        for _ in range(64):
            client.send(pattern(MIB))
            sent[0] += MIB

    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    time.sleep(1)
    assert sent[0] < 32 * MIB
    assert gateway.counters()["rss_kib"] - before < 8 * 1024
    release.set()
    sender.join()
    assert client.read().body == str(total).encode()
    assert gateway.counters()["rss_kib"] - before < 12 * 1024


def test_both_directions_at_once(plane):
    """An upstream that answers while it reads: neither side may wait for the other."""

    def script(connection):
        connection.read_head()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (8 * MIB))
        for _ in range(8 * 16):
            connection.send(connection.read_exactly(65536))

    client = plane(Upstream(script)).connect()
    body = pattern(8 * MIB)
    threading.Thread(target=lambda: client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body)
                                                + body), daemon=True).start()
    assert client.read().body == body


@pytest.mark.parametrize("sent", [1000, 300_000])
def test_an_answer_before_the_end_of_the_request(plane, sent):
    def script(connection):
        connection.read_head()
        connection.send(answer("too large", "413 Payload Too Large", "Connection: close\r\n"))
        time.sleep(0.3)

    gateway = plane(Upstream(script))
    client = gateway.connect()
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" + pattern(sent))
    response = client.read()
    assert (response.status, response.body) == (413, b"too large")
    assert response.get("connection") == "close"
    assert client.at_end()
    assert eventually(lambda: gateway.counters()["active"] == 0)


def test_what_nobody_reads_of_a_body_never_becomes_a_request(plane):
    def script(connection):
        request = connection.read_head()
        connection.send(answer(request.target))
        connection.sock.close()  # with bytes unread: a reset

    upstream = Upstream(script)
    gateway = plane(upstream, route={"request_buffering": False})
    smuggled = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
    for size in (1, 50, 1000, 100_000):
        for _ in range(5):
            client = gateway.connect()
            try:
                client.send(b"POST /first HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (size * len(smuggled)))
                for _ in range(10):
                    client.send(smuggled * (size // 10))
                assert client.read().status in (200, 502)
            except (ConnectionResetError, BrokenPipeError):
                pass
            client.close()
    assert {request.target for request in upstream.requests} == {"/first"}


@pytest.mark.parametrize("wire", [
    b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this",
    b"HTTP/1.1 200 OK\r\nContent-Length: 400000\r\n\r\n" + pattern(300_000),
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n64\r\ncut",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n493e0\r\n" + pattern(300_000) + b"\r\nzz\r\n",
], ids=["length", "large", "chunk", "broken chunk"])
@pytest.mark.parametrize("reset", [False, True])
def test_a_cut_answer_is_a_failure_and_reaches_nobody_else(plane, wire, reset):
    def script(connection):
        while (request := connection.read_request()) is not None:
            if request.target == "/cut":
                connection.send(wire)
                if reset:
                    time.sleep(0.05)
                    connection.reset()
                return
            connection.send(answer("whole"))

    gateway = plane(Upstream(script))
    for _ in range(3):
        client = gateway.connect()
        assert client.get("/whole").body == b"whole"
        with pytest.raises((EOFError, ConnectionResetError)):
            client.get("/cut")
        assert gateway.connect().get("/whole").body == b"whole"


def test_a_cut_answer_for_an_http_1_0_client_ends_in_a_reset(plane):
    def script(connection):
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")

    client = plane(Upstream(script)).connect()
    with pytest.raises(ConnectionResetError):
        client.get(version="1.0")


@pytest.mark.parametrize("half", [4, 200_000])
def test_a_client_that_cuts_its_body(plane, half):
    got = []

    def script(connection):
        request = connection.read_head()
        got.append(request)
        try:
            request.body = connection.read_body(request)
            got.append("whole")
        except EOFError:
            got.append("cut")

    gateway = plane(Upstream(script), route={"request_buffering": False})
    client = gateway.connect()
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (2 * half) + pattern(half))
    assert eventually(lambda: got)
    client.close()
    assert eventually(lambda: len(got) == 2)
    assert got[1] == "cut"
    assert eventually(lambda: gateway.counters()["active"] == 0)


def test_a_broken_chunk_of_the_client_stops_the_upstream(plane):
    ends = []

    def script(connection):
        request = connection.read_head()
        try:
            connection.read_body(request)
            ends.append("whole")
        except EOFError:
            ends.append("cut")

    upstream = Upstream(script)
    client = plane(upstream, route={"request_buffering": False}).connect()
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
    assert eventually(lambda: upstream.requests)  # what comes at once is looked at before
    client.send("XX\r\n")
    assert client.read().status == 400
    assert client.at_end()
    assert eventually(lambda: ends == ["cut"])


@pytest.mark.parametrize("mine", [b"mine", pattern(300_000)], ids=["small", "large"])
def test_bytes_behind_an_answer_do_not_become_the_next_one(plane, mine):
    def script(connection):
        while connection.read_request():
            connection.send(answer(mine) + answer("smuggled"))
            time.sleep(0.05)

    upstream = Upstream(script)
    gateway = plane(upstream)
    client = gateway.connect()
    for _ in range(5):
        if len(mine) < 1000:
            assert client.get().status == 502
        else:
            try:  # what is too much may come when the end is out already
                assert client.get().body == mine
            except (EOFError, ConnectionResetError):
                client = gateway.connect()
    assert upstream.connections == 5


def test_small_chunks_with_bytes_behind_them_become_502(plane):
    def script(connection):
        while connection.read_request():
            connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n\r\n")

    upstream = Upstream(script)
    gateway = plane(upstream)
    client = gateway.connect()
    for _ in range(3):
        assert client.get().status == 502
    assert upstream.connections == 3
    assert "bytes behind its end" in gateway.log()


@pytest.mark.parametrize("late", [False, True])
def test_an_answer_that_is_too_long_is_a_failure(plane, late):
    """Where the end is not out yet; bytes that come when it is cost the upstream its connection."""
    big = b"x" * 20_000
    wires = {"/length": b"HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n" + big,
             "/chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4e20\r\n" + big + b"\r\n0\r\n\r\n",
             "/head": b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"}

    def script(connection):
        request = connection.read_request()
        if not late:
            return connection.send(wires[request.target] + answer("smuggled"))
        connection.send(wires[request.target])
        time.sleep(0.2)
        connection.send(answer("smuggled"))

    upstream = Upstream(script)
    gateway = plane(upstream)
    for target in ("/length", "/chunks"):
        if late:
            assert gateway.connect().get(target).body == big
            time.sleep(0.3)
        else:
            with pytest.raises((EOFError, ConnectionResetError)):
                gateway.connect().get(target)
    # To HEAD some servers send a body, which means nothing.
    client = gateway.connect()
    for _ in range(2):
        assert client.get("/head", method="HEAD").status == 200
        time.sleep(0.3)
    assert upstream.connections == 4


def sized_upstream(connection):
    """Answers with as many bytes as the target says."""
    while (request := connection.read_request()) is not None:
        connection.send(answer(pattern(int(request.target[1:]))))


def test_large_and_small_answers_in_turn_on_one_connection(plane):
    upstream = Upstream(sized_upstream)
    client = plane(upstream).connect()
    for size in (300_000, 10, 0, 300_001, 24_000, 5000, 24_576, 28_800, 300_000, 1, 70_000, 3 * MIB, 3000, 40_000):
        assert client.get(f"/{size}").body == pattern(size)
    assert upstream.connections == 1


def test_requests_behind_each_other_with_large_answers(plane):
    """The next request arrives while the answer to the last one is on its way past the process."""
    client = plane(Upstream(sized_upstream)).connect()
    sizes = [500_000, 20, 400_000, 30_000, 2 * MIB, 100]
    for size in sizes:
        client.send(f"GET /{size} HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(0.02)
    for size in sizes:
        assert client.read().body == pattern(size)


def test_large_uploads_with_a_request_behind_them(plane):
    client = plane(Upstream(digest_upstream)).connect()
    sizes = [500_000, 20, 30_000, 2 * MIB, 100_000]
    wire = b"".join(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size + pattern(size)
                    for size in sizes)
    threading.Thread(target=lambda: client.send(wire), daemon=True).start()
    for size in sizes:
        assert client.read().body == expect(pattern(size))


def test_a_silent_upstream_in_the_middle_of_a_large_answer(plane):
    def script(connection):
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 400000\r\n\r\n" + pattern(300_000))
        time.sleep(3)

    gateway = plane(Upstream(script), service={"read_timeout": 300})
    client = gateway.connect()
    start = time.monotonic()
    with pytest.raises((EOFError, ConnectionResetError)):
        client.get()
    assert time.monotonic() - start < 2.5
    assert eventually(lambda: gateway.counters()["active"] == 0)


def test_a_client_that_leaves_in_the_middle_of_a_large_answer(plane):
    upstream = Upstream(sized_upstream)
    gateway = plane(upstream)
    for _ in range(3):
        client = gateway.connect()
        client.send(f"GET /{32 * MIB} HTTP/1.1\r\nHost: a\r\n\r\n")
        client.exactly(1000)
        client.close()
        assert gateway.connect().get("/50000").body == pattern(50_000)
    assert eventually(lambda: gateway.counters()["active"] == 0)


def test_max_body(plane):
    upstream = Upstream(digest_upstream)
    gateway = plane(upstream, max_body=1000)
    client = gateway.connect()
    assert client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n" + pattern(1000)).read().status == 200
    assert client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n").read().status == 413
    client = gateway.connect()
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(pattern(5000), 500))
    assert client.read().status == 413


def test_own_answers_drop_small_bodies_and_keep_the_connection(plane):
    gateway = plane(Upstream(echo), routes=[{"id": uuid(2), "paths": ["/only"], "strip_path": False,
                                            "service": {"id": uuid(1)}}])
    client = gateway.connect()
    client.send("POST /no HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n")
    assert client.read().status == 404
    client.send("0123456789")
    assert client.get("/only").status == 200
    client.send("POST /no HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
    assert client.read().get("connection") == "close"
    assert client.at_end()


def after_a_moment(client, first, rest):
    client.send(first)
    time.sleep(0.2)
    client.send(rest)


def test_an_upstream_waits_for_no_body_that_fits(plane):
    """request_buffering: the whole body at once, with its length, however it came."""
    came = []

    def script(connection):
        while (request := connection.read_head()) is not None:
            began = time.monotonic()
            body = connection.read_body(request)
            came.append((time.monotonic() - began, request.get("transfer-encoding"), request.get("content-length")))
            connection.send(answer(body))

    client = plane(Upstream(script)).connect()
    body = pattern(40_000)
    after_a_moment(client, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 40000\r\n\r\n" + body[:100], body[100:])
    assert client.read().body == body
    wire = chunked(body, 777) + b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n"
    after_a_moment(client, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + wire[:5000], wire[5000:])
    assert client.read().body == body
    assert client.read().body == b""
    assert [(encoding, length) for _, encoding, length in came] == [(None, "40000"), (None, "40000"), (None, None)]
    assert all(seconds < 0.1 for seconds, _, _ in came), came


@pytest.mark.parametrize("why", ["long", "padded", "trailers", "unbuffered"])
def test_bodies_that_are_streamed(plane, why):
    fields = []

    def script(connection):
        while (request := connection.read_head()) is not None:
            fields.append(request.get("transfer-encoding"))
            if why == "trailers":
                connection.send(answer(connection.until(b"\r\n0\r\nX-Sum: 1\r\n\r\n")[-16:]))
            else:
                connection.send(answer(connection.read_body(request)))

    client = plane(Upstream(script), route={"request_buffering": why != "unbuffered"}).connect()
    body = pattern(300_000 if why == "long" else 5000)
    wire = chunked(body, 4000)
    if why == "padded":  # little payload in much framing: no way to make the gateway keep it
        wire = b"".join(b"1;" + b"e" * 100 + b"\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
    if why == "trailers":
        wire = wire.removesuffix(b"\r\n") + b"X-Sum: 1\r\n\r\n"
    after_a_moment(client, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + wire[:100], wire[100:])
    assert client.read().body == (body if why != "trailers" else body[-16:])
    assert fields == ["chunked"]


def test_a_gathered_body_goes_to_the_next_upstream(plane):
    asked = []

    def script(connection):
        request = connection.read_request()
        asked.append(request.body)
        if len(asked) > 1:
            connection.send(answer("second"))

    client = plane(Upstream(script)).connect()
    body = pattern(30_000)
    after_a_moment(client, b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 30000\r\n\r\n" + body[:10], body[10:])
    assert client.read().body == b"second"
    assert asked == [body, body]


def test_faults_of_a_body_that_is_gathered_reach_no_upstream(plane):
    upstream = Upstream()
    gateway = plane(upstream, body_timeout=300, max_body=1000)
    for first, rest, status in (
            (b"Content-Length: 10\r\n\r\nabc", b"", 408),
            (b"Transfer-Encoding: chunked\r\n\r\n3\r\nab", b"cdefgh\r\n", 400),
            (b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", b"3e9\r\n" + b"x" * 1001 + b"\r\n0\r\n\r\n", 413)):
        client = gateway.connect()
        after_a_moment(client, b"POST / HTTP/1.1\r\nHost: a\r\n" + first, rest)
        assert client.read().status == status
    assert upstream.requests == []
