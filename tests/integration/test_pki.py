"""`sallyport pki` from outside: the files it makes, judged by the openssl command."""
import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import stat
import subprocess
import threading
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAMES = ["--server-name", "localhost", "--server-name", "127.0.0.1", "--server-name", "db.test"]


def binary():
    given = os.environ.get("SALLYPORT")
    if given:
        return given
    for build in ("release", "dev"):
        path = ROOT / "build" / build / "sallyport"
        if path.exists():
            return str(path)
    pytest.skip("sallyport is not built")


def pki(*arguments, cwd=None, status=0, **options):
    done = subprocess.run([binary(), "pki", *map(str, arguments)], cwd=cwd, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL, timeout=120, start_new_session=True, **options)
    assert done.returncode == status, f"exit {done.returncode}: {done.stdout}"
    return done.stdout


def openssl(*arguments, status=0, **options):
    done = subprocess.run(["openssl", *map(str, arguments)], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=60, **options)
    if status is not None:
        assert done.returncode == status, done.stdout
    return done.stdout


def strictly(trust, file, purpose, *more, status=0):
    """openssl verify -x509_strict, with what the file itself carries as intermediates."""
    return openssl("verify", "-x509_strict", "-auth_level", "2", "-purpose", purpose, "-CAfile",
                   trust, "-untrusted", file, *more, file, status=status)


def trust_of(directory):
    """(what the gateway trusts, what PostgreSQL trusts)"""
    if (directory / "chain.crt").exists():
        return directory / "chain.crt", directory / "chain.crt"
    if (directory / "root.crt").exists():
        return directory / "root.crt", directory / "root.crt"
    return directory / "server.crt", directory / "client.crt"


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def serial(path):
    return openssl("x509", "-in", path, "-noout", "-serial").strip().split("=")[1]


def tutorial(directory, chain):
    """The well-known tutorial's own commands, which make what we take over."""
    configuration = "/etc/ssl/openssl.cnf"

    def run(*arguments):
        openssl(*arguments, cwd=directory)

    def request(name, cn):
        run("req", "-new", "-utf8", "-nodes", "-subj", f"/CN={cn}", "-config", configuration,
            "-keyout", f"{name}.key", "-out", f"{name}.csr")

    def self_sign(name, cn, days, *more):
        run("req", "-new", "-x509", "-utf8", "-nodes", "-subj", f"/CN={cn}", "-config",
            configuration, *more, "-days", days, "-keyout", f"{name}.key", "-out", f"{name}.crt")

    def sign(name, issuer, days, *more):
        run("x509", "-req", *more, "-in", f"{name}.csr", "-days", days, "-CA", f"{issuer}.crt",
            "-CAkey", f"{issuer}.key", "-CAcreateserial", "-out", f"{name}.crt")

    if chain == "self-signed":
        self_sign("server", "dbhost.yourdomain.com", "365")
        self_sign("client", "kong", "365")
        return
    self_sign("root", "root.yourdomain.com", "3650", "-extensions", "v3_ca")
    issuer = "root"
    if chain == "intermediate":
        request("intermediate", "intermediate.yourdomain.com")
        sign("intermediate", "root", "1825", "-extfile", configuration, "-extensions", "v3_ca")
        issuer = "intermediate"
    for name, cn in (("server", "dbhost.yourdomain.com"), ("client", "kong")):
        request(name, cn)
        sign(name, issuer, "365")
    if chain == "intermediate":
        middle = (directory / "intermediate.crt").read_text()
        (directory / "chain.crt").write_text(middle + (directory / "root.crt").read_text())
        for name in ("server", "client"):
            with open(directory / f"{name}.crt", "a", encoding="ascii") as file:
                file.write(middle)


CHAINS = ["intermediate", "root", "self-signed"]


@pytest.mark.parametrize("key", ["ec", "rsa:2048", "ed25519"])
@pytest.mark.parametrize("chain", CHAINS)
def test_init_passes_the_strict_verifier(tmp_path, chain, key):
    pki("init", "--chain", chain, "--dir", tmp_path, "--key", key, *NAMES)
    for_gateway, for_server = trust_of(tmp_path)
    for host in (["-verify_hostname", "localhost"], ["-verify_hostname", "db.test"],
                 ["-verify_ip", "127.0.0.1"]):
        strictly(for_gateway, tmp_path / "server.crt", "sslserver", *host)
    strictly(for_server, tmp_path / "client.crt", "sslclient")
    strictly(for_gateway, tmp_path / "server.crt", "sslclient", status=2)
    strictly(for_server, tmp_path / "client.crt", "sslserver", status=2)
    strictly(for_gateway, tmp_path / "server.crt", "sslserver", "-verify_hostname", "evil.test",
             status=2)
    for file in tmp_path.glob("*.key"):
        assert mode(file) == 0o600
    for file in tmp_path.glob("*.crt"):
        text = openssl("x509", "-in", file, "-noout", "-text")
        assert "Version: 3 (0x2)" in text
        assert "X509v3 Basic Constraints: critical" in text
        assert "X509v3 Key Usage: critical" in text
        assert "X509v3 Subject Key Identifier" in text
        is_authority = file.stem in ("root", "intermediate", "chain")
        assert ("CA:TRUE, pathlen:" in text) == is_authority
        assert len(serial(file)) == 32
    if chain == "intermediate":
        # With the root alone as the anchor, too: the leaf carries the intermediate.
        strictly(tmp_path / "root.crt", tmp_path / "server.crt", "sslserver")
        strictly(tmp_path / "root.crt", tmp_path / "client.crt", "sslclient")


def test_a_self_signed_client_cannot_sign_others(tmp_path):
    pki("init", "--chain", "self-signed", "--dir", tmp_path)
    openssl("req", "-new", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-subj",
            "/CN=mallory", "-keyout", tmp_path / "m.key", "-out", tmp_path / "m.csr")
    openssl("x509", "-req", "-in", tmp_path / "m.csr", "-CA", tmp_path / "client.crt", "-CAkey",
            tmp_path / "client.key", "-set_serial", "7", "-days", "10", "-out", tmp_path / "m.crt")
    out = openssl("verify", "-CAfile", tmp_path / "client.crt", tmp_path / "m.crt", status=2)
    assert "invalid CA certificate" in out
    assert "no authority" in pki("verify", tmp_path / "m.crt", "--trusted", tmp_path / "client.crt",
                                 status=1)


def test_init_overwrites_nothing(tmp_path):
    pki("init", "--dir", tmp_path)
    before = {f.name: f.read_bytes() for f in tmp_path.iterdir() if f.is_file()}
    for chain in CHAINS:
        out = pki("init", "--dir", tmp_path, "--chain", chain, status=1)
        assert "--force" in out and "root.key" in out
    assert {f.name: f.read_bytes() for f in tmp_path.iterdir() if f.is_file()} == before

    out = pki("init", "--dir", tmp_path, "--chain", "root", "--force")
    backup = pathlib.Path(re.search(r"The replaced files are in (\S+)", out).group(1))
    assert mode(backup) == 0o700
    for name in ("root.key", "intermediate.key", "server.key", "client.key", "chain.crt"):
        assert (backup / name).read_bytes() == before[name]
    assert not (tmp_path / "intermediate.crt").exists()
    strictly(tmp_path / "root.crt", tmp_path / "server.crt", "sslserver")


def test_bad_options_are_refused_and_leave_nothing(tmp_path):
    for arguments, words in (
            (["--key", "rsa:1024"], "2048"), (["--key", "dsa"], "ed25519"),
            (["--chain", "circle"], "self-signed"), (["--server-name", "a b"], "a b"),
            (["--server-name", "db:5432"], "without the port"), (["--days", "0"], "1 to"),
            (["--days", "9999"], "outlive"), (["--user", "x" * 65], "64 characters"),
            (["--passphrase-file", "/nonexistent"], "/nonexistent"),
            (["--passphrase-env", "SALLYPORT_NOT_SET"], "SALLYPORT_NOT_SET")):
        out = pki("init", "--dir", tmp_path / "new", *arguments, status=1)
        assert out.startswith("error: ") and words in out, out
        made = tmp_path / "new"
        assert not made.exists() or {f.name for f in made.iterdir()} <= {".lock"}


def test_keys_are_never_readable_by_others(tmp_path):
    directory = tmp_path / "pki"
    directory.mkdir(mode=0o755)
    seen, stop = {}, threading.Event()

    def watch():
        while not stop.is_set():
            for entry in os.scandir(directory):
                try:
                    seen.setdefault(entry.name, set()).add(mode(entry.path))
                except OSError:
                    pass

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        pki("init", "--dir", directory, umask=0)
        pki("renew", "server", "client", "--new-key", "--dir", directory, umask=0)
    finally:
        stop.set()
        watcher.join()
    keys = {name: modes for name, modes in seen.items() if ".key" in name}
    assert len(keys) >= 4
    for name, modes in keys.items():
        assert all(one & 0o077 == 0 for one in modes), (name, modes)


def test_a_killed_init_is_completed(tmp_path):
    for attempt in range(12):
        directory = tmp_path / str(attempt)
        process = subprocess.Popen([binary(), "pki", "init", "--dir", str(directory)],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        # Until the first files appear, then a little more: the kill lands among the renames.
        deadline = time.monotonic() + 20
        while process.poll() is None and time.monotonic() < deadline:
            if directory.exists() and len(os.listdir(directory)) > 1 + attempt:
                break
        process.send_signal(signal.SIGKILL)
        process.wait()
        before = {f.name: f.read_bytes() for f in directory.glob("*.[ck]*") if f.is_file()
                  } if directory.exists() else {}
        done = subprocess.run([binary(), "pki", "init", "--dir", str(directory)], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode != 0:
            assert "it is complete" in done.stdout, done.stdout
        for name, content in before.items():
            if not name.endswith(".tmp"):
                assert (directory / name).read_bytes() == content
        assert not list(directory.glob("*.tmp"))
        strictly(directory / "root.crt", directory / "server.crt", "sslserver")
        strictly(directory / "chain.crt", directory / "client.crt", "sslclient")


def test_encrypted_authorities(tmp_path):
    secret = tmp_path / "phrase"
    secret.write_text("correct horse battery\nsecond line\n")
    secret.chmod(0o600)
    directory = tmp_path / "pki"
    out = pki("init", "--dir", directory, "--passphrase-file", secret)
    assert "correct horse" not in out
    for name in ("root.key", "intermediate.key"):
        assert "ENCRYPTED" in (directory / name).read_text()
        openssl("pkey", "-in", directory / name, "-passin", "pass:correct horse battery", "-noout")
        text = openssl("asn1parse", "-in", directory / name)
        assert "PBES2" in text and "aes-256-cbc" in text
    for name in ("server.key", "client.key"):
        openssl("pkey", "-in", directory / name, "-passin", "pass:", "-noout")
    out = pki("renew", "server", "--dir", directory, status=1)
    assert "is encrypted" in out and "--passphrase-file" in out
    out = pki("crl", "--dir", directory, "--passphrase-env", "CA", status=1,
              env={**os.environ, "CA": "wrong horse"})
    assert "does not open the key" in out and "wrong horse" not in out
    pki("crl", "--dir", directory, "--passphrase-env", "CA",
        env={**os.environ, "CA": "correct horse battery"})
    pki("issue", "client", "--name", "c2", "--dir", directory, "--passphrase-file", secret)
    strictly(directory / "chain.crt", directory / "c2.crt", "sslclient")
    secret.write_text("\n")
    assert "empty first line" in pki("init", "--dir", tmp_path / "x", "--passphrase-file", secret,
                                     status=1)
    secret.write_text("short\n")
    assert "8 characters" in pki("init", "--dir", tmp_path / "x", "--passphrase-file", secret,
                                 status=1)


def on_terminal(arguments, answers=(), environment=None):
    """Runs the command on a terminal of its own; returns (exit status, all that was seen)."""
    pid, terminal = pty.fork()
    if pid == 0:
        env = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
        env.update({"TERM": "xterm", "LANG": "C.UTF-8", **(environment or {})})
        os.execvpe(binary(), [binary(), "pki", *map(str, arguments)], env)
    seen, answers, asked = b"", list(answers), 0
    while True:
        ready, _, _ = select.select([terminal], [], [], 60)
        assert ready, seen
        try:
            chunk = os.read(terminal, 4096)
        except OSError:
            break
        if not chunk:
            break
        seen += chunk
        if answers and seen.count(b": ", asked) > 0 and seen.endswith(b": "):
            asked = len(seen)
            os.write(terminal, answers.pop(0).encode() + b"\n")
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), seen.decode()


def test_asks_on_the_terminal_without_echo(tmp_path):
    directory = tmp_path / "pki"
    status, seen = on_terminal(["init", "--encrypt", "--dir", directory],
                               ["open sesame", "open sesame"])
    assert status == 0, seen
    assert "open sesame" not in seen
    # The second answer is not asked for: what opened one key is tried on the next.
    status, seen = on_terminal(["crl", "--dir", directory], ["open barley", "open sesame"])
    assert status == 0, seen
    assert "open" not in seen and seen.count("Pass phrase for") == 2
    assert "root.key" in seen
    status, seen = on_terminal(["init", "--encrypt", "--dir", tmp_path / "x"],
                               ["open sesame", "open barley"])
    assert status == 1 and "differ" in seen


def test_show_on_a_terminal_and_in_a_pipe(tmp_path):
    pki("init", "--dir", tmp_path, *NAMES)
    status, seen = on_terminal(["show", tmp_path])
    assert status == 0 and "\033[" in seen and "└── " in seen
    _, seen = on_terminal(["show", tmp_path], environment={"NO_COLOR": "1"})
    assert "\033[" not in seen and "└── " in seen
    out = pki("show", tmp_path)
    assert "\033[" not in out and out.isascii() and "`-- " in out
    assert re.search(r"names\s+localhost, db.test, 127.0.0.1", out)
    assert "365 days left" in out or "364 days left" in out
    assert "EC P-256" in out and "purpose   server" in out
    # A single file: the authorities beside it complete the picture.
    out = pki("show", tmp_path / "client.crt")
    assert "CN=kong" in out and "Sallyport root CA" in out and "not in this file" in out


def test_show_json(tmp_path):
    pki("init", "--dir", tmp_path, *NAMES)
    pki("revoke", tmp_path / "client.crt", "--dir", tmp_path, "--reason", "keyCompromise")
    shown = json.loads(pki("show", tmp_path, "--json"))
    by_file = {one["files"][0]: one for one in shown["certificates"]}
    server = by_file["server.crt"]
    assert server["dns_names"] == ["localhost", "db.test"]
    assert server["ip_addresses"] == ["127.0.0.1"]
    assert server["days_left"] in (364, 365) and server["findings"] == []
    assert server["serial"] == serial(tmp_path / "server.crt")
    fingerprint = openssl("x509", "-in", tmp_path / "server.crt", "-noout", "-fingerprint",
                          "-sha256").strip().split("=")[1]
    assert server["sha256"] == fingerprint.replace(":", "").lower()
    assert [f["id"] for f in by_file["client.crt"]["findings"]] == ["revoked"]
    assert {tuple(one["files"]) for one in shown["revocation_lists"]} == {
        ("chain.crl", "root.crl"), ("chain.crl", "intermediate.crl")}
    assert {one["file"] for one in shown["keys"]} == {"root.key", "intermediate.key", "server.key",
                                                      "client.key"}
    os.chmod(tmp_path / "server.key", 0o644)
    shutil.copy(tmp_path / "root.key", tmp_path / "client.key")
    shown = json.loads(pki("show", tmp_path, "--json"))
    faults = {one["file"]: [f["id"] for f in one["findings"]] for one in shown["keys"]}
    assert faults["server.key"] == ["key_mode"] and faults["client.key"] == ["key_mismatch"]


def test_hostile_names_do_not_reach_the_terminal(tmp_path):
    (tmp_path / "openssl.cnf").write_text("[req]\ndistinguished_name = d\n[d]\n[e]\n"
                                          "subjectAltName = DNS:\x1b]0;owned\x07.test\n")
    openssl("req", "-x509", "-new", "-nodes", "-newkey", "rsa:2048", "-utf8", "-subj",
            "/CN=a\x1b[31mb", "-config", tmp_path / "openssl.cnf", "-extensions", "e", "-days", "9",
            "-keyout", tmp_path / "k.key", "-out", tmp_path / "hostile.crt")
    (tmp_path / "k.key").unlink()
    for arguments in (["show", tmp_path, "--long"], ["verify", tmp_path / "hostile.crt"],
                      ["verify", tmp_path / "hostile.crt", "--host", "x"],
                      ["revoke", tmp_path / "hostile.crt"]):
        done = subprocess.run([binary(), "pki", *map(str, arguments)], cwd=tmp_path,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert b"\x1b" not in done.stdout and b"\x07" not in done.stdout, done.stdout
    assert "owned" in pki("show", tmp_path)


def test_show_survives_anything(tmp_path):
    (tmp_path / "empty.crt").write_text("")
    (tmp_path / "junk.crt").write_bytes(os.urandom(500))
    (tmp_path / "half.crt").write_text("-----BEGIN CERTIFICATE-----\nMIIB\n")
    for name in ("empty.crt", "junk.crt", "half.crt", "missing.crt"):
        out = pki("show", tmp_path / name, status=1)
        assert out.startswith("error: ") and name in out
        pki("verify", tmp_path / name, status=1)
    assert pki("show", tmp_path, status=1).count("error: ") == 3
    out = pki("show", "/dev/zero", status=1)
    assert "not a regular file" in out
    system = "/etc/ssl/certs/ca-certificates.crt"
    if os.path.exists(system):
        assert "authority" in pki("show", system)


def test_issue_renew_and_their_limits(tmp_path):
    pki("init", "--dir", tmp_path, "--intermediate-days", 400, *NAMES)
    out = pki("issue", "client", "--dir", tmp_path, status=1)
    assert "client.crt is there already" in out and "--name" in out
    pki("issue", "client", "--name", "bob", "--user", "bob", "--dir", tmp_path, "--key", "ed25519")
    pki("issue", "server", "--name", "standby", "--server-name", "standby.test", "--dir", tmp_path)
    strictly(tmp_path / "root.crt", tmp_path / "bob.crt", "sslclient")
    strictly(tmp_path / "root.crt", tmp_path / "standby.crt", "sslserver", "-verify_hostname",
             "standby.test")

    before = {name: (tmp_path / name).read_bytes() for name in ("server.crt", "server.key")}
    out = pki("renew", "server", "--days", 500, "--dir", tmp_path, status=1)
    assert "outlive" in out
    proposed = re.search(r"--days (\d+)", out)[1]
    assert proposed == "399"  # 400 is over when somebody has read it
    assert (tmp_path / "server.crt").read_bytes() == before["server.crt"]
    out = pki("renew", "server", "--days", proposed, "--server-name", "10.9.8.7", "--dir", tmp_path)
    assert (tmp_path / "server.key").read_bytes() == before["server.key"]
    strictly(tmp_path / "root.crt", tmp_path / "server.crt", "sslserver", "-verify_ip", "10.9.8.7")
    strictly(tmp_path / "root.crt", tmp_path / "server.crt", "sslserver", "-verify_hostname",
             "db.test")
    pki("renew", "server", "--new-key", "--dir", tmp_path)
    assert (tmp_path / "server.key").read_bytes() != before["server.key"]
    kept = {f.read_bytes() for f in tmp_path.glob("backup/*/server.key")}
    assert before["server.key"] in kept

    pki("renew", "root", "intermediate", "--days", 1000, "--dir", tmp_path)
    for name, purpose in (("server", "sslserver"), ("client", "sslclient"), ("bob", "sslclient"),
                          ("standby", "sslserver")):
        for trust in ("root.crt", "chain.crt"):
            strictly(tmp_path / trust, tmp_path / f"{name}.crt", purpose)
    pki("renew", "server", "--days", 999, "--dir", tmp_path)
    out = pki("renew", "server", "client", "--within", 500, "--dir", tmp_path)
    assert "Kept server: " in out and "Renewed client: " in out
    assert "keeps its key" in pki("renew", "root", "--new-key", "--dir", tmp_path, status=1)
    assert "missing.crt" in pki("renew", "missing", "--dir", tmp_path, status=1)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_renewal_keeps_the_owner(tmp_path):
    pki("init", "--dir", tmp_path)
    os.chown(tmp_path / "server.key", 65534, 65534)
    os.chown(tmp_path / "server.crt", 65534, 65534)
    pki("renew", "server", "--new-key", "--dir", tmp_path)
    for name in ("server.key", "server.crt"):
        status = os.stat(tmp_path / name)
        assert (status.st_uid, status.st_gid) == (65534, 65534)
    assert mode(tmp_path / "server.key") == 0o600


def test_revocation_lists(tmp_path):
    pki("init", "--dir", tmp_path, *NAMES)
    pki("crl", "--dir", tmp_path, "--days", 60)
    good = ["-crl_check_all", "-CRLfile", tmp_path / "chain.crl"]
    strictly(tmp_path / "chain.crt", tmp_path / "client.crt", "sslclient", *good)
    out = pki("revoke", tmp_path / "client.crt", "--dir", tmp_path, "--reason", "keyCompromise")
    assert "CN=kong" in out and "intermediate.crl: number 2, 1 revoked" in out
    out = strictly(tmp_path / "chain.crt", tmp_path / "client.crt", "sslclient", *good, status=2)
    assert "certificate revoked" in out
    strictly(tmp_path / "chain.crt", tmp_path / "server.crt", "sslserver", *good)
    for name in ("root", "intermediate"):
        out = openssl("crl", "-in", tmp_path / f"{name}.crl", "-CAfile", tmp_path / "chain.crt",
                      "-noout", "-text")
        assert "verify OK" in out and "Version 2" in out and "X509v3 CRL Number" in out
        assert "Next Update" in out
    out = openssl("crl", "-in", tmp_path / "intermediate.crl", "-noout", "-text")
    assert "Key Compromise" in out and serial(tmp_path / "client.crt") in out

    # The hashed directory has the names that openssl itself gives.
    ours = {f.name for f in (tmp_path / "crl").iterdir()}
    rehashed = tmp_path / "rehashed"
    rehashed.mkdir()
    for name in ("root", "intermediate"):
        shutil.copy(tmp_path / f"{name}.crl", rehashed / f"{name}.pem")
    openssl("rehash", rehashed)
    assert ours == {f.name for f in rehashed.iterdir() if f.is_symlink()}

    assert "revoked already" in pki("revoke", tmp_path / "client.crt", "--dir", tmp_path)
    pki("revoke", "--serial", serial(tmp_path / "server.crt").lower(), "--dir", tmp_path)
    out = pki("verify", tmp_path / "server.crt", "--crl", tmp_path / "crl", status=1)
    assert "has been revoked" in out and "--new-key" in out
    out = pki("verify", tmp_path / "server.crt", "--crl", tmp_path / "intermediate.crl", status=1)
    assert "every authority of the chain" in out or "revoked" in out
    assert "self-signed" in pki("revoke", tmp_path / "root.crt", "--dir", tmp_path, status=1)


def test_revocations_at_the_same_time_lose_nothing(tmp_path):
    pki("init", "--dir", tmp_path, "--chain", "root")
    wanted = [f"{0xA0 + i:X}" for i in range(10)]
    runs = [subprocess.Popen([binary(), "pki", "revoke", "--serial", one, "--dir", str(tmp_path)],
                             stdout=subprocess.DEVNULL) for one in wanted]
    assert [run.wait() for run in runs] == [0] * len(runs)
    text = openssl("crl", "-in", tmp_path / "root.crl", "-noout", "-text")
    assert set(re.findall(r"Serial Number: (\w+)", text)) == set(wanted)
    recorded = json.loads((tmp_path / "root.revoked.json").read_text())
    assert recorded["crl_number"] == len(wanted)
    assert {one["serial"] for one in recorded["revoked"]} == set(wanted)


def test_killed_revocations_lose_nothing(tmp_path):
    pki("init", "--dir", tmp_path, "--chain", "root")
    acknowledged, last_number = [], 0
    for i in range(12):
        one = f"{0xB0 + i:X}"
        run = subprocess.Popen([binary(), "pki", "revoke", "--serial", one, "--dir", str(tmp_path)],
                               stdout=subprocess.PIPE, text=True)
        time.sleep(0.01 * i)
        run.kill()
        out = run.communicate()[0]
        if "Revoked" in out:
            acknowledged.append(one)
    pki("crl", "--dir", tmp_path)
    text = openssl("crl", "-in", tmp_path / "root.crl", "-noout", "-text")
    assert set(acknowledged) <= set(re.findall(r"Serial Number: (\w+)", text))
    recorded = json.loads((tmp_path / "root.revoked.json").read_text())
    assert recorded["crl_number"] > last_number
    assert not list(tmp_path.glob("*.tmp"))


def test_verify_explains(tmp_path):
    pki("init", "--dir", tmp_path, *NAMES)
    out = pki("verify", tmp_path / "server.crt", "--host", "db.test", "--depth", 1, "--strict")
    assert out.splitlines()[-1].startswith("OK: ")
    out = pki("verify", tmp_path / "server.crt", "--host", "other.test", status=1)
    assert "is for localhost, db.test, 127.0.0.1, not for other.test" in out
    assert "--server-name other.test" in out
    out = pki("verify", tmp_path / "server.crt", "--depth", 0, status=1)
    assert "lua_ssl_verify_depth = 1" in out
    out = pki("verify", tmp_path / "server.crt", "--purpose", "client", status=1)
    assert "not for this use" in out
    leaf = tmp_path / "leaf.crt"
    openssl("x509", "-in", tmp_path / "server.crt", "-out", leaf)
    out = pki("verify", leaf, "--trusted", tmp_path / "root.crt", status=1)
    assert "neither trusted nor sent along" in out and "Append the intermediate" in out
    pki("verify", leaf, "--trusted", tmp_path / "root.crt", "--untrusted",
        tmp_path / "intermediate.crt")
    other = tmp_path / "other"
    pki("init", "--dir", other)
    out = pki("verify", tmp_path / "server.crt", "--trusted", other / "chain.crt", status=1)
    assert "remedy:" in out
    out = json.loads(pki("verify", tmp_path / "server.crt", "--host", "x.test", "--json", status=1))
    assert out["valid"] is False and out["error"] == 62 and len(out["chain"]) == 3


@pytest.mark.parametrize("chain", CHAINS)
def test_takes_over_what_the_tutorial_made(tmp_path, chain):
    tutorial(tmp_path, chain)
    shown = json.loads(pki("show", tmp_path, "--json"))
    by_file = {file: one for one in shown["certificates"] for file in one["files"]}
    ids = {file: {f["id"] for f in one["findings"]} for file, one in by_file.items()}
    if chain == "self-signed":
        assert {"leaf_is_ca", "cn_only"} <= ids["server.crt"]
        assert "leaf_is_ca" in ids["client.crt"]
    else:
        assert {"version_1", "cn_only"} <= ids["server.crt"]
        assert "version_1" in ids["client.crt"]
        assert "ca_without_key_usage" in ids["root.crt"]
    assert shown["errors"] == []
    text = pki("show", tmp_path)
    assert "! " in text and "[sallyport pki renew]" in text

    for_gateway, for_server = trust_of(tmp_path)
    # It works today, and strict verifiers say why it will not.
    pki("verify", tmp_path / "server.crt", "--host", "dbhost.yourdomain.com")
    if chain != "self-signed":
        out = pki("verify", tmp_path / "server.crt", "--strict", status=1)
        assert "remedy:" in out
        pki("revoke", tmp_path / "client.crt", "--dir", tmp_path)
        out = pki("verify", tmp_path / "client.crt", "--crl", tmp_path / "crl", status=1)
        assert "has been revoked" in out
        pki("issue", "client", "--name", "second", "--dir", tmp_path)
        strictly(for_server, tmp_path / "second.crt", "sslclient", status=None)

    keys = {f.name: f.read_bytes() for f in tmp_path.glob("*.key")}
    authorities = {"intermediate": ["root", "intermediate"], "root": ["root"], "self-signed": []}
    if authorities[chain]:
        out = pki("renew", *authorities[chain], "--dir", tmp_path)
        assert "no longer verifies" not in out
        # The leaves of version 1 still hang on the renewed authorities.
        openssl("verify", "-CAfile", for_gateway, "-untrusted", tmp_path / "server.crt",
                tmp_path / "server.crt")
    pki("renew", "server", "client", "--dir", tmp_path)
    strictly(for_gateway, tmp_path / "server.crt", "sslserver", "-verify_hostname",
             "dbhost.yourdomain.com")
    strictly(for_server, tmp_path / "client.crt", "sslclient")
    assert all((tmp_path / name).read_bytes() == content for name, content in keys.items()
               if name != "second.key")
    shown = json.loads(pki("show", tmp_path, "--json"))
    for one in shown["certificates"]:
        if one["files"][0] in ("server.crt", "client.crt", "root.crt", "intermediate.crt"):
            assert [f for f in one["findings"] if f["weight"] != "note"] == [], one
    if chain != "self-signed":
        pki("crl", "--dir", tmp_path)
        crl = ["-crl_check_all", "-CRLfile",
               tmp_path / ("chain.crl" if chain == "intermediate" else "root.crl")]
        strictly(for_server, tmp_path / "client.crt", "sslclient", *crl)


def test_help_tells_all(tmp_path):
    for part in ("", "init", "issue", "renew", "revoke", "crl", "show", "verify"):
        out = pki(*([part] if part else []), "--help", cwd=tmp_path)
        assert "Example" in out
        assert max(map(len, out.splitlines())) <= 120, part
    assert list(tmp_path.iterdir()) == []
