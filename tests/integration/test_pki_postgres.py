"""Certificates of `sallyport pki` on a real PostgreSQL 15: mutual TLS in the three hierarchies,
rotation without a restart, revocation, and what must not get in."""
import os
import re
import shutil
import subprocess

import pytest

from cluster import give_to_postgres
from test_pki import pki, tutorial, trust_of, openssl, serial

NAMES = ["--server-name", "localhost", "--server-name", "127.0.0.1"]


@pytest.fixture(scope="module")
def cluster(clusters):
    made = clusters.start("certificates")
    made.sql("create role bob login password 'bobpass'")
    yield made
    made.stop()


def put_directory(cluster, source, name):
    target = os.path.join(cluster.data, name)
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    give_to_postgres(target, 0o700)
    for file in os.listdir(target):
        give_to_postgres(os.path.join(target, file))


def install(cluster, directory, access="hostssl all all all cert", crl_file="", crl_dir=""):
    """What `ssl = on` needs, then a reload: the server is never restarted for certificates."""
    _, for_server = trust_of(directory)
    cluster.put("server.crt", directory / "server.crt", 0o644)
    cluster.put("server.key", directory / "server.key")
    cluster.put("clients.crt", for_server, 0o644)
    cluster.configure({"ssl": "on", "ssl_ca_file": "clients.crt", "ssl_crl_file": crl_file,
                       "ssl_crl_dir": crl_dir})
    cluster.write_access([access])
    cluster.reload()


def psql(cluster, **parameters):
    """As a stranger would run it: nothing but these parameters counts."""
    parameters = {"host": "localhost", "hostaddr": "127.0.0.1", "port": cluster.port,
                  "user": "kong", "dbname": "kong", "connect_timeout": 20, **parameters}
    connection = " ".join(f"{name}='{value}'" for name, value in parameters.items())
    return subprocess.run(["psql", "-X", "-At", connection, "-c", "SELECT current_user"], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/", timeout=60,
                          env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"})


def connect(cluster, directory, name="client", **parameters):
    for_gateway, _ = trust_of(directory)
    parameters = {"sslmode": "verify-full", "sslrootcert": for_gateway,
                  "sslcert": directory / f"{name}.crt", "sslkey": directory / f"{name}.key",
                  **parameters}
    return psql(cluster, **parameters)


def accepted(done, user="kong"):
    assert done.returncode == 0 and done.stdout.strip() == user, done.stdout
    return True


def refused(done, words):
    assert done.returncode != 0 and words in done.stdout, done.stdout
    return True


@pytest.mark.parametrize("chain,key", [("intermediate", "ec"), ("root", "ec"),
                                       ("self-signed", "ec"), ("intermediate", "rsa:2048"),
                                       ("intermediate", "ed25519"), ("self-signed", "rsa:2048"),
                                       ("self-signed", "ed25519")])
def test_mutual_tls(cluster, tmp_path, chain, key):
    pki("init", "--chain", chain, "--key", key, "--dir", tmp_path, *NAMES)
    install(cluster, tmp_path)
    assert accepted(connect(cluster, tmp_path))
    assert accepted(connect(cluster, tmp_path, host="127.0.0.1"))
    assert refused(connect(cluster, tmp_path, host="other.test"), "does not match host name")
    assert refused(connect(cluster, tmp_path, user="bob"), "certificate authentication failed")
    assert refused(connect(cluster, tmp_path, sslmode="disable"), "no encryption")
    assert refused(connect(cluster, tmp_path, sslcert="", sslkey=""), "valid client certificate")
    # A server certificate does not open the door as a client's.
    assert refused(connect(cluster, tmp_path, "server"), "alert")


def test_a_stolen_self_signed_client_key_signs_nobody_in(cluster, tmp_path):
    pki("init", "--chain", "self-signed", "--dir", tmp_path, *NAMES)
    install(cluster, tmp_path)
    openssl("req", "-new", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-subj",
            "/CN=bob", "-keyout", tmp_path / "bob.key", "-out", tmp_path / "bob.csr")
    openssl("x509", "-req", "-in", tmp_path / "bob.csr", "-CA", tmp_path / "client.crt", "-CAkey",
            tmp_path / "client.key", "-set_serial", "7", "-days", "10", "-out",
            tmp_path / "bob.crt")
    assert refused(connect(cluster, tmp_path, "bob", user="bob"), "alert unknown ca")
    # The tutorial's own self-signed client is an authority, and this is how it opens the door.
    old = tmp_path / "old"
    old.mkdir()
    tutorial(old, "self-signed")
    for name in ("server.crt", "server.key"):
        (old / name).write_bytes((tmp_path / name).read_bytes())
    install(cluster, old)
    openssl("x509", "-req", "-in", tmp_path / "bob.csr", "-CA", old / "client.crt", "-CAkey",
            old / "client.key", "-set_serial", "7", "-days", "10", "-out", old / "bob.crt")
    (old / "bob.key").write_bytes((tmp_path / "bob.key").read_bytes())
    (old / "bob.key").chmod(0o600)
    assert accepted(connect(cluster, old, "bob", user="bob"), "bob")
    pki("renew", "client", "--dir", old)
    install(cluster, old)
    assert refused(connect(cluster, old, "bob", user="bob"), "alert unknown ca")
    assert accepted(connect(cluster, old))


def served_serial(cluster):
    shown = subprocess.run(["openssl", "s_client", "-starttls", "postgres", "-connect",
                            f"127.0.0.1:{cluster.port}"], stdin=subprocess.DEVNULL, text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=30).stdout
    certificate = re.search(r"-----BEGIN.*?-----END CERTIFICATE-----", shown, re.S).group(0)
    done = subprocess.run(["openssl", "x509", "-noout", "-serial"], input=certificate, text=True,
                          stdout=subprocess.PIPE, check=True)
    return done.stdout.strip().split("=")[1]


def test_rotation_without_restart(cluster, tmp_path):
    pki("init", "--dir", tmp_path, *NAMES)
    install(cluster, tmp_path)
    assert served_serial(cluster) == serial(tmp_path / "server.crt")
    pki("renew", "server", "client", "--new-key", "--dir", tmp_path)
    # The renewed client works with the server that still has its old certificate, and after.
    assert accepted(connect(cluster, tmp_path))
    install(cluster, tmp_path)
    assert served_serial(cluster) == serial(tmp_path / "server.crt")
    assert accepted(connect(cluster, tmp_path))
    # New authorities, same keys: old and new trust files both take the leaves.
    for_gateway = (tmp_path / "chain.crt").read_text()
    pki("renew", "root", "intermediate", "--dir", tmp_path)
    (tmp_path / "old-chain.crt").write_text(for_gateway)
    assert accepted(connect(cluster, tmp_path))
    assert accepted(connect(cluster, tmp_path, sslrootcert=tmp_path / "old-chain.crt"))
    install(cluster, tmp_path)
    assert accepted(connect(cluster, tmp_path))
    assert accepted(connect(cluster, tmp_path, sslrootcert=tmp_path / "old-chain.crt"))


@pytest.mark.parametrize("chain", ["intermediate", "root"])
def test_revocation_by_directory_needs_no_reload(cluster, tmp_path, chain):
    pki("init", "--chain", chain, "--dir", tmp_path, *NAMES)
    pki("issue", "client", "--name", "bob", "--user", "bob", "--dir", tmp_path)
    pki("crl", "--dir", tmp_path)
    put_directory(cluster, tmp_path / "crl", "crl")
    install(cluster, tmp_path, crl_dir="crl")
    assert accepted(connect(cluster, tmp_path))
    pki("revoke", tmp_path / "client.crt", "--dir", tmp_path)
    put_directory(cluster, tmp_path / "crl", "crl")
    assert refused(connect(cluster, tmp_path), "certificate revoked")
    assert accepted(connect(cluster, tmp_path, "bob", user="bob"), "bob")


def test_revocation_by_file_on_both_sides(cluster, tmp_path):
    pki("init", "--dir", tmp_path, *NAMES)
    pki("crl", "--dir", tmp_path)
    cluster.put("chain.crl", tmp_path / "chain.crl", 0o644)
    install(cluster, tmp_path, crl_file="chain.crl")
    assert accepted(connect(cluster, tmp_path, sslcrl=tmp_path / "chain.crl"))
    pki("revoke", tmp_path / "server.crt", "--dir", tmp_path)
    assert refused(connect(cluster, tmp_path, sslcrl=tmp_path / "chain.crl"),
                   "certificate verify failed")
    pki("renew", "server", "--new-key", "--dir", tmp_path)
    install(cluster, tmp_path, crl_file="chain.crl")
    assert accepted(connect(cluster, tmp_path, sslcrl=tmp_path / "chain.crl"))


def test_the_tutorial_renewed(cluster, tmp_path):
    tutorial(tmp_path, "intermediate")
    install(cluster, tmp_path)
    assert accepted(connect(cluster, tmp_path, host="dbhost.yourdomain.com"))
    assert refused(connect(cluster, tmp_path), "does not match host name")
    pki("renew", "root", "intermediate", "client", "--dir", tmp_path)
    pki("renew", "server", "--server-name", "localhost", "--dir", tmp_path)
    # The renewed client and trust file go with the server's old certificate, too.
    assert accepted(connect(cluster, tmp_path, host="dbhost.yourdomain.com"))
    install(cluster, tmp_path)
    assert accepted(connect(cluster, tmp_path, host="dbhost.yourdomain.com"))
    assert accepted(connect(cluster, tmp_path))
    assert refused(connect(cluster, tmp_path, user="bob"), "certificate authentication failed")


def test_scram_with_channel_binding(cluster, tmp_path):
    """What docs/certificates.md says of Ed25519 and passwords."""
    for key, outcomes in (("ec", {"prefer": True, "require": True, "disable": True}),
                          ("ed25519", {"prefer": False, "require": False, "disable": True})):
        directory = tmp_path / key
        pki("init", "--key", key, "--dir", directory, *NAMES)
        install(cluster, directory, access="hostssl all all all scram-sha-256")
        for binding, works in outcomes.items():
            done = psql(cluster, sslmode="verify-full", sslrootcert=directory / "chain.crt",
                        password="kongpass", channel_binding=binding)
            assert accepted(done) if works else refused(done, "could not find digest"), key
