"""Hostile servers: nothing of ours — no startup packet, no password, no client certificate — reaches one."""
import ssl

import pytest

from fake_server import FakeServer, error_packet, silence
from link_client import Link, demanding, open_once, with_identity, write_conf
from relay import Relay

ATTEMPTS = 100
TLS12 = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2)


@pytest.fixture(scope="module")
def impostors(pki):
    """Certificates that a server must not get through with, and the code that says so."""
    issue = pki.root.issue
    revoked = issue("impostor-revoked", san=pki.SAN)
    pki.root.revoke(revoked)
    return {
        "untrusted": (pki.other.issue("impostor-untrusted", san=pki.SAN), "link.untrusted"),
        "wrong-host": (issue("impostor-host", san="DNS:other.test"), "link.host_name"),
        "too-deep": (pki.deep, "link.chain_too_long"),
        "expired": (issue("impostor-old", san=pki.SAN, start="20200101000000Z", end="20210101000000Z"), "link.expired"),
        "future": (issue("impostor-new", san=pki.SAN, start="20450101000000Z"), "link.not_yet_valid"),
        "client-only": (issue("impostor-purpose", san=pki.SAN, eku="clientAuth"), "link.purpose"),
        "revoked": (revoked, "link.revoked"),
        "leaf-as-ca": (None, "link.not_a_ca"),
    }


@pytest.mark.parametrize("name", ["untrusted", "wrong-host", "too-deep", "expired", "future", "client-only", "revoked"])
@pytest.mark.parametrize("version", ["tlsv1_2", "tlsv1_3"])
def test_nothing_reaches_an_impostor(pki, impostors, tmp_path, name, version):
    certificate, code = impostors[name]
    settings = dict(pg_ssl_version=version, pg_password="kongpass", lua_ssl_verify_depth=1, pg_ssl_required="off")
    if name == "revoked":
        settings["pg_ssl_crl"] = pki.root.crl("impostors.crl")
    attempts = ATTEMPTS if name in ("untrusted", "too-deep") and version == "tlsv1_2" else 15
    with FakeServer(certificate=certificate, client_ca=pki.root.cert) as server:
        with Link(write_conf(tmp_path, "c", **with_identity(pki, server.port, **settings))) as link:
            for _ in range(attempts):
                opened = link.open()
                assert opened["code"] == code, opened
            assert link.counter("refused_server") == attempts
        assert server.leaks() == []
        assert server.events.count("sslrequest") == attempts
        # In TLS 1.2 a client certificate goes over the wire in clear.
        assert pki.client.der() not in server.raw
        assert b"kong" not in server.raw.replace(b"sallyport", b"")


def test_the_alarm_would_ring(pki, tmp_path):
    """The same servers with a good certificate do see everything: the test above can fail."""
    with FakeServer(certificate=pki.server, client_ca=pki.root.cert, versions=TLS12) as server:
        conf = write_conf(tmp_path, "c", **with_identity(pki, server.port, pg_password="kongpass"))
        opened = open_once(conf)
        assert not opened["ok"]
        assert [event.split(":")[0] for event in server.leaks()] == ["startup", "password"]
        assert pki.client.der() in server.raw


def test_no_secret_in_errors(pki, tmp_path):
    """A server may echo what it was sent; our error does not."""
    with FakeServer(certificate=pki.server) as server:
        opened = open_once(write_conf(tmp_path, "c", **demanding(pki, server.port)))
        assert server.leaks()[-1] == "password:kongpass"
        assert "you sent ******, enough" in opened["text"] and "kongpass" not in str(opened)


@pytest.mark.parametrize("answer,code,words", [
    (b"X", "link.ssl_answer", "received invalid response to SSL negotiation: X"),
    (b"s", "link.ssl_answer", "received invalid response to SSL negotiation: s"),
    (b"\0", "link.ssl_answer", "received invalid response to SSL negotiation"),
    (b"HTTP/1.1 400 Bad Request\r\n\r\n", "link.ssl_answer", "web server"),
    (b"SSH-2.0-OpenSSH_9.2\r\n", "link.injected", "received unencrypted data after SSL response"),
    (b"S" + error_packet(b"injected"), "link.injected", "received unencrypted data after SSL response"),
    (b"SR", "link.injected", "received unencrypted data after SSL response"),
    (b"N" + error_packet(b"injected"), "link.injected", "received unencrypted data after SSL response"),
    (error_packet(b"sorry, too many clients already", b"53300"), "link.ssl_error_answer",
     "server sent an error response during SSL exchange"),
    (b"Eunsupported frontend protocol\0", "link.ssl_error_answer", "error response during SSL exchange"),
    (b"", "link.closed", "server closed the connection unexpectedly"),
])
def test_wrong_answers_to_ssl_request(pki, tmp_path, answer, code, words):
    """Also with pg_ssl_required = off: only a lone N is an N."""
    for required in ("on", "off"):
        if required == "on" and answer.startswith(b"N"):
            continue
        certificate = pki.server if answer.startswith(b"S") else None
        with FakeServer(answer=answer, certificate=certificate) as server:
            conf = write_conf(tmp_path, "c", **demanding(pki, server.port, pg_ssl_required=required))
            opened = open_once(conf)
            assert opened.get("code") == code and words in opened["text"], opened
            assert server.leaks() == [] and "injected" not in opened["text"].replace("data after SSL", "")[:40]


def test_plaintext_that_comes_late(pki, tmp_path):
    """Bytes between S and the handshake, in a packet of their own."""
    import socket
    import threading
    listener = socket.create_server(("127.0.0.1", 0))
    seen = []

    def serve():
        connection, _ = listener.accept()
        connection.settimeout(5)
        seen.append(connection.recv(8))
        connection.sendall(b"S")
        seen.append(connection.recv(1))  # the ClientHello has begun
        connection.sendall(error_packet(b"injected"))
        try:
            while data := connection.recv(4096):
                seen.append(data)
        except OSError:
            pass

    threading.Thread(target=serve, daemon=True).start()
    opened = open_once(write_conf(tmp_path, "c", **demanding(pki, listener.getsockname()[1])))
    assert not opened["ok"] and opened["code"] == "link.handshake", opened
    assert b"kong" not in b"".join(seen)
    listener.close()


@pytest.mark.parametrize("stage", ["answer", "handshake", "authentication"])
def test_silence_is_bounded(pki, tmp_path, stage):
    certificate = pki.server if stage == "authentication" else None
    answer = {"answer": None, "handshake": b"S", "authentication": b"S"}[stage]
    with FakeServer(answer=answer, certificate=certificate, then=silence, hold=stage != "authentication") as server:
        opened = open_once(write_conf(tmp_path, "c", **demanding(pki, server.port, pg_timeout=700)))
        assert opened["code"] == "link.timeout" and "timeout expired" in opened["text"], opened
        assert 0.6 < opened["seconds"] < 3, opened
        words = {"answer": "the answer to SSLRequest", "handshake": "the TLS handshake"}.get(stage, "authentication")
        assert words in opened["text"]


def test_cut_at_every_stage(tls_server, pki, tmp_path):
    """The server's part of a whole establishment is about 2,500 bytes: cut it everywhere."""
    with Relay(tls_server.port) as relay:
        with Link(write_conf(tmp_path, "c", **demanding(pki, relay.port, pg_timeout=3000))) as link:
            assert link.open()["ok"]
            for reset in (False, True):
                relay.reset = reset
                for relay.cut_after in (1, 2, 6, 50, 130, 400, 900, 1000, 1100, 1300, 1500):
                    opened = link.open()
                    if opened["ok"]:
                        break
                    assert opened["code"].startswith("link."), opened
                    assert opened["seconds"] < 3 and opened["code"] != "link.timeout", opened
            relay.cut_after = None
            assert link.open()["ok"]
        assert relay.plain_bytes == 0


def test_downgrade_is_refused_after_tls(tls_server, pki, tmp_path):
    """pg_ssl_required = off takes a server without TLS, but not one that had it a moment ago."""
    with Relay(tls_server.port) as relay:
        conf = write_conf(tmp_path, "c", **demanding(pki, relay.port, pg_ssl_required="off", pg_ssl_verify="off"))
        with Link(conf) as link:
            assert link.open()["state"]["tls"]
            relay.strip = True
            for _ in range(3):
                opened = link.open()
                assert opened["code"] == "link.downgrade", opened
            assert link.counter("downgrade_refused") == 3
            assert "[alert]" in link.log()
            assert relay.plain_bytes == 0
            relay.strip = False
            assert link.open()["state"]["tls"]
        with Link(conf) as link:  # a process that never saw it speak TLS has nothing to hold against it
            relay.strip = True
            assert link.open()["state"]["plain_fallback"]
            assert relay.plain_bytes > 0
