"""What test_doctor.py needs around the doctor: certificates with every fault, one PostgreSQL that
is set up anew for each scenario, and servers that are none. Loopback only, ports found free."""
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time

BIN = pathlib.Path("/usr/lib/postgresql/15/bin")
SSL_REQUEST = bytes([0, 0, 0, 8, 4, 210, 22, 47])


def must(*command, **options):
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, cwd="/", **options)
    assert done.returncode == 0, f"{command}\n{done.stdout}"
    return done.stdout


def as_postgres(*command):
    prefix = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    return must(*prefix, *command)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Authorities:
    """Certificates by `openssl ca`, which can date them at will. Paths: lab/NAME.crt, NAME.key."""

    SAN = "DNS:localhost,DNS:db.test,IP:127.0.0.1"

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(mode=0o755)
        (self.directory / "index.txt").touch()
        (self.directory / "crlnumber").write_text("01\n")

    def path(self, name):
        return self.directory / name

    def configuration(self, extensions=()):
        path = self.path("openssl.cnf")
        path.write_text(
            "[ca]\ndefault_ca = ours\n[ours]\n"
            f"database = {self.path('index.txt')}\nnew_certs_dir = {self.directory}\n"
            f"crlnumber = {self.path('crlnumber')}\nserial = {self.path('serial')}\n"
            "default_md = sha256\nunique_subject = no\nrand_serial = yes\n"
            "policy = any\n[any]\ncommonName = optional\norganizationName = optional\n"
            "[req]\ndistinguished_name = none\n[none]\n[ext]\n" + "\n".join(extensions) + "\n")
        return path

    def issue(self, name, subject, issuer=None, ca=False, san=None, usage=None, start=None,
              end=None, days=3650, key="EC"):
        extensions = [f"basicConstraints = critical,CA:{'TRUE' if ca else 'FALSE'}",
                      "subjectKeyIdentifier = hash", "authorityKeyIdentifier = keyid"]
        if ca:
            extensions.append("keyUsage = critical,keyCertSign,cRLSign")
        if san:
            extensions.append("subjectAltName = " + san)
        if usage:
            extensions.append("extendedKeyUsage = " + usage)
        configuration = self.configuration(extensions)
        options = {"EC": ["-pkeyopt", "ec_paramgen_curve:P-256"],
                   "RSA": ["-pkeyopt", "rsa_keygen_bits:2048"]}[key]
        key_path = self.path(name + ".key")
        must("openssl", "genpkey", "-algorithm", key, *options, "-out", key_path)
        key_path.chmod(0o600)
        request = self.path(name + ".csr")
        must("openssl", "req", "-new", "-config", configuration, "-key", key_path, "-subj",
             subject, "-out", request)
        dates = (["-startdate", start, "-enddate", end] if start else ["-days", str(days)])
        signer = (["-cert", self.path(issuer + ".crt"), "-keyfile", self.path(issuer + ".key")]
                  if issuer else ["-selfsign", "-keyfile", key_path])
        must("openssl", "ca", "-batch", "-notext", "-preserveDN", "-config",
             configuration, "-extensions", "ext", "-in", request, "-out",
             self.path(name + ".crt"), *dates, *signer)

    def join(self, name, *parts):
        self.path(name).write_text("".join(self.path(part).read_text() for part in parts))

    def crl(self, name, issuer, revoked=(), last=None, following=None):
        lines = []
        for one in revoked:
            serial = must("openssl", "x509", "-in", self.path(one + ".crt"), "-noout", "-serial")
            lines.append("R\t491231235959Z\t240601000000Z\t" + serial.strip().split("=")[1] +
                         "\tunknown\t/CN=x\n")
        self.path("index.txt").write_text("".join(lines))
        dates = (["-crl_lastupdate", last, "-crl_nextupdate", following] if last
                 else ["-crldays", "365"])
        must("openssl", "ca", "-gencrl", "-config", self.configuration(), "-cert",
             self.path(issuer + ".crt"), "-keyfile", self.path(issuer + ".key"), "-out",
             self.path(name), *dates)
        self.path("index.txt").write_text("")


def build_authorities(directory):
    lab = Authorities(directory)
    past = dict(start="20200101000000Z", end="20210101000000Z")
    future = dict(start="20450101000000Z", end="20491231000000Z")
    lab.issue("root", "/O=lab/CN=lab root", ca=True)
    lab.issue("other", "/O=lab/CN=other root", ca=True)
    for name, issuer in (("int1", "root"), ("int2", "int1")):
        lab.issue(name, f"/O=lab/CN={name}", issuer, ca=True)
    server = dict(subject="/CN=db.test", san=lab.SAN)
    lab.issue("server", issuer="root", **server)
    lab.issue("stranger", issuer="other", **server)
    lab.issue("expired", issuer="root", **server, **past)
    lab.issue("future", issuer="root", **server, **future)
    lab.issue("soon", issuer="root", **server, days=10)
    lab.issue("named", "/CN=elsewhere.test", "root", san="DNS:elsewhere.test,DNS:also.test")
    lab.issue("revoked", issuer="root", **server)
    lab.issue("for_clients", issuer="root", **server, usage="clientAuth")
    lab.issue("leaf1", issuer="int1", **server)
    lab.issue("leaf2", issuer="int2", **server)
    lab.join("deep.crt", "leaf2.crt", "int2.crt", "int1.crt")
    shutil.copy2(lab.path("leaf2.key"), lab.path("deep.key"))
    lab.issue("kong", "/CN=kong", "root")
    lab.issue("gateway", "/CN=gateway", "root")
    lab.issue("kong_other", "/CN=kong", "other")
    lab.issue("kong_expired", "/CN=kong", "root", **past)
    lab.issue("kong_revoked", "/CN=kong", "root")
    lab.issue("kong_int1", "/CN=kong", "int1")
    lab.issue("kong_serves", "/CN=kong", "root", usage="serverAuth")
    must("openssl", "pkey", "-in", lab.path("kong.key"), "-aes-256-cbc", "-passout",
         "pass:secret", "-out", lab.path("encrypted.key"))
    must("openssl", "x509", "-in", lab.path("kong.crt"), "-outform", "der", "-out",
         lab.path("kong.der"))
    shutil.copy2(lab.path("kong.key"), lab.path("open.key"))
    lab.path("encrypted.key").chmod(0o600)
    lab.path("open.key").chmod(0o644)
    lab.path("empty.pem").touch()
    lab.crl("root.crl", "root", ["revoked", "kong_revoked"])
    lab.crl("old.crl", "root", last="20200101000000Z", following="20210101000000Z")
    return lab


class Database:
    """One PostgreSQL 15; setup() gives it other files, settings and access rules."""

    BASE = ("fsync = off\nshared_buffers = 16MB\nmax_connections = 20\nautovacuum = off\n"
            "max_wal_senders = 0\nwal_level = minimal\n")

    def __init__(self, directory, lab):
        self.root, self.lab, self.port = pathlib.Path(directory), lab, free_port()
        self.root.mkdir(mode=0o755)
        self.data = self.root / "data"
        if os.getuid() == 0:
            shutil.chown(self.root, "postgres")
        as_postgres(BIN / "initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E",
                    "UTF8", "--no-locale", "-N")
        self.write(self.root / "data" / "pg_hba.conf", "local all all trust\n")
        self.configure({})
        as_postgres(BIN / "pg_ctl", "-D", self.data, "-w", "-l", self.root / "log", "start")
        self.sql("create role kong login password 'kongpass'")
        self.sql("create database kong owner kong")
        self.sql("create role sleeper password 'kongpass'")
        self.sql("create role master superuser login password 'kongpass'")
        self.sql("create role crowd login password 'kongpass' connection limit 0")
        self.sql("create role guest login password 'kongpass'")
        self.sql("create database closed")
        self.sql("revoke connect on database closed from public")

    def write(self, path, text):
        path.write_text(text)
        if os.getuid() == 0:
            shutil.chown(path, "postgres")

    def configure(self, settings):
        lines = [f"{name} = '{value}'" for name, value in settings.items()]
        self.write(self.data / "postgresql.conf",
                   self.BASE + f"port = {self.port}\nlisten_addresses = '127.0.0.1'\n"
                   f"unix_socket_directories = '{self.root}'\n" + "\n".join(lines) + "\n")

    def place(self, name, source):
        self.write(self.data / name, self.lab.path(source).read_text())
        (self.data / name).chmod(0o600)

    def setup(self, server="server", ca=None, crl=None, hba="hostssl all all all scram-sha-256",
              ident="", chain=None, **settings):
        wanted = {"ssl": "on", **settings}
        self.place("server.crt", chain or server + ".crt")
        self.place("server.key", server + ".key")
        if ca:
            self.place("ca.crt", ca)
            wanted["ssl_ca_file"] = "ca.crt"
        if crl:
            self.place("ca.crl", crl)
            wanted["ssl_crl_file"] = "ca.crl"
        self.configure(wanted)
        self.write(self.data / "pg_hba.conf", f"local all all trust\n{hba}\n")
        self.write(self.data / "pg_ident.conf", ident + "\n")
        before = self.sql("select pg_conf_load_time()")
        as_postgres(BIN / "pg_ctl", "-D", self.data, "reload")
        deadline = time.time() + 10
        while self.sql("select pg_conf_load_time()") == before:
            assert time.time() < deadline, "the server does not reload"
            time.sleep(0.02)
        return self

    def sql(self, statement, database="postgres"):
        return as_postgres("psql", "-X", "-At", "-v", "ON_ERROR_STOP=1", "-h", self.root, "-p",
                           self.port, "-U", "postgres", "-d", database, "-c", statement).strip()

    def stop(self):
        as_postgres(BIN / "pg_ctl", "-D", self.data, "-m", "immediate", "-w", "stop")


class Impostor:
    """A server that is none: runs `behave(socket)` for every connection; heard[] is what came."""

    def __init__(self, behave):
        self.behave, self.heard = behave, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.one, args=(client,), daemon=True).start()

    def one(self, client):
        client.settimeout(10)
        try:
            with client:
                self.behave(self, client)
        except OSError:
            pass

    def request(self, client):
        self.heard.append(client.recv(8, socket.MSG_WAITALL))

    def close(self):
        # A blocked accept() keeps the port open until it is woken.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def answering(data):
    def behave(impostor, client):
        impostor.request(client)
        client.sendall(data)
        client.settimeout(1)
        impostor.heard.append(client.recv(64))
    return behave


def silent(impostor, client):
    impostor.request(client)
    client.recv(1)


def hanging_up_in_the_handshake(impostor, client):
    impostor.request(client)
    client.sendall(b"S")
    client.recv(5)


def speaking_tls(lab, certificate):
    """TLS with that certificate; what comes after the handshake is heard."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(lab.path(certificate + ".crt"), lab.path(certificate + ".key"))

    def behave(impostor, client):
        impostor.request(client)
        client.sendall(b"S")
        with context.wrap_socket(client, server_side=True) as session:
            impostor.heard.append(session.recv(64))
    return behave


def readable(text):
    return re.sub(r"\x1b\[[0-9;]*m", "", text)
