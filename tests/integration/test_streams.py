"""TCP, TLS and passed-through connections over stream listeners, on both backends."""
import hashlib
import os
import select
import socket
import ssl
import struct
import subprocess
import threading
import time

import pytest

from cluster import free_port
from data_plane import Client, Upstream, eventually, exchange_time, uuid


@pytest.fixture(scope="module")
def certificate(workspace):
    key, cert = workspace + "/stream.key", workspace + "/stream.crt"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=a.test", "-addext",
                    "subjectAltName=DNS:a.test"], check=True, capture_output=True)
    return {"certificate": open(cert).read(), "certificate_key": open(key).read(), "files": (cert, key)}


def echo_bytes(connection):
    while connection.fill():
        connection.send(bytes(connection.buffer))
        connection.buffer.clear()


class Named:
    """An upstream that says its name first, then sends back what it gets."""

    def __init__(self, name, context=None):
        self.name, self.context = name, context
        self.upstream = Upstream(self.script)
        self.port = self.upstream.port

    def script(self, connection):
        if self.context:
            connection.sock = self.context.wrap_socket(connection.sock, server_side=True)
        connection.send(self.name.encode() + b"\n")
        echo_bytes(connection)


def tcp_plane(plane, upstream_port, listener=None, route=None, service=None, **options):
    route = {"id": uuid(2), "protocols": ["tcp"], "sources": [{"ip": "127.0.0.0/8"}], "service": {"id": uuid(1)},
             **(route or {})}
    service = {"id": uuid(1), "protocol": "tcp", "host": "127.0.0.1", "port": upstream_port, **(service or {})}
    return plane(services=[service], routes=[route],
                 listeners=[{"role": "stream", **(listener or {})}], **options)


def stream(gateway, n=0):
    return Client(gateway.ports["stream"][n])


def test_bytes_and_ends_both_ways(plane):
    upstream = Upstream(echo_bytes)
    gateway = tcp_plane(plane, upstream.port)
    client = stream(gateway)
    client.send("hello")
    assert client.exactly(5) == b"hello"
    # A half-closed connection still gets what is on its way back.
    body = os.urandom(3 << 20)

    def send():
        client.sock.sendall(body)
        client.sock.shutdown(socket.SHUT_WR)

    sender = threading.Thread(target=send)
    sender.start()
    got = client.read_to_end()
    sender.join()
    assert hashlib.sha256(got).digest() == hashlib.sha256(body).digest()
    assert eventually(lambda: gateway.counters()["stream_active"] == 0)
    counters = gateway.counters()
    assert counters["stream_connections"] == 1
    assert counters["stream_received"] == counters["stream_sent"] == len(body) + 5


def test_messages_of_several_blocks_are_not_held_up(plane):
    gateway = tcp_plane(plane, Upstream(echo_bytes).port)
    client = stream(gateway)
    for size in (1_000, 20_000, 33_000, 40_000, 65_536):
        assert exchange_time(client.sock, size) < 0.004, size


def test_an_upstream_may_speak_first_and_end_first(plane):
    def script(connection):
        connection.send(b"220 ready\r\n")
        connection.sock.shutdown(socket.SHUT_WR)
        assert connection.until(b"\n") == b"thanks"

    upstream = Upstream(script)
    gateway = tcp_plane(plane, upstream.port)
    client = stream(gateway)
    assert client.read_to_end() == b"220 ready\r\n"
    client.send("thanks\n").close()
    assert eventually(lambda: gateway.counters()["stream_active"] == 0)
    upstream.assert_sound()


def test_a_slow_reader_makes_the_upstream_wait(plane):
    sent = []

    def script(connection):
        chunk = b"x" * 65536
        connection.sock.settimeout(20)
        for _ in range(1024):
            connection.send(chunk)
            sent.append(len(chunk))

    gateway = tcp_plane(plane, Upstream(script).port)
    client = Client(gateway.ports["stream"][0])
    before = gateway.counters()["rss_kib"]
    assert eventually(lambda: len(sent) > 5)
    time.sleep(0.5)
    assert sum(sent) < 32 << 20, "nobody holds the upstream back"
    assert gateway.counters()["rss_kib"] - before < 16 << 10
    assert len(client.read_to_end()) == 64 << 20


def test_a_reset_stays_a_reset(plane):
    def script(connection):
        connection.until(b"\n")
        connection.send(b"half of it")
        connection.reset()

    gateway = tcp_plane(plane, Upstream(script).port)
    client = stream(gateway)
    client.send("go\n")
    with pytest.raises(ConnectionResetError):
        while client.sock.recv(100):
            pass
        raise AssertionError("a cut answer looks like a whole one")


def test_idle_connections_end(plane):
    gateway = tcp_plane(plane, Upstream(echo_bytes).port, service={"read_timeout": 1500})
    client = stream(gateway)
    for _ in range(4):  # every byte counts, in either direction
        time.sleep(0.5)
        client.send("x")
        assert client.exactly(1) == b"x"
    began = time.monotonic()
    assert client.at_end()
    assert 1 < time.monotonic() - began < 10


def test_routes_by_source_destination_and_mapped_port(plane):
    one, two = Named("one"), Named("two")
    port = free_port()
    services = [{"id": uuid(n), "protocol": "tcp", "host": "127.0.0.1", "port": up.port}
                for n, up in ((1, one), (2, two))]
    routes = [{"id": uuid(11), "protocols": ["tcp"], "destinations": [{"port": 5432}], "service": {"id": uuid(1)}},
              {"id": uuid(12), "protocols": ["tcp"], "sources": [{"ip": "127.0.0.2"}], "service": {"id": uuid(2)}}]
    gateway = plane(services=services, routes=routes, port_maps={str(port): 5432},
                    listeners=[{"role": "stream", "port": port}, {"role": "stream"}])
    assert stream(gateway).until(b"\n") == b"one"
    other = gateway.ports["stream"][1]
    assert Client(other).at_end()
    sock = socket.create_connection(("127.0.0.1", other), source_address=("127.0.0.2", 0), timeout=10)
    assert sock.recv(10) == b"two\n"


def echoed(sock, body):
    """What comes back for `body`, sent and received by one thread: OpenSSL allows no two on one connection."""
    sock.setblocking(False)
    sent, got, wait = 0, bytearray(), (ssl.SSLWantReadError, ssl.SSLWantWriteError)
    while len(got) < len(body):
        try:
            while sent < len(body):
                sent += sock.send(body[sent:sent + 65536])
        except wait:
            pass
        try:
            chunk = sock.recv(65536)
            if not chunk:
                raise EOFError(f"{len(got)} of {len(body)} bytes")
            got += chunk
        except wait:
            ready = select.select([sock], [sock] if sent < len(body) else [], [], 20)
            assert any(ready), f"nothing moves after {len(got)} of {len(body)} bytes"
    return bytes(got)


def test_tls_ends_here_and_begins_again(plane, certificate):
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(*certificate["files"])
    plain, secure = Named("plain"), Named("secure", server)
    services = [{"id": uuid(1), "protocol": "tcp", "host": "127.0.0.1", "port": plain.port},
                {"id": uuid(2), "protocol": "tls", "host": "127.0.0.1", "port": secure.port}]
    routes = [{"id": uuid(11), "protocols": ["tls"], "snis": ["a.test"], "service": {"id": uuid(1)}},
              {"id": uuid(12), "protocols": ["tls"], "snis": ["*.b.test"], "service": {"id": uuid(2)}}]
    gateway = plane(services=services, routes=routes, listeners=[{"role": "stream", "ssl": True}],
                    certificate=certificate["certificate"], certificate_key=certificate["certificate_key"])
    context = ssl.create_default_context(cafile=certificate["files"][0])
    context.check_hostname = False
    for name, upstream in (("a.test", b"plain"), ("x.b.test", b"secure")):
        client = stream(gateway)
        client.sock = context.wrap_socket(client.sock, server_hostname=name)
        assert client.until(b"\n") == upstream
        body = os.urandom(1 << 20)
        assert not client.buffer and echoed(client.sock, body) == body
    client = stream(gateway)
    with pytest.raises((ssl.SSLError, ConnectionResetError, OSError)):
        context.wrap_socket(client.sock, server_hostname="nobody.test")
    # What is spoken inside is none of the gateway's business.
    for offered in ("postgresql", "http/1.1"):
        context.set_alpn_protocols([offered])
        client = stream(gateway)
        client.sock = context.wrap_socket(client.sock, server_hostname="a.test")
        assert client.until(b"\n") == b"plain" and client.sock.selected_alpn_protocol() is None
    # What is no TLS gets no route.
    client = stream(gateway)
    client.send("GET / HTTP/1.1\r\n\r\n")
    assert client.at_end()


def test_messages_over_tls_are_not_held_up(plane, certificate):
    gateway = tcp_plane(plane, Upstream(echo_bytes).port, {"ssl": True}, {"protocols": ["tls"], "sources": [], "snis": ["a.test"]},
                        certificate=certificate["certificate"], certificate_key=certificate["certificate_key"])
    client = stream(gateway)
    context = ssl.create_default_context(cafile=certificate["files"][0])
    client.sock = context.wrap_socket(client.sock, server_hostname="a.test")
    for size in (1_000, 20_000, 33_000, 40_000, 65_536):
        assert exchange_time(client.sock, size) < 0.004, size


@pytest.mark.parametrize("when", ["at once", "later"])
@pytest.mark.parametrize("size", [0, 5, 300_000])
def test_an_upstream_that_ends_is_no_truncation_to_tls_clients(plane, certificate, when, size):
    body = os.urandom(size)

    def script(connection):
        if when == "later":
            connection.exactly(2)
        connection.send(body)

    gateway = tcp_plane(plane, Upstream(script).port, {"ssl": True}, {"protocols": ["tls"], "sources": [], "snis": ["a.test"]},
                        certificate=certificate["certificate"], certificate_key=certificate["certificate_key"])
    context = ssl.create_default_context(cafile=certificate["files"][0])
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context.minimum_version = context.maximum_version = version
        client = stream(gateway)
        time.sleep(0.05)
        client.sock = context.wrap_socket(client.sock, server_hostname="a.test", suppress_ragged_eofs=False)
        if when == "later":
            client.send(b"go")
        assert client.read_to_end() == body  # SSLEOFError where the end is not announced
        client.close()
    assert eventually(lambda: gateway.counters()["stream_active"] == 0)


@pytest.mark.parametrize("size", [0, 5, 300_000])
def test_a_client_that_ends_is_no_truncation_to_tls_upstreams(plane, certificate, size):
    body, ends = os.urandom(size), []
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(*certificate["files"])

    def script(connection):
        connection.sock = server.wrap_socket(connection.sock, server_side=True, suppress_ragged_eofs=False)
        while connection.fill():
            pass
        ends.append(bytes(connection.buffer))

    gateway = tcp_plane(plane, Upstream(script).port, service={"protocol": "tls"})
    client = stream(gateway)
    client.send(body)
    client.sock.shutdown(socket.SHUT_WR)
    assert eventually(lambda: ends == [body])
    assert client.at_end()


def tls_plane(plane, certificate, upstream_port, service=None, **options):
    return tcp_plane(plane, upstream_port, {"ssl": True}, {"protocols": ["tls"], "sources": [], "snis": ["a.test"]},
                     service, certificate=certificate["certificate"], certificate_key=certificate["certificate_key"],
                     **options)


class HalfClosing:
    """A TLS client that says that it ends and goes on reading, which ssl.SSLSocket cannot."""

    def __init__(self, sock, certificate):
        self.sock, self.input, self.output = sock, ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.create_default_context(cafile=certificate["files"][0])
        self.tls = context.wrap_bio(self.input, self.output, server_hostname="a.test")

    def do(self, what, *arguments):
        while True:
            try:
                result = what(*arguments)
                self.sock.sendall(self.output.read())
                return result
            except ssl.SSLWantReadError:
                self.sock.sendall(self.output.read())
                if data := self.sock.recv(65536):
                    self.input.write(data)
                else:
                    self.input.write_eof()

    def finish(self):
        with pytest.raises(ssl.SSLWantReadError):
            self.tls.unwrap()
        self.sock.sendall(self.output.read())


@pytest.mark.parametrize("size", [0, 5, 100_000])
def test_a_tls_client_that_says_so_has_ended_its_half(plane, certificate, size):
    body, ends = os.urandom(size), []

    def script(connection):
        while connection.fill():
            pass
        ends.append(bytes(connection.buffer))
        connection.send(b"the answer")

    gateway = tls_plane(plane, certificate, Upstream(script).port)
    client = HalfClosing(stream(gateway).sock, certificate)
    client.do(client.tls.do_handshake)
    if body:
        client.do(client.tls.write, body)
    client.finish()
    # OpenSSL reads on after its own close_notify only below the API: the record is there.
    assert client.sock.recv(65536)[0] == 23
    assert eventually(lambda: ends == [body])


@pytest.mark.parametrize("size", [0, 5, 100_000])
def test_a_cut_tls_client_is_a_reset_to_the_upstream(plane, certificate, size):
    body, ends = os.urandom(size), []

    def script(connection):
        try:
            while connection.fill():
                pass
            ends.append("whole")
        except ConnectionResetError:
            ends.append("reset")

    gateway = tls_plane(plane, certificate, Upstream(script).port)
    client = stream(gateway)
    context = ssl.create_default_context(cafile=certificate["files"][0])
    client.sock = context.wrap_socket(client.sock, server_hostname="a.test")
    client.send(body)
    socket.socket(fileno=os.dup(client.sock.fileno())).shutdown(socket.SHUT_WR)  # anybody on the way can
    assert eventually(lambda: ends == ["reset"]), ends
    assert eventually(lambda: gateway.counters()["stream_active"] == 0)


@pytest.mark.parametrize("over_tls", [False, True])
@pytest.mark.parametrize("size", [0, 5, 100_000])
def test_a_cut_tls_upstream_is_a_reset_to_the_client(plane, certificate, over_tls, size):
    body = os.urandom(size)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(*certificate["files"])

    def script(connection):
        connection.sock = server.wrap_socket(connection.sock, server_side=True)
        connection.exactly(2)
        connection.send(body)  # and ends without a word

    upstream = Upstream(script)
    gateway = (tls_plane(plane, certificate, upstream.port, {"protocol": "tls"}) if over_tls
               else tcp_plane(plane, upstream.port, service={"protocol": "tls"}))
    client = stream(gateway)
    if over_tls:
        context = ssl.create_default_context(cafile=certificate["files"][0])
        client.sock = context.wrap_socket(client.sock, server_hostname="a.test", suppress_ragged_eofs=False)
    client.send("go")
    assert client.exactly(size) == body
    with pytest.raises((ConnectionResetError, ssl.SSLEOFError)):
        raise AssertionError(f"a cut answer ends as a whole one: {client.sock.recv(1)}")
    assert eventually(lambda: gateway.counters()["stream_active"] == 0)


@pytest.mark.parametrize("half_closed", [False, True])
def test_a_client_that_never_ends_its_handshake_does_not_stay(plane, certificate, half_closed):
    upstream = Upstream(lambda connection: connection.send(b"banner"))
    gateway = tls_plane(plane, certificate, upstream.port, header_timeout=700)
    out = ssl.MemoryBIO()
    half = ssl.create_default_context(cafile=certificate["files"][0]).wrap_bio(ssl.MemoryBIO(), out, server_hostname="a.test")
    with pytest.raises(ssl.SSLWantReadError):
        half.do_handshake()
    client = stream(gateway)
    client.send(out.read())
    began = time.monotonic()
    assert eventually(lambda: gateway.counters()["stream_active"] == 1)
    if half_closed:
        client.sock.shutdown(socket.SHUT_WR)
    assert eventually(lambda: gateway.counters()["stream_active"] == 0)
    assert half_closed or 0.5 < time.monotonic() - began < 5
    assert upstream.connections == 0  # it hears of a client once that has shaken hands


def test_tls_passes_through_with_its_own_certificate(plane, certificate, workspace):
    key, cert = workspace + "/inner.key", workspace + "/inner.crt"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=inner.test", "-addext",
                    "subjectAltName=DNS:inner.test"], check=True, capture_output=True)
    inner = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    inner.load_cert_chain(cert, key)
    secure = Named("inner", inner)
    gateway = tcp_plane(plane, secure.port, {"ssl": True},
                        {"protocols": ["tls_passthrough"], "sources": [], "snis": ["inner.test"]},
                        certificate=certificate["certificate"], certificate_key=certificate["certificate_key"],
                        header_timeout=700)
    context = ssl.create_default_context(cafile=cert)
    client = stream(gateway)
    client.sock = context.wrap_socket(client.sock, server_hostname="inner.test")  # verifies who answers
    assert client.until(b"\n") == b"inner"

    # The ClientHello byte by byte, in one record for each part.
    out = ssl.MemoryBIO()
    object_ = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname="inner.test")
    with pytest.raises(ssl.SSLWantReadError):
        object_.do_handshake()
    hello = out.read()
    message = hello[5:]
    slow = stream(gateway)
    for at in range(0, len(message), 50):
        part = message[at:at + 50]
        slow.send(b"\x16\x03\x01" + struct.pack(">H", len(part)) + part)
        time.sleep(0.005)
    assert slow.exactly(1) == b"\x16"  # the server's answer
    # One that never finishes is ended.
    stuck = stream(gateway)
    stuck.send(hello[:20])
    began = time.monotonic()
    assert stuck.at_end()
    assert 0.5 < time.monotonic() - began < 5


def test_proxy_protocol_before_everything(plane):
    upstream = Named("up")
    plugins = [{"id": uuid(5), "name": "ip-restriction", "route": {"id": uuid(2)}, "protocols": ["tcp"],
                "config": {"deny": ["203.0.113.0/24"]}}]
    gateway = tcp_plane(plane, upstream.port, {"proxy_protocol": True},
                        {"sources": [{"ip": "203.0.113.0/24"}, {"ip": "198.51.100.0/24"}]},
                        trusted_ips=["127.0.0.0/8"], plugins=plugins)
    client = stream(gateway)
    client.send("PROXY TCP4 198.51.100.7 1.2.3.4 4711 443\r\nhello")
    assert client.until(b"\n") == b"up"
    assert client.exactly(5) == b"hello"
    for head in ("PROXY TCP4 203.0.113.7 1.2.3.4 4711 443\r\n",  # denied
                 "PROXY TCP4 192.0.2.1 1.2.3.4 4711 443\r\n",  # no route
                 "PROXY TCP4 nonsense\r\n", "hello\r\n"):
        client = stream(gateway)
        client.send(head)
        assert client.at_end(), head
    assert upstream.upstream.connections == 1


def test_plugins_run_or_refuse(plane):
    upstream = Named("up")

    def rows(name, config, protocols):
        return [{"id": uuid(5), "name": name, "protocols": protocols, "config": config}]

    gateway = tcp_plane(plane, upstream.port, plugins=rows("ip-restriction", {"deny": ["127.0.0.1"]}, ["tcp", "tls"]))
    assert stream(gateway).at_end()
    for plugins, served in ((rows("ip-restriction", {"allow": ["127.0.0.0/8"]}, ["tcp"]), True),
                            (rows("ip-restriction", {"deny": ["127.0.0.1"]}, ["tls"]), True),
                            # Knows requests only, or is unknown here: no way past it.
                            (rows("request-transformer", {}, ["tcp"]), False),
                            (rows("pre-function", {"access": ["return"]}, ["tcp"]), False),
                            # Only observes: may be missing.
                            (rows("tcp-log", {"host": "127.0.0.1", "port": 9}, ["tcp"]), True)):
        gateway.load(plugins=plugins)
        client = stream(gateway)
        assert client.until(b"\n") == b"up" if served else client.at_end(), plugins


def test_targets_retries_and_passive_checks(plane):
    one, two = Named("one"), Named("two")
    dead = free_port()
    upstream = {"id": uuid(3), "name": "pool", "healthchecks": {"passive": {
        "type": "tcp", "unhealthy": {"tcp_failures": 2, "timeouts": 2}}}}
    targets = [{"id": uuid(30 + n), "target": f"127.0.0.1:{port}", "upstream": {"id": uuid(3)}}
               for n, port in enumerate((one.port, two.port, dead))]
    gateway = tcp_plane(plane, 1, service={"host": "pool"}, upstreams=[upstream], targets=targets)
    names = [stream(gateway).until(b"\n") for _ in range(12)]
    assert names.count(b"one") >= 4 and names.count(b"two") >= 4
    health = gateway.command("health " + uuid(3))
    assert health["targets"][f"127.0.0.1:{dead}"]["health"] == "UNHEALTHY", health
    assert health["targets"][f"127.0.0.1:{one.port}"]["health"] == "HEALTHY"
    assert gateway.log().count("cannot connect") == 2
    # Without a retry the first failure is the last.
    gateway.load(services=[{"id": uuid(1), "protocol": "tcp", "host": "127.0.0.1", "port": dead, "retries": 0}],
                 routes=gateway.config["routes"])
    assert stream(gateway).at_end()


def test_every_connection_is_logged(plane, workspace):
    path = os.path.join(workspace, "stream-access.log")
    gateway = tcp_plane(plane, Upstream(echo_bytes).port, stream_access_log=path)
    client = stream(gateway)
    client.send("12345")
    assert client.exactly(5)
    client.close()
    gateway.load(services=gateway.config["services"], routes=[])
    assert stream(gateway).at_end()
    assert eventually(lambda: os.path.exists(path) and len(open(path).readlines()) == 2)
    lines = sorted(open(path).readlines(), key=lambda line: line.split("]")[1])
    os.unlink(path)
    assert lines[0].startswith("127.0.0.1 [") and "] TCP 200 5 5 0." in lines[0], lines
    assert "] TCP 500 0 0 0." in lines[1], lines


def test_connections_outlive_a_change_and_a_drain_waits_for_them(plane):
    gateway = tcp_plane(plane, Upstream(echo_bytes).port)
    client = stream(gateway)
    client.send("a")
    assert client.exactly(1) == b"a"
    gateway.load(services=[], routes=[])
    client.send("b")
    assert client.exactly(1) == b"b"
    gateway.child.stdin.write("drain 10000\n")
    gateway.child.stdin.flush()
    assert eventually(lambda: gateway.refuses(gateway.ports["stream"][0]))
    client.send("c")
    assert client.exactly(1) == b"c"
    client.close()
    assert '"drained":true' in gateway.child.stdout.readline()
    gateway.child.wait(10)


def test_a_stop_cuts_what_is_open(plane):
    gateway = tcp_plane(plane, Upstream(echo_bytes).port)
    clients = [stream(gateway) for _ in range(20)]
    for client in clients:
        client.send("x")
        client.exactly(1)
    gateway.close()
    assert all(client.at_end() for client in clients)
