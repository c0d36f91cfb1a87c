"""The data plane among enemies, on both backends: smuggling, slow and vanishing peers, want."""
import os
import random
import resource
import socket
import struct
import threading
import time

import pytest

from data_plane import Client, Upstream, answer, echo, eventually, uuid
from test_proxy_h2 import H2Client

HOST = "Host: a\r\n"
SMUGGLING = {
    "both framings": f"POST / HTTP/1.1\r\n{HOST}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG",
    "two lengths": f"POST / HTTP/1.1\r\n{HOST}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "list of lengths": f"POST / HTTP/1.1\r\n{HOST}Content-Length: 3, 3\r\n\r\nabc",
    "signed length": f"POST / HTTP/1.1\r\n{HOST}Content-Length: +3\r\n\r\nabc",
    "hex length": f"POST / HTTP/1.1\r\n{HOST}Content-Length: 0x3\r\n\r\nabc",
    "negative length": f"POST / HTTP/1.1\r\n{HOST}Content-Length: -1\r\n\r\n",
    "huge length": f"POST / HTTP/1.1\r\n{HOST}Content-Length: 99999999999999999999\r\n\r\n",
    "length with underscore": f"POST / HTTP/1.1\r\n{HOST}Content_Length: 5\r\n\r\nhello",
    "chunked twice": f"POST / HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "two codings": f"POST / HTTP/1.1\r\n{HOST}Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "xchunked": f"POST / HTTP/1.1\r\n{HOST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "blank before colon": f"POST / HTTP/1.1\r\n{HOST}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "vertical tab": f"POST / HTTP/1.1\r\n{HOST}Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    "folded field": f"POST / HTTP/1.1\r\n{HOST}Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "blank line start": f"GET / HTTP/1.1\r\n {HOST}\r\n",
    "bare LF": "GET / HTTP/1.1\nHost: a\n\n",
    "bare LF in fields": "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n",
    "bare CR": "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
    "NUL": "GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
    "no host": "GET / HTTP/1.1\r\n\r\n",
    "two hosts": "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "host list": "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n",
    "chunked 1.0": f"POST / HTTP/1.0\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "no version": "GET /\r\n\r\n",
    "HTTP/2 preface": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/3.0": f"GET / HTTP/3.0\r\n{HOST}\r\n",
    "lower case version": f"GET / http/1.1\r\n{HOST}\r\n",
    "two blanks": f"GET  / HTTP/1.1\r\n{HOST}\r\n",
    "tab": f"GET\t/ HTTP/1.1\r\n{HOST}\r\n",
    "relative target": f"GET x HTTP/1.1\r\n{HOST}\r\n",
    "name with a blank": f"GET / HTTP/1.1\r\n{HOST}X Y: z\r\n\r\n",
    "empty name": f"GET / HTTP/1.1\r\n{HOST}: z\r\n\r\n",
    "TLS hello": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + "x" * 200,
    "length named as a hop's": f"POST / HTTP/1.1\r\n{HOST}Connection: Content-Length\r\nContent-Length: 3\r\n\r\nabc",
    "coding named as a hop's": f"POST / HTTP/1.1\r\n{HOST}Connection: x, transfer-encoding\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "identity": f"POST / HTTP/1.1\r\n{HOST}Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n",
    "empty coding": f"POST / HTTP/1.1\r\n{HOST}Transfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n",
    "empty segment with a parameter": f"GET /;x/admin HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n",
    "encoded step": f"GET /public/..%2fadmin HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n",
    "step with a parameter": f"GET /public/..;/admin HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n",
    "step between backslashes": f"GET /public\\..\\admin HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n",
    "noise": "\x00\xff\xfe" * 100 + "\r\n\r\n",
}


def test_ambiguous_requests_are_refused_and_reach_nobody(plane):
    upstream = Upstream()
    gateway = plane(upstream)
    for name, wire in SMUGGLING.items():
        client = gateway.connect()
        client.send(wire)
        response = client.read()
        assert response.status in (400, 501, 505), name
        assert response.get("connection") == "close", name
        assert client.at_end(), name
    assert upstream.requests == []


def test_chunk_smuggling_ends_the_exchange(plane):
    upstream = Upstream()
    gateway = plane(upstream)
    for chunks in ("3;\nabc\r\n0\r\n\r\n", "3\nabc\r\n0\r\n\r\n", "3\r\nabcd\r\n0\r\n\r\n", "+3\r\nabc\r\n0\r\n\r\n",
                   "0x3\r\nabc\r\n0\r\n\r\n", "-1\r\n\r\n", "ffffffffffffffff1\r\n", "3 \r\nabc\r\n0\r\n\r\n",
                   "\r\n\r\n", "0\r\nGET /smuggled HTTP/1.1\r\n\r\n"):
        client = gateway.connect()
        client.send(f"POST / HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n{chunks}")
        assert client.read().status == 400, chunks
        assert client.at_end(), chunks
    assert upstream.requests == []  # what is here is looked at before anybody hears of it
    client = plane(upstream, route={"request_buffering": False}).connect()
    client.send(f"POST / HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
    assert eventually(lambda: upstream.requests)
    client.send("3\nabc\r\n0\r\n\r\n")
    assert client.read().status == 400 and client.at_end()
    assert len(upstream.requests) == 1 and upstream.requests[0].body == b""


@pytest.mark.parametrize("wire", [
    b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    b"HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n",
    b"HTTP/2 200\r\n\r\n", b"HTTP/1.1 2x0 OK\r\n\r\n", b"SSH-2.0-OpenSSH\r\n", b"\x15\x03\x01\x00\x02\x02",
    b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 40000 + b"\r\n\r\n",
])
def test_invalid_answers_become_502(plane, wire):
    def script(connection):
        connection.read_request()
        connection.send(wire)
        time.sleep(0.05)

    client = plane(Upstream(script)).connect()
    response = client.get()
    assert response.status == 502
    assert response.body.startswith(b"An invalid response was received from the upstream server\n")
    assert response.get("x-kong-upstream-latency") and response.get("x-kong-proxy-latency")
    assert response.get("x-kong-response-latency") is None


@pytest.mark.parametrize("chunks", [b"zz\r\n", b"3\r\nabcd\r\n0\r\n\r\n", b"3\r\nabc\r\nzz\r\n", b"0\r\nX Y\r\n\r\n"],
                         ids=["size", "length", "second", "trailer"])
@pytest.mark.parametrize("plugins", [[], [{"id": uuid(3), "name": "correlation-id", "config": {"echo_downstream": True}}]],
                         ids=["bare", "plugin"])
def test_chunks_that_are_broken_from_the_start_become_502(plane, chunks, plugins):
    def script(connection):
        late = connection.read_request().target == "/late"
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n" + (b"2\r\nok\r\n" if late else chunks))
        if late:
            time.sleep(0.2)
            connection.send(chunks)
        time.sleep(0.05)

    gateway = plane(Upstream(script), plugins=plugins, listeners=[{}, {"http2": True}])
    client = gateway.connect()
    for _ in range(2):  # the client's connection is none the worse for it
        response = client.get()
        assert response.status == 502 and response.get("x") is None
        assert response.body.startswith(b"An invalid response was received from the upstream server\n")
    assert "invalid response from 127.0.0.1" in gateway.log()
    # When bytes of the answer are out, it is cut.
    client.send(f"GET /late HTTP/1.1\r\n{HOST}\r\n")
    assert client.until(b"2\r\nok\r\n").startswith(b"HTTP/1.1 200")
    assert b"0\r\n\r\n" not in client.read_to_end()
    client = H2Client(gateway.ports["proxy"][1])
    answered = client.get()
    assert answered.status == 502 and answered.body.startswith(b"An invalid response")
    late = client.get("/late")
    assert late.status == 200 and late.reset is not None and client.get().status == 502


def test_timeouts_of_the_client_side(plane):
    gateway = plane(Upstream(), header_timeout=300, body_timeout=300, keepalive_timeout=300)
    silent = gateway.connect()
    start = time.monotonic()
    assert silent.at_end()
    assert 0.2 < time.monotonic() - start < 5
    dripping = gateway.connect()
    dripping.send("GET / HT")
    assert dripping.read().status == 408
    assert dripping.at_end()
    idle = gateway.connect()
    assert idle.get().status == 200
    assert idle.at_end()
    half = gateway.connect().send(f"POST / HTTP/1.1\r\n{HOST}Content-Length: 10\r\n\r\nhalf")
    assert half.read().status == 408
    assert half.at_end()
    assert eventually(lambda: gateway.counters()["active"] == 0)


def test_a_head_that_drips_for_ever_has_one_deadline(plane):
    client = plane(Upstream(), header_timeout=400).connect()
    start = time.monotonic()
    with pytest.raises((BrokenPipeError, ConnectionResetError, EOFError)):
        for byte in "GET / HTTP/1.1\r\nHost: a\r\n" + "X: y\r\n" * 1000:
            client.send(byte)
            time.sleep(0.02)
            if time.monotonic() - start > 2:
                break
        client.sock.settimeout(1)
        while True:
            assert client.read().status == 408
    assert time.monotonic() - start < 5


def test_a_client_that_never_reads_is_cut(plane):
    def script(connection):
        connection.read_request()
        connection.send(answer(b"x" * (32 << 20)))

    gateway = plane(Upstream(script), send_timeout=400)
    client = gateway.connect()
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.send(f"GET / HTTP/1.1\r\n{HOST}\r\n")
    assert eventually(lambda: gateway.counters()["active"] == 1)
    assert eventually(lambda: gateway.counters()["active"] == 0)


def test_timeouts_of_the_upstream_side(plane):
    release = threading.Event()

    def silent(connection):
        connection.read_request()
        release.wait(20)

    client = plane(Upstream(silent), service={"read_timeout": 300, "retries": 0}).connect()
    start = time.monotonic()
    response = client.get()
    assert response.status == 504
    assert 0.2 < time.monotonic() - start < 5
    assert response.body.startswith(b"The upstream server is timing out")

    upstream = Upstream(silent)
    client = plane(upstream, service={"read_timeout": 200, "retries": 2}).connect()
    assert client.get().status == 504
    assert len(upstream.requests) == 3
    assert client.get(method="PATCH").status == 504  # not repeated
    assert len(upstream.requests) == 4

    def halfway(connection):
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        release.wait(20)

    client = plane(Upstream(halfway), service={"read_timeout": 200}).connect()
    with pytest.raises((EOFError, ConnectionResetError)):
        client.get()

    def deaf(connection):
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        release.wait(20)

    upstream = Upstream(deaf)
    client = plane(upstream, service={"write_timeout": 300, "read_timeout": 60000, "retries": 0}).connect()
    threading.Thread(target=lambda: ignore(lambda: client.send(
        f"POST / HTTP/1.1\r\n{HOST}Content-Length: 60000000\r\n\r\n".encode() + b"x" * 60000000)), daemon=True).start()
    assert client.read().status == 504
    release.set()


def ignore(call):
    try:
        call()
    except OSError:
        pass


def test_connect_failures(plane):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    gateway = plane(service={"port": port, "retries": 3})
    response = gateway.connect().get(method="POST")
    assert response.status == 502
    assert gateway.log().count("cannot connect") == 4
    # A name that does not resolve, one from the hosts file, and retries over its addresses.
    hosts = os.path.join(gateway.directory, "hosts")
    upstream = Upstream()
    with open(hosts, "w") as file:
        file.write("127.0.0.2 both.test\n127.0.0.1 both.test one.test # comment\n")
    named = plane(upstream, service={"host": "both.test"}, dns_hostsfile=hosts, dns_servers=["127.0.0.1:1"])
    for _ in range(6):
        assert named.connect().get().status == 200
    lost = plane(service={"host": "nowhere.test"}, dns_hostsfile=hosts, dns_servers=["127.0.0.1:1"])
    response = lost.connect().get()
    assert response.status == 503
    assert b"name resolution failed" in response.body


def test_stale_connections_are_replaced_for_idempotent_requests(plane):
    """An upstream that closes kept connections just as the next request arrives on them."""

    def script(connection):
        if connection.read_request() is None:
            return
        connection.send(answer("first"))
        connection.read_head()
        connection.reset()

    upstream = Upstream(script)
    client = plane(upstream).connect()
    for n in range(10):
        assert client.get(f"/{n}").status == 200
    before = len(upstream.requests)
    assert client.get("/post", "Content-Length: 0\r\n", method="POST").status == 502
    assert len(upstream.requests) == before + 1


def test_an_upstream_that_closes_idle_connections(plane):
    def script(connection):
        if connection.read_request():
            connection.send(answer("x"))

    upstream = Upstream(script)
    client = plane(upstream).connect()
    for n in range(20):
        assert client.get("/", "Content-Length: 0\r\n", method="POST").status == 200
        time.sleep(0.02)  # time to notice
    assert len(upstream.requests) == 20


def test_an_upstream_that_hangs_up_without_answer(plane):
    upstream = Upstream(lambda connection: connection.read_request())
    client = plane(upstream, service={"retries": 2}).connect()
    assert client.get().status == 502
    assert len(upstream.requests) == 3


def test_limits_of_the_pool(plane):
    upstream = Upstream()
    gateway = plane(upstream, upstream_keepalive_max_requests=3)
    client = gateway.connect()
    for _ in range(9):
        client.get()
    assert upstream.connections == 3
    upstream = Upstream()
    gateway = plane(upstream, upstream_keepalive_idle_timeout=100)
    client = gateway.connect()
    client.get()
    time.sleep(0.4)
    client.get()
    assert upstream.connections == 2


def test_a_client_that_resets_stops_its_upstream(plane):
    cut = []

    def script(connection):
        connection.read_request()
        cut.append(connection.sock.recv(1))  # until the gateway lets go

    gateway = plane(Upstream(script))
    client = gateway.connect()
    client.send(f"GET / HTTP/1.1\r\n{HOST}\r\n")
    assert eventually(lambda: gateway.counters()["writing"] == 1)
    time.sleep(0.1)
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    assert eventually(lambda: cut == [b""])
    assert eventually(lambda: gateway.counters()["active"] == 0)


def test_a_client_that_has_reset_is_not_taken_for_a_trusted_one(plane, tmp_path):
    """Nobody can say any more who it was: least of all that it came by a Unix socket."""
    log = tmp_path / "access.log"
    upstream = Upstream()
    gateway = plane(upstream, trusted_ips=["unix:"], access_log=str(log))
    for _ in range(50):
        client = gateway.connect()
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.send(f"POST / HTTP/1.1\r\n{HOST}X-Real-IP: 10.6.6.6\r\nContent-Length: 1\r\n\r\nx")
        client.close()
    assert gateway.connect().get().status == 200
    assert eventually(lambda: gateway.counters()["active"] == 0)
    assert {request.get("x-real-ip") for request in upstream.requests} == {"127.0.0.1"}
    assert eventually(lambda: log.exists() and '"GET / ' in log.read_text())
    assert {line.split()[0] for line in log.read_text().splitlines()} == {"127.0.0.1"}


def test_answers_before_the_answer_wait_for_the_client(plane):
    sent = []

    def endless(connection):
        connection.read_request()
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        link = b"Link: <" + b"x" * 7000 + b">\r\n"
        hints = b"HTTP/1.1 103 Early Hints\r\n" + 2 * link + b"\r\n"
        for _ in range(900):
            connection.send(hints)
            sent.append(len(hints))
        connection.send(answer(b"at last"))

    gateway = plane(Upstream(endless), send_timeout=20_000)
    client = gateway.connect()
    client.send(f"GET / HTTP/1.1\r\n{HOST}\r\n")

    def nothing_moves():
        before = len(sent)
        time.sleep(0.5)
        return 0 < before == len(sent)

    assert eventually(nothing_moves)
    assert len(sent) < 900  # the rest waits in the upstream
    response = client.read()
    assert len(response.interim) == 900 and response.body == b"at last"


def test_answers_before_the_answer_are_not_without_end(plane):
    def endless(connection):
        connection.read_request()
        while True:
            connection.send(b"HTTP/1.1 102 Processing\r\n\r\n" * 100)

    gateway = plane(Upstream(lambda connection: ignore(lambda: endless(connection))), service={"retries": 0})
    response = gateway.connect().get()
    assert response.status == 502 and len(response.interim) == 1000
    assert "does not come to its answer" in gateway.log()


@pytest.mark.parametrize("sent", ["nothing", "head"])
def test_a_client_that_closes_stops_its_upstream(plane, sent):
    """Nothing but a FIN: whether it still reads is not to be seen, so that it has a second."""
    cut = []

    def script(connection):
        connection.read_request()
        if sent == "head":
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345")
        cut.append(connection.sock.recv(1))

    gateway = plane(Upstream(script))
    client = gateway.connect()
    client.send(f"GET / HTTP/1.1\r\n{HOST}\r\n")
    assert eventually(lambda: gateway.counters()["writing"] == 1)
    time.sleep(0.1)
    client.close()
    began = time.monotonic()
    assert eventually(lambda: cut == [b""])
    assert time.monotonic() - began < 3
    assert eventually(lambda: gateway.counters()["active"] == 0)


def test_a_half_closed_client_gets_its_answer(plane):
    client = plane(Upstream()).connect()
    client.send(f"GET /half HTTP/1.1\r\n{HOST}\r\n")
    client.sock.shutdown(socket.SHUT_WR)
    assert client.read().json()["target"] == "/half"
    assert client.at_end()


@pytest.mark.parametrize("reset", [True, False])
def test_nobody_is_tried_for_a_client_that_is_gone(plane, reset):
    """An upstream whose queue is full: connecting takes as long as it may."""
    full = socket.create_server(("127.0.0.1", 0), backlog=0)
    queued = [socket.socket() for _ in range(3)]
    for sock in queued:
        sock.setblocking(False)
        sock.connect_ex(full.getsockname())
    gateway = plane(Upstream(), service={"port": full.getsockname()[1], "connect_timeout": 700, "retries": 9})
    client = gateway.connect().send(f"GET / HTTP/1.1\r\n{HOST}\r\n")
    assert eventually(lambda: gateway.counters()["writing"] == 1)
    if reset:
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    assert eventually(lambda: gateway.counters()["active"] == 0, seconds=4)
    assert gateway.log().count("cannot connect") == (1 if reset else 2)
    for sock in (full, *queued):
        sock.close()


def test_clients_that_vanish_at_any_moment(plane):
    def script(connection):
        while (request := connection.read_request()) is not None:
            connection.send(answer(b"y" * (200_000 if request.target == "/big" else 10)))

    gateway = plane(Upstream(script))
    random.seed(7)
    wire = (f"POST /big HTTP/1.1\r\n{HOST}Content-Length: 50000\r\n\r\n" + "x" * 50000
            + f"GET / HTTP/1.1\r\n{HOST}\r\n")
    for _ in range(150):
        client = gateway.connect()
        client.send(wire[:random.randrange(len(wire))])
        if random.random() < 0.5:
            time.sleep(random.random() * 0.01)
        if random.random() < 0.5:
            client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
    assert eventually(lambda: gateway.counters()["active"] == 0)
    assert gateway.connect().get("/").status == 200


def test_out_of_descriptors_it_degrades_and_recovers(plane, backend):
    gateway = plane(Upstream())
    keep = gateway.connect()
    assert keep.get().status == 200
    pid = gateway.child.pid
    used = len(os.listdir(f"/proc/{pid}/fd"))
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (used + 20, hard))
    crowd = [gateway.connect() for _ in range(60)]
    time.sleep(0.5)
    cpu = os.times()
    ticks = cpu_ticks(pid)
    time.sleep(0.5)
    assert cpu_ticks(pid) - ticks < 20  # it does not spin
    del cpu
    assert keep.get().status in (200, 503)
    for client in crowd:
        client.close()
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))

    def served():
        try:
            return gateway.connect().get().status == 200
        except (OSError, EOFError):
            return False  # the limit is looked at once a second

    assert eventually(served)


def test_the_last_descriptors_are_the_apis(plane):
    gateway = plane(Upstream(), listeners=[{}, {"role": "status"}, {"role": "stream"}], workers=2)
    pid, status = gateway.child.pid, gateway.ports["status"][0]
    keep = gateway.connect()
    assert keep.get().status == 200
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (200, hard))
    time.sleep(1.1)  # the limit is looked at once a second
    crowd = [Client(port) for _ in range(200) for port in (gateway.port, gateway.ports["stream"][0])]
    assert eventually(lambda: gateway.counters()["accepted"] >= 401)
    assert len(os.listdir(f"/proc/{pid}/fd")) < 200
    assert all(Client(status).get().status == 200 for _ in range(20))
    assert keep.get().status == 200  # its upstream has some of its own
    for client in crowd:
        client.close()
    assert eventually(lambda: gateway.counters()["active"] <= 1)
    assert gateway.connect().get().status == 200
    assert "connections refused or cut: nearly all file descriptors" in gateway.log()


@pytest.mark.parametrize("http2", [False, True], ids=["http1", "http2"])
def test_idle_clients_make_room_when_descriptors_are_short(plane, http2):
    gateway = plane(Upstream(), listeners=[{"http2": http2}, {"role": "status"}], upstream_keepalive_pool_size=1)
    pid, status = gateway.child.pid, gateway.ports["status"][0]
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (200, hard))
    time.sleep(1.1)  # the limit is looked at once a second
    connect = (lambda: H2Client(gateway.port)) if http2 else gateway.connect
    crowd = []
    try:
        while len(crowd) < 200:
            crowd.append(connect())
            assert crowd[-1].get().status == 200
    except (OSError, EOFError, AssertionError):
        crowd.pop()  # refused: whoever has asked just now keeps its place
    assert 100 < len(crowd) < 200
    busy = crowd.pop()
    deadline = time.monotonic() + 5.5
    while time.monotonic() < deadline:
        assert busy.get().status == 200
        time.sleep(0.2)
    fresh = []
    for _ in range(60):
        fresh.append(connect())
        assert fresh[-1].get().status == 200
    assert all(client.get().status == 200 for client in (busy, *fresh, Client(status)))
    # As many as were needed have gone, and were told so; the others are served.
    gone = 0
    for client in crowd:
        client.sock.settimeout(0.01)
        try:
            client.run_to_end() if http2 else client.read_to_end()
            assert not http2 or client.goaway == 0
            gone += 1
        except TimeoutError:
            client.sock.settimeout(20)
            assert client.get().status == 200
    assert 40 < gone < 80
    assert "connections refused or cut: nearly all file descriptors" in gateway.log()


def test_short_of_memory_it_cuts_and_recovers(plane):
    gateway = plane(Upstream(lambda connection: connection.read_request() and time.sleep(5)),
                    listeners=[{}, {"http2": True}, {"role": "status"}])
    status = Client(gateway.ports["status"][0])
    assert status.get().status == 200
    crowd = [gateway.connect().send(f"GET / HTTP/1.1\r\n{HOST}\r\n") for _ in range(40)]
    assert eventually(lambda: gateway.counters()["writing"] == 40)
    gateway.command("short 32")
    assert eventually(lambda: gateway.counters()["active"] < 40)
    assert gateway.connect().send(f"GET / HTTP/1.1\r\n{HOST}\r\n") and status.get().status == 200
    assert "connections refused or cut: memory has run out" in gateway.log()
    gateway.command("short 1")  # little: nobody is cut for that
    time.sleep(0.3)
    left = gateway.counters()["active"]
    assert left > 1
    for client in crowd:
        client.close()


def cpu_ticks(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def test_many_connections_at_once(plane):
    gateway = plane(Upstream(echo), workers=2)
    clients = [gateway.connect() for _ in range(600)]
    for client in clients:
        client.send(f"GET / HTTP/1.1\r\n{HOST}\r\n")
    for client in clients:
        assert client.read().status == 200
    counters = gateway.counters()
    assert counters["active"] == 600 and counters["requests"] == 600
    for client in clients:
        client.close()
    assert eventually(lambda: gateway.counters()["active"] == 0)
    assert uuid(1)
    assert Client(gateway.port).get().status == 200
