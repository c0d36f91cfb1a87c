"""TLS on both sides of the data plane, on both backends."""
import json
import os
import socket
import ssl
import subprocess
import time

import pytest

from data_plane import Client, Upstream, answer, echo, eventually, uuid
from test_proxy_websocket import ASK, SWITCH


@pytest.fixture(scope="module")
def certificate(workspace):
    """A certificate and its key, as files and as texts."""
    key, cert = workspace + "/proxy-tls.key", workspace + "/proxy-tls.crt"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=a.test", "-addext",
                    "subjectAltName=DNS:a.test"], check=True, capture_output=True)
    return {"certificate": open(cert).read(), "certificate_key": open(key).read(), "files": (cert, key)}


def options(certificate, **more):
    return {"certificate": certificate["certificate"], "certificate_key": certificate["certificate_key"],
            "listeners": [{"ssl": True}], **more}


def tls_client(port, certificate, **more):
    context = ssl.create_default_context(cafile=certificate["files"][0])
    context.set_alpn_protocols(["h2", "http/1.1"])
    for name, value in more.items():
        setattr(context, name, value)
    client = Client(port)
    client.sock = context.wrap_socket(client.sock, server_hostname="a.test")
    return client


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_requests_over_tls(plane, certificate, version):
    gateway = plane(Upstream(), **options(certificate))
    client = tls_client(gateway.port, certificate, minimum_version=version, maximum_version=version)
    assert client.sock.selected_alpn_protocol() == "http/1.1"
    for n in range(20):
        response = client.get(f"/{n}")
        assert response.json()["target"] == f"/{n}"
        assert response.upstream_saw("x-forwarded-proto") == ["https"]
    client.send("".join(f"GET /p{n} HTTP/1.1\r\nHost: a.test\r\n\r\n" for n in range(10)))
    for n in range(10):
        assert client.read().json()["target"] == f"/p{n}"
    # The end is announced, so that nobody can cut the last answer unseen.
    client.get("/", "Connection: close\r\n")
    client.sock.suppress_ragged_eofs = False
    assert client.sock.recv(10) == b""


@pytest.mark.parametrize("size", [1, 16384, 16385, 5 << 20])
def test_bodies_over_tls(plane, certificate, size):
    body = (b"0123456789abcdef" * (size // 16 + 1))[:size]

    def script(connection):
        while (request := connection.read_request()) is not None:
            assert request.body == body
            connection.send(answer(body))

    client = tls_client(plane(Upstream(script), **options(certificate)).port, certificate)
    for _ in range(2):
        # In one thread: Python's TLS sockets may not be read and written at the same time.
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size + body)
        assert client.read().body == body


def test_sessions_resume(plane, certificate):
    gateway = plane(Upstream(), workers=2, **options(certificate))
    context = ssl.create_default_context(cafile=certificate["files"][0])
    session, reused = None, 0
    for _ in range(8):
        with socket.create_connection(("127.0.0.1", gateway.port)) as raw:
            with context.wrap_socket(raw, server_hostname="a.test", session=session) as sock:
                reused += sock.session_reused
                sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                assert sock.recv(100).startswith(b"HTTP/1.1 200")
                session = sock.session
    assert reused == 7


def test_sni_reaches_the_router(plane, certificate):
    upstream = Upstream()
    routes = [{"id": uuid(2), "snis": ["a.test"], "protocols": ["https"], "service": {"id": uuid(1)}}]
    gateway = plane(upstream, routes=routes, **options(certificate))
    assert tls_client(gateway.port, certificate).get().status == 200


@pytest.mark.parametrize("wire", [
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"DELETE /x HTTP/1.0\r\n\r\n", b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n" + b"b" * 300_000],
    ids=["get", "delete", "connect", "options", "post"])
def test_plain_http_on_a_tls_port_is_told_so(plane, certificate, wire):
    upstream = Upstream()
    listeners = [{"ssl": True, "http2": True}, {"ssl": True, "proxy_protocol": True}, {"ssl": True, "role": "admin"},
                 {"ssl": True, "role": "status"}]
    gateway = plane(upstream, **options(certificate, listeners=listeners))
    ports = gateway.ports
    for port, prelude in ((ports["proxy"][0], b""), (ports["proxy"][1], b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"),
                          (ports["admin"][0], b""), (ports["status"][0], b"")):
        client = gateway.connect(port)
        client.send(prelude + wire)
        response = client.read()
        assert (response.status, response.reason) == (400, "Bad Request")
        assert response.body.startswith(b"The plain HTTP request was sent to HTTPS port\nrequest_id: ")
        assert response.get("content-type") == "text/plain; charset=utf-8"
        assert response.get("connection") == "close" and response.get("server").startswith("sallyport/")
        assert client.at_end()
    assert gateway.counters()["requests"] == 4 and upstream.requests == []
    # It drips in, and the client says no more.
    client = gateway.connect()
    for byte in (b"G", b"E", b"T", b" ", b"/"):
        client.send(byte)
        time.sleep(0.01)
    client.sock.shutdown(socket.SHUT_WR)
    assert client.read().status == 400 and client.at_end()
    assert eventually(lambda: gateway.counters()["active"] == 0)
    assert tls_client(gateway.port, certificate).get().status == 200


@pytest.mark.parametrize("wire", [b"\x16\x03\x01\x00\x05hello", b"\x80" * 3000, b"SSH-2.0-OpenSSH_9.2\r\n", b" GET / HTTP/1.1\r\n\r\n"],
                         ids=["record", "old", "ssh", "blank"])
def test_what_is_neither_tls_nor_http_gets_no_http(plane, certificate, wire):
    client = plane(Upstream(), **options(certificate)).connect()
    client.send(wire)
    try:
        assert not client.read_to_end().startswith(b"HTTP")
    except ConnectionResetError:
        pass


def test_enemies_of_the_handshake(plane, certificate):
    gateway = plane(Upstream(), **options(certificate, header_timeout=500))
    for wire in (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"\x16\x03\x01\x00\x05hello", b"\x80" * 3000, b"\x16\x03"):
        client = gateway.connect()
        client.send(wire)
        try:
            while client.fill():
                pass
        except ConnectionResetError:
            pass
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError):
        old.wrap_socket(gateway.connect().sock)
    # Cut in the middle of a handshake, of a request, of an answer.
    for _ in range(20):
        client = tls_client(gateway.port, certificate)
        client.send("GET / HTTP/1.1\r\nHo")
        client.sock.close()
    assert eventually(lambda: gateway.counters()["active"] == 0)
    assert tls_client(gateway.port, certificate).get().status == 200


def test_upstreams_over_tls(plane, certificate):
    names = []

    def secured(connection):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate["files"])
        context.sni_callback = lambda sock, name, _: names.append(name)
        connection.sock = context.wrap_socket(connection.sock, server_side=True)
        if connection.upstream.big:
            connection.read_request()
            connection.send(answer(b"z" * (3 << 20)))
        echo(connection)

    upstream = Upstream(secured)
    upstream.big = False
    hosts = certificate["files"][0] + ".hosts"
    with open(hosts, "w") as file:
        file.write("127.0.0.1 up.test\n")
    gateway = plane(upstream, service={"protocol": "https", "host": "up.test"}, dns_hostsfile=hosts)
    client = gateway.connect()
    for _ in range(5):
        response = client.get()
        assert response.status == 200
        assert response.upstream_saw("host") == [f"up.test:{upstream.port}"]
    assert upstream.connections == 1 and names == ["up.test"]
    body = b"q" * 300_000
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    assert client.read().json()["size"] == len(body)
    upstream.big = True
    fresh = plane(upstream, service={"protocol": "https"})
    assert fresh.connect().get().body == b"z" * (3 << 20)
    plain = plane(Upstream(lambda connection: connection.send(b"HTTP/1.1 400 Bad\r\n\r\n")), service={"protocol": "https", "retries": 0})
    assert plain.connect().get().status == 502


@pytest.mark.parametrize("says_goodbye", [True, False])
def test_an_end_that_tls_has_not_announced_is_no_end(plane, certificate, says_goodbye):
    """A FIN may be anybody's: an answer that only the end ends is cut without close_notify."""
    def secured(connection):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate["files"])
        connection.sock = context.wrap_socket(connection.sock, server_side=True, suppress_ragged_eofs=True)
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\n\r\npart")
        if says_goodbye:
            try:
                connection.sock.unwrap()
            except OSError:
                pass

    gateway = plane(Upstream(secured), service={"protocol": "https"})
    if says_goodbye:
        assert gateway.connect().get().body == b"part"
    else:
        with pytest.raises((EOFError, ConnectionResetError)):
            gateway.connect().get()
        with pytest.raises((EOFError, ConnectionResetError)):
            gateway.connect().get(version="1.0")


@pytest.mark.parametrize("name, trusted, status", [("a.test", True, 200), ("b.test", True, 502), ("a.test", False, 502)])
def test_upstreams_are_verified(plane, certificate, name, trusted, status):
    seen = []

    def secured(connection):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate["files"])
        try:
            connection.sock = context.wrap_socket(connection.sock, server_side=True)
        except ssl.SSLError:
            return
        seen.append(connection)
        echo(connection)

    upstream = Upstream(secured)
    hosts = f"{certificate['files'][0]}.{upstream.port}.hosts"
    with open(hosts, "w") as file:
        file.write("127.0.0.1 a.test b.test\n")
    service = {"protocol": "https", "host": name, "tls_verify": True, "tls_verify_depth": 1, "retries": 0}
    gateway = plane(upstream, service=service, dns_hostsfile=hosts,
                    trusted_authorities=certificate["certificate"] if trusted else "")
    assert gateway.connect().get().status == status
    # Nothing is sent to one that is not who it should be, and no connection is shared with those
    # that need not prove who they are.
    assert len(upstream.requests) == (1 if status == 200 else 0)
    gateway.load([{**gateway.config["services"][0], "tls_verify": False}], gateway.config["routes"])
    assert gateway.connect().get().status == 200


def test_active_checks_over_tls(plane, certificate, workspace):
    def secured(connection):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate["files"])
        connection.sock = context.wrap_socket(connection.sock, server_side=True)
        echo(connection)

    good, plain = Upstream(secured), Upstream()
    hosts = f"{workspace}/checks.{good.port}.hosts"
    with open(hosts, "w") as file:
        file.write("127.0.0.1 a.test b.test\n")
    names = [f"a.test:{good.port}", f"b.test:{good.port}", f"a.test:{plain.port}"]
    active = {"type": "https", "healthy": {"interval": 0.1, "successes": 1},
              "unhealthy": {"interval": 0.1, "http_failures": 1, "tcp_failures": 1, "timeouts": 1}}

    def healths(**more):
        gateway = plane(service={"host": "pool", "protocol": "https"}, dns_hostsfile=hosts,
                        trusted_authorities=certificate["certificate"],
                        upstreams=[{"id": uuid(9), "name": "pool", "healthchecks": {"active": {**active, **more}}}],
                        targets=[{"id": uuid(90 + n), "target": name, "upstream": {"id": uuid(9)}} for n, name in enumerate(names)])
        read = lambda: [gateway.command("health " + uuid(9))["targets"][name]["health"] for name in names]
        assert eventually(lambda: read()[2] == "UNHEALTHY")
        return gateway, read

    gateway, read = healths()
    assert eventually(lambda: read() == ["HEALTHY", "UNHEALTHY", "UNHEALTHY"])  # b.test is not its name
    assert all(gateway.connect().get().status == 200 for _ in range(4))
    for more in ({"https_sni": "a.test"}, {"https_verify_certificate": False}):
        _, read = healths(**more)
        assert read() == ["HEALTHY", "HEALTHY", "UNHEALTHY"]


def test_a_bad_certificate_is_named_at_start(workspace, backend, certificate):
    from data_plane import DataPlane
    with pytest.raises(Exception) as refused:
        DataPlane(workspace, backend, **{**options(certificate), "certificate_key": "nonsense"})
    assert "the key of the certificate cannot be used" in str(refused.value)
    assert json.dumps("nonsense") not in str(refused.value)


def test_a_websocket_ends_without_close_notify_too(plane, certificate):
    """Its close frame says whether it is whole, and many close so."""
    context, ends = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), []
    context.load_cert_chain(*certificate["files"])

    def script(connection):
        connection.sock = context.wrap_socket(connection.sock, server_side=True, suppress_ragged_eofs=False)
        connection.read_request()
        connection.send(SWITCH + b"hello")
        if connection.exactly(3) == b"end":
            return  # without a word
        ends.append(connection.fill())

    gateway = plane(Upstream(script), **options(certificate, service={"protocol": "https"}))
    client = tls_client(gateway.port, certificate)
    client.sock.suppress_ragged_eofs = False
    client.send(ASK)
    client.until(b"\r\n\r\n")
    client.send("end")
    assert client.read_to_end() == b"hello"
    client = tls_client(gateway.port, certificate)
    client.send(ASK)
    client.until(b"\r\n\r\n")
    client.send("bye")
    socket.socket(fileno=os.dup(client.sock.fileno())).shutdown(socket.SHUT_WR)
    assert eventually(lambda: ends), "a reset, or nothing"
    assert ends == [False]
    assert eventually(lambda: gateway.counters()["active"] == 0)
