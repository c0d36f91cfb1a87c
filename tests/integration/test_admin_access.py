"""Who may use the Admin API: client certificates, access tokens, and neither only on loopback."""
import http.client
import os
import socket
import ssl

import pytest

from cluster import wait_until
from gateway import Node, sallyport, write_conf

TOKEN = "0123456789abcdef0123456789abcdef"
OTHER = "fedcba9876543210fedcba9876543210"


def token_file(path, *tokens, mode=0o600):
    path.write_text("# who may\n" + "\n".join(tokens) + "\n")
    os.chmod(path, mode)
    return str(path)


def ask(node, headers=None, method="GET", path="/", body=None, context=None):
    """The reply; its body is in `text`."""
    if context:
        connection = http.client.HTTPSConnection("127.0.0.1", node.admin, context=context, timeout=15)
    else:
        connection = http.client.HTTPConnection("127.0.0.1", node.admin, timeout=15)
    try:
        connection.request(method, path, body, headers or {})
        reply = connection.getresponse()
        reply.text = reply.read().decode()
        return reply
    finally:
        connection.close()


@pytest.fixture(scope="module")
def nodes(tmp_path_factory):
    made = []

    def make(**settings):
        made.append(Node(str(tmp_path_factory.mktemp("node")), dict({"database": "off"}, **settings), workers=1,
                         wait=False))
        wait_until(lambda: is_up(made[-1]), "the node to listen", 60)
        return made[-1]

    def is_up(node):
        assert node.process.poll() is None, open(node.log).read()
        try:
            socket.create_connection(("127.0.0.1", node.admin), timeout=5).close()
            return True
        except OSError:
            return False

    yield make
    for node in made:
        node.stop()


@pytest.fixture(scope="module")
def tokens(tmp_path_factory):
    return tmp_path_factory.mktemp("tokens") / "tokens"


@pytest.fixture(scope="module")
def guarded(nodes, tokens):
    return nodes(admin_access_token_file=token_file(tokens, TOKEN))


def test_every_request_needs_a_token(guarded):
    reply = ask(guarded)
    assert (reply.status, reply.text) == (401, '{"message":"Unauthorized"}')
    assert reply.getheader("WWW-Authenticate", "").startswith("Bearer")
    for path in ("/", "/services", "/status", "/nowhere"):
        assert ask(guarded, path=path).status == 401
    assert ask(guarded, {"Authorization": "Bearer " + TOKEN}).status == 200
    assert ask(guarded, {"Kong-Admin-Token": TOKEN}, path="/services").status == 200
    for headers in ({"Kong-Admin-Token": OTHER}, {"Authorization": "Basic " + TOKEN}, {"Authorization": TOKEN}):
        assert ask(guarded, headers).status == 401


def test_the_body_of_a_stranger_is_not_read(guarded):
    with socket.create_connection(("127.0.0.1", guarded.admin), timeout=10) as sock:
        sock.sendall(b"POST /config HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n")
        assert sock.recv(4096).startswith(b"HTTP/1.1 401 ")  # with nothing of it sent


def test_a_preflight_needs_none(guarded):
    headers = {"Origin": "http://localhost:8002", "Access-Control-Request-Method": "PUT",
               "Access-Control-Request-Headers": "kong-admin-token"}
    reply = ask(guarded, headers, "OPTIONS", "/services/a")
    assert reply.status == 204
    assert reply.getheader("Access-Control-Allow-Headers") == "kong-admin-token"
    assert reply.getheader("Access-Control-Allow-Origin") == "http://localhost:8002"
    assert ask(guarded, method="OPTIONS").status == 401
    # The page may read why it was refused.
    assert ask(guarded, {"Origin": "http://localhost:8002"}).getheader("Access-Control-Allow-Origin")


def test_the_file_is_followed(guarded, tokens):
    token_file(tokens, OTHER)
    assert ask(guarded, {"Kong-Admin-Token": OTHER}).status == 200
    assert ask(guarded, {"Kong-Admin-Token": TOKEN}).status == 401
    token_file(tokens, TOKEN, mode=0o644)  # anybody could have read it: the former stays
    assert ask(guarded, {"Kong-Admin-Token": TOKEN}).status == 401
    assert ask(guarded, {"Kong-Admin-Token": OTHER}).status == 200
    token_file(tokens, TOKEN)
    assert ask(guarded, {"Kong-Admin-Token": TOKEN}).status == 200
    assert TOKEN not in open(guarded.log).read()


def client(pki, certificate=None, version=None):
    context = ssl.create_default_context(cafile=pki.root.cert)
    if version:
        context.maximum_version = version
    if certificate:
        context.load_cert_chain(certificate.cert, certificate.key)
    return context


@pytest.fixture(scope="module")
def mutual(nodes, pki):
    return nodes(admin_flags=" ssl http2", admin_ssl_cert=pki.server.cert, admin_ssl_cert_key=pki.server.key,
                 admin_ssl_client_ca=pki.root.cert)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_clients_show_certificates(mutual, pki, version):
    assert ask(mutual, context=client(pki, pki.client, version)).status == 200
    strangers = [None, pki.other.issue("stranger%d" % version, cn="kong")]
    for certificate in strangers:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            ask(mutual, context=client(pki, certificate, version))
    assert ask(mutual, context=client(pki, pki.client, version)).status == 200


def test_the_authority_of_clients_may_be_an_intermediate(nodes, pki):
    """The others that its root has signed for are not let in."""
    node = nodes(admin_flags=" ssl", admin_ssl_cert=pki.server.cert, admin_ssl_cert_key=pki.server.key,
                 admin_ssl_client_ca=pki.intermediate.cert)
    assert ask(node, context=client(pki, pki.intermediate.issue("admin", cn="kong"))).status == 200
    with pytest.raises((ssl.SSLError, ConnectionError)):
        ask(node, context=client(pki, pki.client))


def test_no_session_is_resumed_without_a_certificate(mutual, pki):
    context = client(pki, pki.client, ssl.TLSVersion.TLSv1_2)
    with context.wrap_socket(socket.create_connection(("127.0.0.1", mutual.admin)), server_hostname="localhost") as one:
        one.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert one.recv(100).startswith(b"HTTP/1.1 200")
        session = one.session
    with context.wrap_socket(socket.create_connection(("127.0.0.1", mutual.admin)), server_hostname="localhost",
                             session=session) as two:
        two.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert two.recv(100).startswith(b"HTTP/1.1 200")
        assert not two.session_reused


def test_an_open_address_is_refused_with_its_remedies(tmp_path, tokens, pki):
    def conf(**settings):
        return write_conf(tmp_path / "kong.conf", dict({
            "database": "off", "prefix": tmp_path / "prefix", "admin_listen": "0.0.0.0:8001",
            "admin_gui_listen": "off"}, **settings))

    for command in ("check", "prepare", "start"):
        done = sallyport(command, "-c", conf(), check=1)
        for word in ("0.0.0.0:8001", "admin_ssl_client_ca", "admin_access_token_file", "admin_allow_insecure = on"):
            assert word in done.stdout + done.stderr, command
    good = [{"admin_allow_insecure": "on"}, {"admin_access_token_file": token_file(tokens, TOKEN)},
            {"admin_listen": "0.0.0.0:8444 ssl", "admin_ssl_client_ca": pki.root.cert}]
    for settings in good:
        assert "is good" in sallyport("check", "-c", conf(**settings), check=0).stdout
    bad = [{"admin_access_token_file": tmp_path / "none"},
           {"admin_access_token_file": token_file(tmp_path / "open", TOKEN, mode=0o604)},
           {"admin_listen": "0.0.0.0:8444 ssl", "admin_ssl_client_ca": tokens},
           {"admin_ssl_client_ca": pki.root.cert}]
    for settings in bad:
        done = sallyport("check", "-c", conf(**settings), check=1)
        assert TOKEN not in done.stdout + done.stderr
        assert "admin_" in done.stderr
