"""Certificates, keys, CAs and CRLs change on disk while the gateway runs: the next connection has them."""
import shutil

import pytest

from link_client import Link, with_identity, write_conf


@pytest.fixture
def site(clusters, pki, tmp_path):
    """A server of its own for each test, and copies of the gateway's files to change."""
    server = clusters.start("rotation", {"ssl": "on", "ssl_ca_file": "ca.crt"}, ["hostssl all all all cert"],
                            {"server.crt": pki.server.cert, "server.key": pki.server.key, "ca.crt": pki.root.cert})
    files = {name: str(tmp_path / name) for name in ("ca.crt", "client.crt", "client.key", "root.crl")}
    for name, source in (("ca.crt", pki.root.cert), ("client.crt", pki.client.cert), ("client.key", pki.client.key),
                         ("root.crl", pki.root.crl("rotation.crl"))):
        shutil.copy2(source, files[name])
    conf = write_conf(tmp_path, "c", **with_identity(
        pki, server.port, lua_ssl_trusted_certificate=files["ca.crt"], pg_ssl_cert=files["client.crt"],
        pg_ssl_cert_key=files["client.key"], pg_ssl_crl=files["root.crl"]))
    yield server, files, conf
    server.stop()


def write(path, text):
    with open(path, "w") as out:
        out.write(text)


def test_everything_rotates_without_a_restart(site, pki):
    server, files, conf = site
    with Link(conf) as link:
        assert link.open()["ok"]
        # The server moves to another authority; the gateway learns of it, then of its own new certificate.
        replacement = pki.other.issue("rotated-server", san=pki.SAN)
        server.put("server.crt", replacement.cert)
        server.put("server.key", replacement.key)
        server.reload()
        assert link.query("select 1")["ok"], "open sessions go on"
        assert link.open()["code"] == "link.untrusted"
        write(files["ca.crt"], open(pki.root.cert).read() + open(pki.other.cert).read())
        write(files["root.crl"], open(pki.root.crl("r.crl")).read() + open(pki.other.crl("o2.crl")).read())
        opened = link.open()
        assert opened["ok"] and opened["state"]["chain"][0].startswith("CN=rotated-server"), opened
        assert "shows a new certificate" in link.log()

        client = pki.root.issue("rotated-client", cn="kong")
        shutil.copy2(client.cert, files["client.crt"])
        opened = link.open()  # certificate without its key: the old pair stays in use
        assert opened["ok"] and link.counter("stale_file") == 1, opened
        assert "key values mismatch" in link.log()
        shutil.copy2(client.key, files["client.key"])
        assert link.open()["ok"]
        serial = link.query("select client_serial from pg_stat_ssl where pid = pg_backend_pid()")["rows"][0][0]
        from certificates import openssl
        assert int(openssl("x509", "-in", client.cert, "-noout", "-serial").strip().split("=")[1], 16) == int(serial)


def test_a_bad_file_leaves_the_last_good_one(site):
    server, files, conf = site
    with Link(conf) as link:
        assert link.open()["ok"]
        for name in files:
            good = open(files[name]).read()
            write(files[name], "rubbish")
            assert link.open()["ok"], name
            assert link.open()["ok"], name
            write(files[name], good)
            assert link.open()["ok"], name
        assert link.log().count("stays in use") == len(files), "one warning for each fault"
        assert link.log().count("is good again") == len(files)
        assert link.counter("stale_file") == 2 * len(files)
    write(files["ca.crt"], "rubbish")
    with Link(conf) as link:
        assert link.open()["code"] == "conf.lua_ssl_trusted_certificate", "a start has no last good one"


def test_revocation_reaches_the_next_connection(site, pki):
    server, files, conf = site
    revoked = pki.root.issue("rotation-revoked", san=pki.SAN)
    server.put("server.crt", revoked.cert)
    server.put("server.key", revoked.key)
    server.reload()
    with Link(conf) as link:
        assert link.open()["ok"]
        pki.root.revoke(revoked)
        shutil.copy2(pki.root.crl("after.crl"), files["root.crl"])
        opened = link.open()
        assert opened["code"] == "link.revoked" and opened["state"]["verify_error"] == 23
