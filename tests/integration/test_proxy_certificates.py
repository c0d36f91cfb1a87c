"""Certificates of the configuration at TLS listeners and towards upstreams, on both backends."""
import json
import socket
import ssl
import subprocess
import threading

import pytest

from certificates import openssl
from data_plane import Client, Upstream, echo, eventually, uuid


def pair(directory, name, kind="ec"):
    """A self-signed certificate whose common name is `name`: (certificate, key) as PEM."""
    base = f"{directory}/{name.replace('*', 'any')}-{kind}"
    algorithm = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"] if kind == "ec" else ["rsa:2048"]
    openssl("req", "-x509", "-newkey", *algorithm, "-nodes", "-keyout", base + ".key", "-out", base + ".crt",
            "-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}")
    return open(base + ".crt").read(), open(base + ".key").read()


@pytest.fixture(scope="module")
def pairs(workspace):
    names = ["default", "a.test", "*.wild.test", "right", "star", "fresh"]
    made = {name: pair(workspace, name) for name in names}
    made["a.test rsa"] = pair(workspace, "a.test", "rsa")
    made["default rsa"] = pair(workspace, "default", "rsa")
    return made


def entity(number, made, alt=None):
    row = {"id": uuid(number), "cert": made[0], "key": made[1]}
    if alt:
        row.update(cert_alt=alt[0], key_alt=alt[1])
    return row


def sni(number, name, certificate):
    return {"id": uuid(number), "name": name, "certificate": {"id": uuid(certificate)}}


def serve(pairs, **more):
    return {"certificate": pairs["default"][0], "certificate_key": pairs["default"][1],
            "listeners": [{"ssl": True, "http2": True}], **more}


def handshake(port, name, session=None, **settings):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for key, value in settings.items():
        getattr(context, key)(value) if callable(getattr(context, key)) else setattr(context, key, value)
    return context.wrap_socket(socket.create_connection(("127.0.0.1", port), timeout=20), server_hostname=name)


def shown(port, name, **settings):
    """(common name, kind of key) of the certificate that the listener shows for a name."""
    with handshake(port, name, **settings) as sock:
        der = sock.getpeercert(binary_form=True)
    text = subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-text"], input=der,
                          capture_output=True, check=True).stdout.decode()
    subject = next(line for line in text.splitlines() if "Subject:" in line)
    return subject.split("CN = ")[1], "rsa" if "rsaEncryption" in text else "ec"


def name_shown(port, name):
    return shown(port, name)[0]


def test_certificates_by_name(plane, pairs):
    gateway = plane(Upstream(), **serve(pairs, workers=2),
                    certificates=[entity(11, pairs["a.test"]), entity(12, pairs["*.wild.test"]), entity(13, pairs["right"])],
                    snis=[sni(21, "a.test", 11), sni(22, "*.wild.test", 12), sni(23, "right.*", 13)])
    for asked, expected in [("a.test", "a.test"), ("A.Test", "a.test"), ("b.wild.test", "*.wild.test"),
                            ("b.c.wild.test", "default"), ("wild.test", "default"), ("right.org", "right"),
                            ("a.test.", "a.test"), ("b.wild.test.", "*.wild.test"), ("right.org.", "right"),
                            ("x.right.org", "default"), (None, "default"), ("nobody.test", "default")]:
        assert name_shown(gateway.port, asked) == expected, asked
    # "*" is for whoever asks for nothing that is known, and comes before the settings.
    gateway.load(certificates=gateway.config["certificates"] + [entity(14, pairs["star"])],
                 snis=gateway.config["snis"] + [sni(24, "*", 14)])
    assert [name_shown(gateway.port, name) for name in ("nobody.test", None, "a.test")] == ["star", "star", "a.test"]


def test_a_pair_of_kinds(plane, pairs):
    gateway = plane(Upstream(), **serve(pairs, certificate_alt=pairs["default rsa"][0], certificate_alt_key=pairs["default rsa"][1]),
                    certificates=[entity(11, pairs["a.test"], pairs["a.test rsa"])], snis=[sni(21, "a.test", 11)])
    old = {"maximum_version": ssl.TLSVersion.TLSv1_2}
    for name in ("a.test", "default"):
        assert shown(gateway.port, name)[1] == "ec"
        assert shown(gateway.port, name, set_ciphers="ECDHE-RSA-AES128-GCM-SHA256", **old) == (name, "rsa")
        assert shown(gateway.port, name, set_ciphers="ECDHE-ECDSA-AES128-GCM-SHA256", **old) == (name, "ec")


def test_changes_hold_at_once_and_on_all_workers(plane, pairs):
    gateway = plane(Upstream(), **serve(pairs, workers=3), certificates=[entity(11, pairs["a.test"])], snis=[sni(21, "a.test", 11)])
    open_connection = handshake(gateway.port, "a.test")
    gateway.load(certificates=[entity(11, pairs["fresh"])])
    assert {name_shown(gateway.port, "a.test") for _ in range(12)} == {"fresh"}
    # A pair that does not fit: the last good form stays, and everything else changes all the same.
    broken = {"id": uuid(11), "cert": pairs["a.test"][0], "key": pairs["star"][1]}
    gateway.load(certificates=[broken, entity(12, pairs["right"])], snis=[sni(21, "a.test", 11), sni(22, "b.test", 12)])
    assert name_shown(gateway.port, "a.test") == "fresh" and name_shown(gateway.port, "b.test") == "right"
    complaints = [line for line in gateway.log().splitlines() if uuid(11) in line]
    assert len(complaints) == 1 and "the key is not that of the certificate" in complaints[0]
    assert "PRIVATE" not in gateway.log()
    gateway.load(certificates=[], snis=[])
    assert {name_shown(gateway.port, "a.test") for _ in range(12)} == {"default"}
    # What was open goes on.
    open_connection.sendall(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
    assert open_connection.recv(100).startswith(b"HTTP/1.1 200")


def test_a_certificate_that_never_was_good_is_left_out(plane, pairs):
    gateway = plane(Upstream(), **serve(pairs), certificates=[{"id": uuid(11), "cert": "nonsense", "key": "nonsense"}],
                    snis=[sni(21, "a.test", 11)])
    assert name_shown(gateway.port, "a.test") == "default"
    assert uuid(11) in gateway.log() and "it is left out" in gateway.log()


def test_http2_and_proxy_protocol_get_the_certificate_too(plane, pairs):
    gateway = plane(Upstream(), **serve(pairs, listeners=[{"ssl": True, "http2": True, "proxy_protocol": True}]),
                    certificates=[entity(11, pairs["a.test"])], snis=[sni(21, "a.test", 11)])
    raw = socket.create_connection(("127.0.0.1", gateway.port), timeout=20)
    raw.sendall(b"PROXY TCP4 192.0.2.7 192.0.2.8 4000 443\r\n")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=pairs["a.test"][0])
    context.set_alpn_protocols(["h2"])
    sock = context.wrap_socket(raw, server_hostname="a.test")  # verifies
    assert sock.selected_alpn_protocol() == "h2"
    sock.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
    assert sock.recv(9)[3] == 4  # SETTINGS


def test_stream_listeners_get_the_certificate_too(plane, pairs):
    upstream = Upstream(lambda connection: connection.fill())
    gateway = plane(services=[{"id": uuid(1), "protocol": "tcp", "host": "127.0.0.1", "port": upstream.port}],
                    routes=[{"id": uuid(2), "protocols": ["tls"], "snis": ["a.test", "b.test"], "service": {"id": uuid(1)}}],
                    **serve(pairs, listeners=[{"role": "stream", "ssl": True}]),
                    certificates=[entity(11, pairs["a.test"])], snis=[sni(21, "a.test", 11)])
    port = gateway.ports["stream"][0]
    assert name_shown(port, "a.test") == "a.test" and name_shown(port, "b.test") == "default"


def version_of(port, **settings):
    try:
        with handshake(port, "a.test", **settings) as sock:
            return sock.version(), sock.cipher()[0]
    except (ssl.SSLError, ConnectionError):
        return None, None


def test_the_settings_of_listeners(plane, pairs):
    old = {"maximum_version": ssl.TLSVersion.TLSv1_2}
    modern = plane(Upstream(), **serve(pairs, ssl_cipher_suite="modern"))
    assert version_of(modern.port)[0] == "TLSv1.3" and version_of(modern.port, **old)[0] is None
    custom = plane(Upstream(), **serve(pairs, ssl_protocols="TLSv1.2", ssl_ciphers="ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256",
                                       ssl_prefer_server_ciphers=True))
    mine = {"set_ciphers": "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384"}
    assert version_of(custom.port, **mine) == ("TLSv1.2", "ECDHE-ECDSA-AES256-GCM-SHA384")
    assert version_of(custom.port, set_ciphers="ECDHE-ECDSA-CHACHA20-POLY1305") == (None, None)
    rsa = {"certificate": pairs["default rsa"][0], "certificate_key": pairs["default rsa"][1]}
    dhe = plane(Upstream(), **{**serve(pairs, ssl_cipher_suite="intermediate"), **rsa})
    assert version_of(dhe.port, **old, set_ciphers="DHE-RSA-AES256-GCM-SHA384") == ("TLSv1.2", "DHE-RSA-AES256-GCM-SHA384")
    assert version_of(dhe.port, **old, **mine) == (None, None)
    given = {"set_ciphers": "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256"}
    assert version_of(dhe.port, **old, **given)[1] == "ECDHE-RSA-AES256-GCM-SHA384"  # the client's choice


@pytest.mark.parametrize("more, resumes", [({}, True), ({"ssl_session_tickets": False}, True),
                                           ({"ssl_session_tickets": False, "ssl_session_cache_size": 0}, False)])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_sessions_resume_on_any_worker(plane, pairs, version, more, resumes):
    gateway = plane(Upstream(), **serve(pairs, workers=3, **more), certificates=[entity(11, pairs["a.test"])], snis=[sni(21, "a.test", 11)])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=pairs["a.test"][0])
    context.minimum_version = context.maximum_version = version
    session, reused = None, 0
    for _ in range(9):
        with context.wrap_socket(socket.create_connection(("127.0.0.1", gateway.port)), server_hostname="a.test", session=session) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert sock.recv(100).startswith(b"HTTP/1.1 200")
            reused, session = reused + sock.session_reused, sock.session
    assert reused == (8 if resumes else 0)


@pytest.mark.parametrize("more", [{}, {"ssl_session_tickets": False}], ids=["tickets", "cache"])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_no_session_is_resumed_for_another_name(plane, pairs, version, more):
    """RFC 6066 section 3. Up to TLS 1.2 the route would follow the name of the session."""
    route = {"id": uuid(2), "protocols": ["https"], "snis": ["a.test"], "service": {"id": uuid(1)}}
    gateway = plane(Upstream(), **serve(pairs, workers=2, **more), routes=[route])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = context.maximum_version = version

    def ask(name, session=None):
        raw = socket.create_connection(("127.0.0.1", gateway.port), timeout=20)
        with context.wrap_socket(raw, server_hostname=name, session=session) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            status = int(sock.recv(100).split()[1])
            return status, sock.session_reused, sock.session

    *_, session = ask("a.test")
    for name in ("b.test", "a.test.b.test", None):
        assert ask(name, session)[:2] == (404, False)
    assert ask("a.test", session)[:2] == (200, True)
    status, _, nameless = ask(None)
    assert status == 404 and ask("a.test", nameless)[:2] == (200, False)
    assert ask(None, nameless)[:2] == (404, True)


def test_a_route_takes_a_name_with_the_dot_of_the_root(plane, pairs):
    route = {"id": uuid(2), "protocols": ["https"], "snis": ["a.test"], "service": {"id": uuid(1)}}
    gateway = plane(Upstream(), **serve(pairs), routes=[route])
    for name, status in (("a.test", 200), ("a.test.", 200), ("b.test.", 404)):
        with handshake(gateway.port, name) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert int(sock.recv(100).split()[1]) == status, name


class SecuredUpstream(Upstream):
    """Speaks TLS; remembers for each connection the SNI, who the client is, whether it resumed."""

    def __init__(self, directory, certificate, clients=None):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate.cert, certificate.key)
        if clients:
            self.context.verify_mode = ssl.CERT_REQUIRED
            self.context.load_verify_locations(clients)
        self.names, self.clients, self.resumed = [], [], []
        self.lock = threading.Lock()
        self.context.sni_callback = lambda sock, name, _: self.names.append(name)
        super().__init__(self.secured)

    def secured(self, connection):
        try:
            connection.sock = self.context.wrap_socket(connection.sock, server_side=True)
        except ssl.SSLError:
            return
        with self.lock:
            self.resumed.append(connection.sock.session_reused)
            peer = connection.sock.getpeercert() or {}
            self.clients.append(dict(pair[0] for pair in peer.get("subject", ())).get("commonName"))
        echo(connection)


def https(host="up.test", **more):
    return {"protocol": "https", "host": host, "retries": 0, "name": "secured", **more}


@pytest.fixture
def hosts(workspace):
    path = workspace + "/tls.hosts"
    with open(path, "w") as file:
        file.write("127.0.0.1 localhost up.test db.test other.test\n")
    return path


def identity(number, certificate):
    return {"id": uuid(number), "cert": open(certificate.cert).read(), "key": open(certificate.key).read()}


def test_client_certificates_of_service_upstream_and_node(plane, workspace, pki, hosts):
    upstream = SecuredUpstream(workspace, pki.server, clients=pki.root.cert)
    first, second, node = (pki.root.issue(f"client-{name}", cn=name) for name in ("first", "second", "node"))
    gateway = plane(upstream, service=https(), dns_hostsfile=hosts, client_certificate=open(node.cert).read(),
                    client_certificate_key=open(node.key).read(),
                    certificates=[identity(11, first), identity(12, second)])

    def shown_by(**service):
        gateway.load([{**gateway.config["services"][0], **service}], gateway.config["routes"])
        assert gateway.connect().get().status == 200
        return upstream.clients[-1]

    assert shown_by() == "node"
    assert shown_by(client_certificate={"id": uuid(11)}) == "first"
    gateway.load(upstreams=[{"id": uuid(31), "name": "pool", "client_certificate": {"id": uuid(12)}}],
                 targets=[{"id": uuid(32), "upstream": {"id": uuid(31)}, "target": f"up.test:{upstream.port}"}])
    assert shown_by(host="pool") == "first"
    assert shown_by(client_certificate=None) == "second"
    # A changed certificate holds for the next request, and none goes over a connection of the former one.
    gateway.load(certificates=[identity(11, first), identity(12, first)])
    assert gateway.connect().get().status == 200 and upstream.clients[-1] == "first"


def test_an_upstream_that_wants_another_certificate_is_explained(plane, workspace, pki, hosts):
    upstream = SecuredUpstream(workspace, pki.server, clients=pki.root.cert)
    gateway = plane(upstream, service=https(), dns_hostsfile=hosts)
    assert gateway.connect().get().status == 502
    assert "service secured: TLS with 127.0.0.1" in gateway.log() and "client_certificate" in gateway.log()


@pytest.mark.parametrize("service, status, words", [
    ({"ca_certificates": [uuid(41)]}, 200, ""),
    ({"ca_certificates": [uuid(42)]}, 502, "ca_certificates"),
    ({"ca_certificates": [uuid(42), uuid(41)]}, 200, ""),
    ({"ca_certificates": [uuid(49)]}, 502, "ca_certificates"),
    ({"ca_certificates": [uuid(41)], "host": "other.test"}, 502, "must be a name of its certificate"),
    ({"ca_certificates": [uuid(41)], "host": "127.0.0.1"}, 200, ""),
    ({"ca_certificates": [uuid(41)], "host": "other.test", "tls_verify": False}, 200, "")])
def test_authorities_of_a_service(plane, workspace, pki, hosts, service, status, words):
    upstream = SecuredUpstream(workspace, pki.server)
    authorities = [{"id": uuid(number), "cert": open(path).read()} for number, path in ((41, pki.root.cert), (42, pki.other.cert))]
    gateway = plane(upstream, service=https(**{"host": "db.test", "tls_verify": True, **service}), dns_hostsfile=hosts,
                    trusted_authorities=open(pki.other.cert).read(), ca_certificates=authorities)
    assert gateway.connect().get().status == status
    assert words in gateway.log() and len(upstream.requests) == (1 if status == 200 else 0)


@pytest.mark.parametrize("named, status", [(("second",), 502), (("intermediate", "second"), 502), (("root",), 200),
                                           (("intermediate", "root"), 200), (("other", "intermediate"), 502)])
def test_an_intermediate_alone_anchors_nothing(plane, workspace, pki, hosts, named, status):
    """As with the database: of the service's own authorities and of the node's."""
    upstream = SecuredUpstream(workspace, pki.deep)
    texts = [open(getattr(pki, name).cert).read() for name in named]
    rows = [{"id": uuid(number), "cert": text} for number, text in enumerate(texts, 41)]
    for more, trusted in (({"ca_certificates": [row["id"] for row in rows]}, open(pki.other.cert).read()), ({}, "".join(texts))):
        gateway = plane(service=https("db.test", port=upstream.port, tls_verify=True, tls_verify_depth=5, **more), dns_hostsfile=hosts,
                        ca_certificates=rows, trusted_authorities=trusted)
        assert gateway.connect().get().status == status
        assert ("an intermediate alone anchors nothing" in gateway.log()) == (status == 502)
    upstream.close()


@pytest.mark.parametrize("node, service, status", [(1, None, 502), (2, None, 200), (1, 2, 200), (2, 1, 502), (2, 0, 502)])
def test_how_deep_a_chain_may_be(plane, workspace, pki, hosts, node, service, status):
    """Two intermediates stand between the certificate and the root."""
    gateway = plane(SecuredUpstream(workspace, pki.deep), dns_hostsfile=hosts, upstream_verify_depth=node,
                    trusted_authorities=open(pki.root.cert).read(),
                    service=https("db.test", tls_verify=True, tls_verify_depth=service))
    assert gateway.connect().get().status == status
    assert ("tls_verify_depth" in gateway.log()) == (status == 502)


def test_upstreams_are_asked_for_the_host_that_they_get(plane, workspace, pki, hosts):
    upstream = SecuredUpstream(workspace, pki.server)
    gateway = plane(upstream, service=https(), route={"preserve_host": True}, dns_hostsfile=hosts)
    client = gateway.connect()

    def ask(host):
        client.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")
        assert client.read().upstream_saw("host") == [host]

    for host in ("one.test", "two.test:8443", "one.test", "up.test"):
        ask(host)
    assert upstream.names == ["one.test", "two.test", "up.test"]
    # Names that clients make up do not gather for ever.
    for n in range(1100):
        ask(f"n{n}.test")
    ask("one.test")


def test_a_name_that_a_client_brings_says_nothing_of_the_target(plane, workspace, pki, hosts):
    """Its certificate is for other names: refused at once, and the target stays."""
    upstream = SecuredUpstream(workspace, pki.server)
    passive = {"passive": {"healthy": {"successes": 1}, "unhealthy": {"tcp_failures": 1}}}
    gateway = plane(upstream, route={"preserve_host": True}, dns_hostsfile=hosts,
                    trusted_authorities=open(pki.root.cert).read(),
                    service=https("pool", tls_verify=True, retries=3),
                    upstreams=[{"id": uuid(31), "name": "pool", "healthchecks": passive}],
                    targets=[{"id": uuid(32), "upstream": {"id": uuid(31)}, "target": f"db.test:{upstream.port}"}])
    client = gateway.connect()

    def ask(host):
        client.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")
        return client.read().status

    assert [ask(host) for host in ("db.test", "evil.test", "evil.test", "db.test")] == [200, 502, 502, 200]
    assert gateway.log().count("as evil.test") == 2


def test_a_certificate_that_does_not_pass_is_told_once(plane, workspace, pki, hosts):
    gateway = plane(SecuredUpstream(workspace, pki.server), service=https("db.test", tls_verify=True, retries=5),
                    dns_hostsfile=hosts, trusted_authorities=open(pki.other.cert).read())
    assert gateway.connect().get().status == 502
    assert gateway.log().count("service secured: TLS with") == 1


LONG = ".".join(["x" * 60] * 5)


@pytest.mark.parametrize("host, asked, statuses", [
    ("db.test.", "db.test", (200, 200)), ("db.test.:8443", "db.test", (200, 200)), ("other.test.", "other.test", (200, 502)),
    ("127.0.0.1", None, (200, 200)), ("127.0.0.2:8443", None, (200, 502)), ("[::1]", None, (200, 200)),
    ("[::1]:8443", None, (200, 200)), ("[::2]", None, (200, 502)), (LONG, None, (200, 502))],
    ids=lambda value: "long" if value == LONG else None)
def test_odd_hosts_that_upstreams_are_asked_for(plane, workspace, pki, hosts, host, asked, statuses):
    """`asked`: the SNI. A name that cannot be asked for is one that no certificate is for."""
    upstream = SecuredUpstream(workspace, pki.server)
    for verify, status in zip((False, True), statuses):
        gateway = plane(service=https("db.test", port=upstream.port, tls_verify=verify), route={"preserve_host": True},
                        dns_hostsfile=hosts, trusted_authorities=open(pki.root.cert).read())
        client = gateway.connect()
        client.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")
        assert client.read().status == status
        assert upstream.names[-1] == asked and "memory" not in gateway.log()
        assert ("must be a name of its certificate" in gateway.log()) == (status == 502)
    upstream.close()


def test_the_host_of_a_service_may_end_with_the_dot_of_the_root(plane, workspace, pki):
    upstream, hosts = SecuredUpstream(workspace, pki.server), workspace + "/dot.hosts"
    with open(hosts, "w") as file:
        file.write("127.0.0.1 db.test.\n")
    gateway = plane(upstream, service=https("db.test.", tls_verify=True), dns_hostsfile=hosts,
                    trusted_authorities=open(pki.root.cert).read())
    assert gateway.connect().get().status == 200 and upstream.names == ["db.test"]


def test_sessions_with_upstreams_resume(plane, workspace, pki, hosts):
    upstream = SecuredUpstream(workspace, pki.server)
    gateway = plane(upstream, service=https("db.test", tls_verify=True), dns_hostsfile=hosts, upstream_keepalive_pool_size=0,
                    trusted_authorities=open(pki.root.cert).read())
    client = gateway.connect()
    for _ in range(4):
        assert client.get().status == 200
    assert upstream.resumed == [False, True, True, True]


def test_handshakes_that_fail(plane, workspace, backend, hosts):
    plain = Upstream(lambda connection: connection.send(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    gateway = plane(plain, service=https(), dns_hostsfile=hosts)
    assert gateway.connect().get().status == 502
    assert "speaks no TLS on this port" in gateway.log()
    closing = plane(Upstream(lambda connection: connection.sock.recv(1)), service=https(), dns_hostsfile=hosts)
    assert closing.connect().get().status == 502
    silent = plane(Upstream(lambda connection: connection.sock.recv(1 << 20) and connection.sock.recv(1)),
                   service=https(connect_timeout=300), dns_hostsfile=hosts)
    assert silent.connect().get().status == 504
    assert "no answer within connect_timeout" in silent.log()
    # A body that waits for a handshake does not gather in memory, and its client is told.
    client = silent.connect()
    client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 400000\r\n\r\n" + b"x" * 300_000)
    assert client.read().status == 504
    assert eventually(lambda: silent.counters()["writing"] == 0)
