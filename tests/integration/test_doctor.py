"""The doctor against a real PostgreSQL 15 in every state that it should recognise."""
import dataclasses
import datetime
import json
import os
import pathlib
import pty
import re
import subprocess
import time

import pytest

from cluster import PASSWORD, free_port
from doctor_lab import Database, Lab
from fake_server import SSL_REQUEST, FakeServer

SALLYPORT = os.environ.get("SALLYPORT",
                           str(pathlib.Path(__file__).parents[2] / "build/dev/sallyport"))


@pytest.fixture(scope="module")
def lab(workspace):
    ten_days = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=10, hours=12)
    return Lab(os.path.join(workspace, "doctor"), soon=ten_days.strftime("%Y%m%d%H%M%SZ"))


@pytest.fixture(scope="module")
def database(clusters, lab):
    server = Database(clusters, lab)
    yield server
    server.cluster.stop()


@dataclasses.dataclass
class Answer:
    code: int
    report: dict
    seconds: float

    @property
    def conclusion(self):
        return self.report["conclusion"]

    def of(self, check, verdict=None):
        """The findings of a check, of one verdict."""
        return [finding for finding in self.report["findings"] if finding["check"] == check and
                verdict in (None, finding["verdict"])]

    def one(self, check, verdict):
        found = self.of(check, verdict)
        assert found, (check, verdict, self.of(check))
        return found[0]


class Doctor:
    def __init__(self, lab, database):
        self.work, self.lab, self.port = pathlib.Path(lab.directory), lab, database.port
        self.hosts = self.work / "hosts"
        self.hosts.write_text("127.0.0.1 localhost db.test a.db.test\n")

    def file(self, **settings):
        values = {"pg_host": "db.test", "pg_port": self.port, "pg_user": "kong",
                  "pg_password": PASSWORD, "pg_database": "kong", "pg_ssl": "on",
                  "pg_ssl_required": "on", "pg_ssl_verify": "on", "pg_ssl_version": "any",
                  "lua_ssl_trusted_certificate": self.lab.root.cert,
                  "dns_hostsfile": self.hosts}
        values.update(settings)
        path = self.work / "kong.conf"
        path.write_text("".join(f"{name} = {value}\n" for name, value in values.items()
                                if value is not None))
        path.chmod(0o600)
        return path

    def client(self, name, key=None):
        return {"pg_ssl_cert": self.lab[name].cert,
                "pg_ssl_cert_key": self.lab.file((key or name) + ".key")}

    def ask(self, *options, **settings):
        start = time.monotonic()
        done = subprocess.run([SALLYPORT, "doctor", "-c", self.file(**settings), "--json",
                               *options], capture_output=True, text=True, timeout=60)
        seconds = time.monotonic() - start
        assert done.stderr == "", done.stderr
        assert PASSWORD not in done.stdout
        answer = Answer(done.returncode, json.loads(done.stdout), seconds)
        assert answer.report["exit_code"] == done.returncode
        # Nothing fails on an open link; on any other, something does, and the conclusion names it.
        failures = answer.report["summary"]["fail"]
        assert (failures == 0) == (done.returncode == 0)
        assert (answer.conclusion is None) == (done.returncode == 0)
        return answer


@pytest.fixture(scope="module")
def doctor(lab, database):
    return Doctor(lab, database)


def concludes(answer, check, remedy, code=1):
    """Not connected, for the reason and with the remedy that are expected, stated by its check."""
    assert answer.code == code, answer.conclusion
    assert answer.conclusion["check"] == check, answer.conclusion
    assert re.search(remedy, answer.conclusion["remedy"]), answer.conclusion
    assert answer.conclusion["cause"]
    return answer.one(check, "fail")


# --- good links

def test_a_good_link(database, doctor):
    database.setup()
    answer = doctor.ask()
    assert answer.code == 0 and answer.report["connected"] and answer.report["encrypted"]
    for check in ("name.resolve", "net.connect", "tls.answer", "tls.handshake", "tls.version",
                  "chain.trust", "chain.depth", "tls.host_name", "link.open", "link.encrypted",
                  "auth.method", "server.sees_tls", "server.clock", "db.schema", "db.writable"):
        assert answer.one(check, "ok")
    chain = answer.report["chains"][0]["certificates"]
    assert [line["name"] for line in chain] == ["root", "db.test"]
    assert answer.one("db.migrations", "warn")["remedy"].startswith("sallyport migrations boots")
    subprocess.run([SALLYPORT, "migrations", "bootstrap", "-c", doctor.file()], check=True,
                   stdout=subprocess.DEVNULL)
    assert "executed" in doctor.ask().one("db.migrations", "ok")["evidence"]


def test_a_good_mutual_link(database, doctor):
    database.setup(ca="root.crt", hba="hostssl all all all cert")
    answer = doctor.ask(pg_password=None, **doctor.client("kong"))
    assert answer.code == 0
    assert "root" in answer.one("client_cert.requested", "ok")["evidence"]
    assert "CN=kong" in answer.one("client_cert.accepted", "ok")["evidence"]
    assert answer.one("file.client_cert.name", "ok")
    assert answer.one("file.client_key.match", "ok")


# --- what misleads

@pytest.mark.parametrize("version", ["tlsv1_2", "tlsv1_3"])
def test_wrong_name_behind_a_password_error(database, doctor, version):
    database.setup(ca="root.crt", hba="hostssl all all all scram-sha-256 clientcert=verify-full")
    answer = doctor.ask(pg_ssl_version=version, **doctor.client("gateway"))
    finding = concludes(answer, "auth.certificate_name", "CN = kong")
    assert "misleads" in finding["cause"] and '"gateway"' in finding["cause"]
    assert 'password authentication failed for user "kong"' in finding["evidence"]


@pytest.mark.parametrize("version", ["tlsv1_2", "tlsv1_3"])
@pytest.mark.parametrize("certificate, cause, remedy", [
    ("kong_other", "ssl_ca_file lacks the issuer", "ssl_ca_file"),
    ("kong_int1", "intermediate", "append the intermediate"),
    ("kong_expired", "expired", "renew the client certificate"),
    ("kong_revoked", "revoked", "issue a new certificate"),
    ("kong_serves", "not made for TLS clients", "clientAuth"),
])
def test_a_refused_client_certificate(database, doctor, version, certificate, cause, remedy):
    database.setup(ca="root.crt", crl="root.crl", hba="hostssl all all all cert")
    answer = doctor.ask(pg_password=None, pg_ssl_version=version, **doctor.client(certificate))
    finding = concludes(answer, "client_cert.accepted", remedy)
    assert cause in finding["cause"]


def test_an_outdated_crl_on_the_server_is_not_the_clients_fault(database, doctor):
    database.setup(ca="root.crt", crl="old.crl", hba="hostssl all all all cert")
    answer = doctor.ask(pg_password=None, **doctor.client("kong"))
    finding = concludes(answer, "client_cert.accepted", "CRL")
    assert "has not expired" in finding["cause"]


# --- what pg_hba.conf says

@pytest.mark.parametrize("hba, settings, remedy", [
    ("hostnossl all all all scram-sha-256", {}, "hostssl kong kong ADDRESS/32"),
    ("hostssl all all all reject", {}, "put before it"),
    ("hostssl all all all scram-sha-256", {"pg_ssl": "off"}, "set pg_ssl = on"),
])
def test_access_rules(database, doctor, hba, settings, remedy):
    database.setup(hba=hba)
    concludes(doctor.ask(**settings), "auth.hba", remedy)


def test_a_server_without_tls(database, doctor):
    database.setup(ssl="off", hba="host all all all scram-sha-256")
    concludes(doctor.ask(), "tls.answer", "ssl = on")
    answer = doctor.ask(pg_ssl_required="off")
    assert answer.code == 0 and not answer.report["encrypted"]
    assert answer.one("link.encrypted", "warn") and answer.one("conf.plain_fallback", "warn")
    database.setup(ssl="off")
    concludes(doctor.ask(pg_ssl_required="off"), "auth.hba", "set ssl = on in postgresql.conf")


def test_certificates_are_demanded(database, doctor):
    database.setup(ca="root.crt", hba="hostssl all all all cert")
    concludes(doctor.ask(pg_password=None), "auth.certificate", "set pg_ssl_cert and pg_ssl_cert_key")
    database.setup(hba="hostssl all all all cert")
    answer = doctor.ask(pg_password=None, **doctor.client("kong"))
    concludes(answer, "auth.certificate", "set ssl_ca_file")
    assert "ssl_ca_file" in answer.one("client_cert.requested", "warn")["remedy"]


def test_names_and_roles(database, doctor):
    database.setup(ca="root.crt", hba="hostssl all all all cert")
    answer = doctor.ask(pg_password=None, **doctor.client("gateway"))
    concludes(answer, "auth.certificate_name", "CN = kong")
    assert answer.one("file.client_cert.name", "warn")
    database.setup(ca="root.crt", hba="hostssl all all all cert map=gw", ident="gw somebody kong")
    answer = doctor.ask(pg_password=None, **doctor.client("kong"))
    assert "map=" in concludes(answer, "auth.certificate_name", "pg_ident.conf")["cause"]


@pytest.mark.parametrize("settings, check, remedy", [
    ({"pg_password": "wrong"}, "auth.password", "set pg_password"),
    ({"pg_password": None}, "auth.password", "set pg_password"),
    ({"pg_user": "nobody_here"}, "auth.password", "alter role"),
    ({"pg_user": "sleeper"}, "auth.role", "alter role \"sleeper\" login"),
    ({"pg_user": "crowd"}, "link.capacity", "connection limit"),
    ({"pg_database": "nowhere"}, "auth.database", "create database \"nowhere\""),
    ({"pg_database": "closed"}, "auth.database", "grant connect"),
])
def test_logins(database, doctor, settings, check, remedy):
    database.setup()
    concludes(doctor.ask(**settings), check, remedy)


def test_a_role_that_does_not_exist_is_named_when_the_server_tells(database, doctor):
    database.setup(hba="hostssl all all all trust")
    concludes(doctor.ask(pg_user="nobody_here"), "auth.role", "create role \"nobody_here\"")
    assert "trust" in doctor.ask().one("auth.method", "warn")["cause"]


# --- the server's certificate

@pytest.mark.parametrize("server, check, remedy", [
    ("stranger", "chain.trust", "lua_ssl_trusted_certificate"),
    ("expired", "chain.validity", "renew"),
    ("future", "chain.validity", "clocks"),
    ("for_clients", "chain.purpose", "serverAuth"),
    ("leaf1", "chain.trust", "append its certificate to server.crt"),
    ("named", "tls.host_name", "set pg_host = elsewhere.test"),
])
def test_server_certificates(database, doctor, server, check, remedy):
    database.setup(server=server)
    finding = concludes(doctor.ask(), check, remedy)
    if server == "named":
        assert 'server certificate for "elsewhere.test" (and 1 other name) does not match host ' \
               'name "db.test"' in finding["evidence"]
    # The same server, not verified: the link works, and the fault is still told.
    answer = doctor.ask(pg_ssl_verify="off")
    assert answer.code == 0
    assert answer.one(check, "warn") and answer.one("conf.verification", "warn")


def test_depth(database, doctor):
    database.setup(server="deep")
    answer = doctor.ask(lua_ssl_verify_depth="1")
    concludes(answer, "chain.depth", "^set lua_ssl_verify_depth = 2$")
    assert answer.one("chain.trust", "ok")
    assert doctor.ask(lua_ssl_verify_depth="2").code == 0


def test_an_intermediate_alone_is_no_anchor(database, doctor, lab):
    database.setup(server="deep")
    answer = doctor.ask(lua_ssl_trusted_certificate=lab.int1.cert, lua_ssl_verify_depth="3")
    assert answer.code == 1
    assert "root" in answer.one("file.trusted.anchors", "fail")["remedy"]


def test_expiry_is_announced(database, doctor):
    database.setup(server="soon")
    answer = doctor.ask()
    assert answer.code == 0
    assert re.search(r"\b(9|10) days left", answer.one("chain.validity", "warn")["evidence"])


def test_revocation(database, doctor, lab):
    database.setup(server="revoked")
    assert doctor.ask().code == 0
    answer = doctor.ask(pg_ssl_crl=lab.file("root.crl"))
    assert "revoked" in concludes(answer, "chain.revocation", "new certificate")["evidence"]
    database.setup()
    answer = doctor.ask(pg_ssl_crl=lab.file("old.crl"))
    concludes(answer, "chain.revocation", "CRL")
    assert "expired" in answer.one("file.crl.currency", "fail")["cause"]
    database.setup(server="deep")
    answer = doctor.ask(pg_ssl_crl=lab.file("root.crl"), lua_ssl_verify_depth="2")
    concludes(answer, "chain.revocation", "CRL of every CA")


def test_tls_versions(database, doctor):
    database.setup(ssl_max_protocol_version="TLSv1.2")
    answer = doctor.ask(pg_ssl_version="tlsv1_3")
    finding = concludes(answer, "tls.version", "pg_ssl_version = any")
    assert "offers TLSv1.2;" in finding["evidence"]
    database.setup(ssl_min_protocol_version="TLSv1.3")
    concludes(doctor.ask(pg_ssl_version="tlsv1_2"), "tls.version", "pg_ssl_version = tlsv1_3")
    database.setup()
    assert "TLS 1.3" in doctor.ask(pg_ssl_version="tlsv1_2").one("tls.version", "warn")["cause"]


# --- files and settings: exit code 2

@pytest.mark.parametrize("settings, check, remedy", [
    (("kong", "open"), "file.client_key.mode", "chmod 0600"),
    (("kong", "gateway"), "file.client_key.match", "openssl x509"),
    (("kong", "encrypted"), "file.client_key.encrypted", "openssl pkey"),
    (("kong", "missing"), "file.client_key", "pg_ssl_cert_key"),
    ({"pg_ssl_cert": "missing.crt", "pg_ssl_cert_key": "kong.key"}, "file.client_cert",
     "pg_ssl_cert"),
    ({"pg_ssl_cert": "kong.der", "pg_ssl_cert_key": "kong.key"}, "file.client_cert",
     "openssl x509 -inform der"),
    ({"lua_ssl_trusted_certificate": "missing.crt"}, "file.trusted", "right path"),
    ({"lua_ssl_trusted_certificate": "empty.pem"}, "file.trusted", "as PEM"),
    ({"lua_ssl_trusted_certificate": "kong.der"}, "file.trusted", "openssl x509 -inform der"),
    ({"pg_ssl_crl": "missing.crl"}, "file.crl", "right path"),
])
def test_files(database, doctor, lab, settings, check, remedy):
    database.setup(ca="root.crt", hba="hostssl all all all cert")
    if isinstance(settings, tuple):
        settings = doctor.client(*settings)
    else:
        settings = {name: lab.file(file) for name, file in settings.items()}
    answer = doctor.ask(**settings)
    concludes(answer, check, remedy, code=2)
    # A wrong file does not keep it from looking at the server.
    assert answer.one("tls.handshake", "ok")
    assert answer.one("tls.host_name", "ok")


@pytest.mark.parametrize("settings, words", [
    ({"pg_ssl": "yes"}, "pg_ssl"),
    ({"pg_ssl_version": "tlsv1"}, "pg_ssl_version"),
    ({"pg_prot": "5432"}, "pg_port"),
])
def test_settings(database, doctor, settings, words):
    answer = doctor.ask(**settings)
    finding = concludes(answer, "conf.read", r"edit line \d+ of", code=2)
    assert words in finding["evidence"]


def test_the_password_file_is_not_for_everybody(database, doctor):
    database.setup()
    path = doctor.file()
    path.chmod(0o644)
    done = subprocess.run([SALLYPORT, "doctor", "-c", path], capture_output=True, text=True)
    assert "WARN conf.file_mode" in done.stdout
    assert f"chmod o-rwx {path}" in done.stdout


# --- servers that are none

@pytest.mark.parametrize("answer, check, remedy, words", [
    (b"HTTP/1.1 400 Bad Request\r\n\r\n", "tls.answer", "pg_port", "web server"),
    (b"SSH-2.0-OpenSSH_9.2\r\n", "tls.injection", "pg_port", "SSH server"),
    (b"Ztrange", "tls.answer", "pg_port", "not PostgreSQL"),
    (b"Esorry, too many clients already\0", "tls.answer", "max_connections", "withholds"),
    (b"SRinjected", "tls.injection", "do not use", "attack"),
    (b"", "tls.answer", "pg_host", "hangs up"),
    (b"S", "tls.handshake", "openssl s_client", "cut"),
])
def test_impostors(doctor, answer, check, remedy, words):
    with FakeServer(answer=answer) as impostor:
        said = doctor.ask(pg_port=impostor.port)
        assert words in concludes(said, check, remedy)["cause"]
        assert said.seconds < 15 and not impostor.leaks()


def test_a_silent_server_takes_bounded_time(doctor):
    with FakeServer(answer=None) as impostor:
        answer = doctor.ask(pg_port=impostor.port, pg_timeout=60000)
    assert "timeout" in concludes(answer, "tls.answer", "pg_port")["evidence"]
    assert answer.seconds < 20


def test_silence_in_the_handshake_takes_bounded_time(doctor):
    with FakeServer(answer=b"S", hold=True) as impostor:
        answer = doctor.ask(pg_port=impostor.port, pg_timeout=60000)
    assert "timeout" in concludes(answer, "tls.handshake", "openssl s_client")["evidence"]
    assert answer.seconds < 20


def test_a_closed_port(doctor):
    answer = doctor.ask(pg_port=free_port())
    assert "Connection refused" in concludes(answer, "net.connect", "listen_addresses")["evidence"]


def test_a_name_that_leads_nowhere(doctor):
    answer = doctor.ask(pg_host="no-such-host.invalid")
    concludes(answer, "name.resolve", "getent hosts no-such-host.invalid")
    assert answer.seconds < 15


@pytest.mark.parametrize("certificate, check", [("stranger", "chain.trust"), ("named", "tls.host_name")])
def test_an_unverified_server_hears_nothing(doctor, lab, certificate, check):
    with FakeServer(certificate=lab[certificate], client_ca=lab.root.cert) as impostor:
        # It asks for a client certificate: neither that nor a name nor a password reaches it.
        answer = doctor.ask(pg_port=impostor.port, **doctor.client("kong"))
        assert answer.conclusion["check"] == check
        assert answer.one("client_cert.requested", "ok")
        assert "sslrequest" in impostor.events and not impostor.leaks()
        assert impostor.raw.startswith(SSL_REQUEST)


# --- several hosts, the read-only link, rights

def test_several_hosts(database, doctor):
    database.setup()
    answer = doctor.ask(pg_host="no-such-host.invalid, a.db.test, db.test")
    assert answer.code == 0
    assert answer.one("name.resolve", "warn")["subject"] == "no-such-host.invalid"
    assert answer.one("tls.host_name", "warn")["subject"] == "a.db.test"
    assert answer.one("link.open", "ok")["subject"].startswith("db.test")


def test_the_read_only_link(database, doctor):
    database.setup()
    answer = doctor.ask("--read-only", pg_ro_host="db.test", pg_ro_user="master", pg_host="nowhere")
    assert answer.code == 0
    assert answer.report["link"].startswith("master@db.test")
    answer = doctor.ask("--read-only", pg_ro_host="db.test", pg_ro_password="wrong")
    concludes(answer, "auth.password", "pg_ro_password")


def test_a_superuser_sees_the_access_rules(database, doctor):
    database.setup(hba="hostssl kong kong all scram-sha-256\nhost all all all scram-sha-256")
    answer = doctor.ask(pg_user="master")
    assert answer.code == 0
    assert "superuser" in answer.one("auth.role", "warn")["evidence"]
    assert "hostssl" in answer.one("server.hba_rules", "warn")["remedy"]
    assert doctor.ask().of("server.hba_rules", "skipped")


def test_a_role_without_rights_in_the_schema(database, doctor):
    database.setup()
    answer = doctor.ask(pg_user="guest")
    assert answer.code == 0
    assert "grant create on schema" in answer.one("db.schema", "warn")["remedy"]
    answer = doctor.ask(pg_schema="nowhere")
    assert "create schema \"nowhere\"" in json.dumps(answer.report).replace('\\"', '"')


# --- how it is said

def test_a_pipe_gets_plain_text(database, doctor):
    database.setup()
    done = subprocess.run([SALLYPORT, "doctor", "-c", doctor.file()], capture_output=True)
    assert done.returncode == 0
    assert b"\x1b" not in done.stdout and all(byte < 128 for byte in done.stdout)
    assert b"CONNECTED as demanded" in done.stdout
    assert b"`- db.test" in done.stdout


def on_a_terminal(command, **environment):
    main, other = pty.openpty()
    process = subprocess.Popen(command, stdout=other, stderr=other,
                               env={**os.environ, "LANG": "C.UTF-8", **environment})
    os.close(other)
    heard = b""
    while True:
        try:
            piece = os.read(main, 65536)
        except OSError:  # EIO: the other end is closed
            break
        if not piece:
            break
        heard += piece
    process.wait(30)
    os.close(main)
    return heard.decode()


def test_a_terminal_gets_colour_and_pictures(database, doctor):
    database.setup()
    command = [SALLYPORT, "doctor", "-c", doctor.file()]
    shown = on_a_terminal(command, TERM="xterm", NO_COLOR="")
    assert "\x1b[" in shown and "└─" in shown
    assert "\x1b[" not in on_a_terminal(command, TERM="xterm", NO_COLOR="1")


def said(*options):
    return subprocess.run([SALLYPORT, "doctor", *options], capture_output=True, text=True,
                          check=True).stdout


def test_explanations():
    page = said("--explain", "tls.host_name")
    assert page.startswith("tls.host_name") and "pg_ssl_verify_host" in page
    listed = said("--explain", "list")
    for check in ("conf.read", "file.client_key.mode", "chain.depth", "server.clock"):
        assert check in listed
    unknown = subprocess.run([SALLYPORT, "doctor", "--explain", "no.such"], capture_output=True)
    assert unknown.returncode == 1
