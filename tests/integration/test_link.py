"""The link to PostgreSQL against real servers: what connects, what is told, what the settings change."""
import os
import stat

import pytest

from cluster import wait_until
from link_client import Link, demanding, open_once, with_identity, write_conf


def test_tls_with_password(tls_server, pki, tmp_path):
    with Link(write_conf(tmp_path, "c", **demanding(pki, tls_server.port))) as link:
        opened = link.open()
        assert opened["ok"], opened
        state = opened["state"]
        assert state["tls"] and state["verified"] and state["used_password"] and not state["plain_fallback"]
        assert state["version"] == "TLSv1.3" and state["cipher"] and state["server_version"].startswith("15")
        assert [c.split(" ")[0] for c in state["chain"]] == ["CN=server,O=sallyport", "CN=root,O=sallyport"]
        assert state["verify_error"] == 0 and state["ssl_answer"] == "S"
        rows = link.query("select version, current_user from pg_stat_ssl where pid = pg_backend_pid()")
        assert rows["rows"] == [["TLSv1.3", "kong"]]


def test_mutual_tls(mtls_server, pki, tmp_path):
    opened = open_once(write_conf(tmp_path, "c", **with_identity(pki, mtls_server.port)))
    assert opened["ok"], opened
    assert opened["state"]["client_requested"] and opened["state"]["client"] == "CN=kong,O=sallyport test"
    assert not opened["state"]["used_password"]


def test_plain_is_plain(tls_server, pki, tmp_path):
    conf = write_conf(tmp_path, "c", **demanding(pki, tls_server.port, pg_ssl="off"))
    with Link(conf) as link:
        opened = link.open()
        assert opened["ok"] and not opened["state"]["tls"] and opened["state"]["ssl_answer"] == ""
        assert link.query("select ssl from pg_stat_ssl where pid = pg_backend_pid()")["rows"] == [["f"]]


@pytest.mark.parametrize("word,version", [("tlsv1_2", "TLSv1.2"), ("tlsv1_3", "TLSv1.3"), ("any", "TLSv1.3")])
def test_versions_are_exact(tls_server, pki, tmp_path, word, version):
    opened = open_once(write_conf(tmp_path, "c", **demanding(pki, tls_server.port, pg_ssl_version=word)))
    assert opened["ok"] and opened["state"]["version"] == version


@pytest.mark.parametrize("host,good", [("localhost", True), ("127.0.0.1", True), ("[::1]", True), ("db.test", True),
                                       ("a.db.test", False), ("127.0.0.2", False)])
def test_the_host_name_is_verified(tls_server, pki, tmp_path, host, good):
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 localhost db.test a.db.test\n")
    changes = dict(pg_host=host, dns_hostsfile=hosts, pg_timeout=2000)
    opened = open_once(write_conf(tmp_path, "c", **demanding(pki, tls_server.port, **changes)))
    assert opened["ok"] == good, opened
    if host == "a.db.test":
        assert opened["code"] == "link.host_name" and opened["state"]["verify_error"] == 62
        assert 'server certificate for "localhost" (and 3 other names) does not match host name "a.db.test"' \
            in opened["text"]
        conf = write_conf(tmp_path, "d", **demanding(pki, tls_server.port, **changes, pg_ssl_verify_host="off"))
        assert open_once(conf)["ok"], "the one opt-out"


def test_depth_counts_intermediates(clusters, pki, tmp_path):
    server = clusters.start("deep", {"ssl": "on"}, None, {"server.crt": pki.deep.cert, "server.key": pki.deep.key})
    for depth, good in ((0, False), (1, False), (2, True), (100, True)):
        opened = open_once(write_conf(tmp_path, "c", **demanding(pki, server.port, lua_ssl_verify_depth=depth)))
        assert opened["ok"] == good, opened
        if not good:
            assert opened["code"] == "link.chain_too_long" and "lua_ssl_verify_depth = 2" in opened["text"]
    server.stop()


def test_trust_as_text_and_base64(tls_server, pki, tmp_path):
    import base64
    encoded = base64.b64encode(open(pki.root.cert, "rb").read()).decode()
    conf = write_conf(tmp_path, "c", **demanding(pki, tls_server.port, lua_ssl_trusted_certificate="system," + encoded))
    assert open_once(conf)["ok"]


def test_channel_binding(tls_server, mtls_server, pki, tmp_path):
    conf = write_conf(tmp_path, "c", **demanding(pki, tls_server.port, pg_channel_binding="require"))
    assert open_once(conf)["ok"]
    conf = write_conf(tmp_path, "d", **with_identity(pki, mtls_server.port, pg_channel_binding="require"))
    opened = open_once(conf)
    assert not opened["ok"] and opened["code"] == "link.channel_binding", opened


def test_client_chain_is_completed_from_the_trust_list(clusters, pki, tmp_path):
    """As libpq does: a client file with the leaf alone, whose intermediate is in lua_ssl_trusted_certificate."""
    client = pki.intermediate.issue("deep-client", cn="kong")
    chain = tmp_path / "chain.pem"
    chain.write_text(open(pki.intermediate.cert).read() + open(pki.root.cert).read())
    server = clusters.start("client-chain", {"ssl": "on", "ssl_ca_file": "ca.crt"}, ["hostssl all all all cert"],
                            {"server.crt": pki.server.cert, "server.key": pki.server.key, "ca.crt": pki.root.cert})
    identity = dict(pg_ssl_cert=client.cert, pg_ssl_cert_key=client.key)
    assert not open_once(write_conf(tmp_path, "c", **with_identity(pki, server.port, **identity)))["ok"]
    conf = write_conf(tmp_path, "d", **with_identity(pki, server.port, lua_ssl_trusted_certificate=chain, **identity))
    assert open_once(conf)["ok"]
    server.stop()


def test_key_in_a_path_with_a_colon(mtls_server, pki, tmp_path):
    key = tmp_path / "pkcs11:key.pem"
    key.write_bytes(open(pki.client.key, "rb").read())
    key.chmod(stat.S_IRUSR)
    opened = open_once(write_conf(tmp_path, "c", **with_identity(pki, mtls_server.port, pg_ssl_cert_key=key)))
    assert opened["ok"], opened


def test_encrypted_key_never_prompts(mtls_server, pki, tmp_path):
    """With a terminal OpenSSL would ask; here it would hang the test."""
    from certificates import openssl
    key = str(tmp_path / "encrypted.key")
    openssl("pkey", "-in", pki.client.key, "-aes-256-cbc", "-passout", "pass:secret", "-out", key)
    os.chmod(key, 0o600)
    opened = open_once(write_conf(tmp_path, "c", **with_identity(pki, mtls_server.port, pg_ssl_cert_key=key)))
    assert opened["code"] == "conf.pg_ssl_cert_key" and "encrypted" in opened["text"]


@pytest.mark.parametrize("name,value,code", [
    ("pg_ssl_cert", "/nonexistent/c.crt", "conf.pg_ssl_cert"),
    ("pg_ssl_cert_key", "/nonexistent/c.key", "conf.pg_ssl_cert_key"),
    ("lua_ssl_trusted_certificate", "/nonexistent/ca.crt", "conf.lua_ssl_trusted_certificate"),
    ("pg_ssl_crl", "/nonexistent/x.crl", "conf.pg_ssl_crl"),
    ("pg_ssl_crl_dir", "/nonexistent", "conf.pg_ssl_crl_dir"),
])
def test_missing_files_are_errors(mtls_server, pki, tmp_path, name, value, code):
    mark = mtls_server.mark()
    opened = open_once(write_conf(tmp_path, "c", **with_identity(pki, mtls_server.port, **{name: value})))
    assert not opened["ok"] and opened["code"] == code and value in opened["text"] and name in opened["text"]
    assert "connection received" not in mtls_server.log_since(mark)


def test_revocation(clusters, pki, tmp_path):
    revoked = pki.root.issue("revoked", san=pki.SAN)
    empty = pki.root.crl("empty.crl")
    pki.root.revoke(revoked)
    current, outdated, foreign = pki.root.crl("current.crl"), pki.root.crl("old.crl", expired=True), pki.other.crl("o.crl")
    server = clusters.start("revoked", {"ssl": "on"}, None, {"server.crt": revoked.cert, "server.key": revoked.key})
    directory = tmp_path / "crls"
    directory.mkdir()
    (directory / "any-name").write_text(open(current).read())
    for settings, code in ((dict(), None), (dict(pg_ssl_crl=empty), None),
                           (dict(pg_ssl_crl=current), "link.revoked"), (dict(pg_ssl_crl_dir=directory), "link.revoked"),
                           (dict(pg_ssl_crl=outdated), "link.crl"), (dict(pg_ssl_crl=foreign), "link.crl")):
        opened = open_once(write_conf(tmp_path, "c", **demanding(pki, server.port, **settings)))
        assert opened.get("code") == code, (settings, opened)
    server.stop()


def test_plain_fallback_only_when_not_required(clusters, pki, tmp_path):
    server = clusters.start("plain")
    opened = open_once(write_conf(tmp_path, "c", **demanding(pki, server.port)))
    assert opened["code"] == "link.no_tls" and "server does not support SSL, but SSL was required" in opened["text"]
    with Link(write_conf(tmp_path, "d", **demanding(pki, server.port, pg_ssl_required="off"))) as link:
        for _ in range(3):
            opened = link.open()
            assert opened["ok"] and opened["state"]["plain_fallback"] and not opened["state"]["tls"]
        assert link.counter("plain_fallback") == 3
        assert link.log().count("does not support SSL") == 1, "one warning for each start"
    conf = write_conf(tmp_path, "e", **demanding(pki, server.port, pg_ssl_required="off", pg_channel_binding="require"))
    assert open_once(conf)["code"] == "link.channel_binding"
    server.stop()


def test_a_server_that_is_starting_or_stopped(clusters, pki, tmp_path):
    server = clusters.start("stopped", {"ssl": "on"}, None,
                            {"server.crt": pki.server.cert, "server.key": pki.server.key})
    conf = write_conf(tmp_path, "c", **demanding(pki, server.port))
    with Link(conf) as link:
        assert link.open()["ok"]
        server.stop()
        assert link.query("select 1")["code"] == "link.lost"
        assert link.query("select 1")["code"] == "link.lost"
        assert not link.say("usable")["ok"]
        assert link.open()["code"] == "link.refused"
        assert server.run()
        wait_until(lambda: link.open()["ok"], "the link to come back")
        assert link.query("select 1")["rows"] == [["1"]]
    server.stop()
