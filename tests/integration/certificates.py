"""Certificates for tests, made with the openssl command: an authority that issues, revokes, lists.

    root = Authority(directory, "root")
    server = root.issue("server", san="DNS:localhost,IP:127.0.0.1")
    server.cert, server.key          # paths; keys are ECDSA P-256 with mode 0600
    root.revoke(server); root.crl("root.crl")
"""
import os
import subprocess

CONFIG = """
[ca]
default_ca = d
[d]
dir = {dir}
database = {dir}/index.txt
serial = {dir}/serial
crlnumber = {dir}/crlnumber
new_certs_dir = {dir}
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = optional
organizationName = optional
[req]
distinguished_name = names
[names]
[extensions]
{extensions}
"""


def openssl(*arguments):
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, f"openssl {' '.join(arguments)}\n{done.stderr}"
    return done.stdout


def concatenate(target, *sources):
    with open(target, "w") as out:
        for source in sources:
            out.write(open(source).read())
    return target


class Certificate:
    """Paths of a certificate and its key; a copy with more certificates appended is with_chain()."""

    def __init__(self, cert, key):
        self.cert, self.key = cert, key

    def with_chain(self, name, *certificates):
        path = os.path.join(os.path.dirname(self.cert), name + ".crt")
        return Certificate(concatenate(path, self.cert, *(c.cert for c in certificates)), self.key)

    def der(self):
        return subprocess.run(["openssl", "x509", "-in", self.cert, "-outform", "DER"],
                              capture_output=True, check=True).stdout


class Authority(Certificate):
    def __init__(self, directory, name, issuer=None, **options):
        os.makedirs(directory, exist_ok=True)
        self.directory = directory
        self.state = os.path.join(directory, name + ".ca")
        os.makedirs(self.state)
        for file, content in (("index.txt", ""), ("index.txt.attr", "unique_subject = no\n"),
                              ("serial", "1000\n"), ("crlnumber", "01\n")):
            with open(os.path.join(self.state, file), "w") as out:
                out.write(content)
        super().__init__(os.path.join(directory, name + ".crt"), os.path.join(directory, name + ".key"))
        made = (issuer or self).issue(name, ca=True, self_signed=issuer is None, **options)
        assert made.cert == self.cert

    def issue(self, name, cn=None, san=None, ca=False, eku=None, start="20240101000000Z",
              end="20491231235959Z", self_signed=False):
        """cn defaults to the name; "" leaves the subject without one."""
        extensions = ["basicConstraints = critical,CA:" + ("TRUE" if ca else "FALSE")]
        if ca:
            extensions.append("keyUsage = critical,keyCertSign,cRLSign")
        extensions += ["subjectKeyIdentifier = hash", "authorityKeyIdentifier = keyid"]
        if san:
            extensions.append("subjectAltName = " + san)
        if eku:
            extensions.append("extendedKeyUsage = " + eku)
        config = self._config("\n".join(extensions))
        base = os.path.join(self.directory, name)
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", base + ".key")
        os.chmod(base + ".key", 0o600)
        subject = "/O=sallyport test" + ("" if cn == "" else "/CN=" + (cn or name))
        openssl("req", "-new", "-utf8", "-config", config, "-key", base + ".key", "-subj", subject,
                "-out", base + ".csr")
        signer = ["-selfsign", "-keyfile", base + ".key"] if self_signed else [
            "-cert", self.cert, "-keyfile", self.key]
        openssl("ca", "-batch", "-notext", "-utf8", "-preserveDN", "-config", config, "-extensions",
                "extensions", "-in", base + ".csr", "-out", base + ".crt", "-startdate", start,
                "-enddate", end, *signer)
        os.unlink(base + ".csr")
        return Certificate(base + ".crt", base + ".key")

    def revoke(self, certificate):
        openssl("ca", "-config", self._config(""), "-cert", self.cert, "-keyfile", self.key,
                "-revoke", certificate.cert)

    def crl(self, name, expired=False):
        path = os.path.join(self.directory, name)
        dates = ["-crl_lastupdate", "20200101000000Z", "-crl_nextupdate", "20210101000000Z"]
        openssl("ca", "-gencrl", "-config", self._config(""), "-cert", self.cert, "-keyfile", self.key,
                "-out", path, *(dates if expired else ["-crldays", "30"]))
        return path

    def _config(self, extensions):
        path = os.path.join(self.state, "openssl.cnf")
        with open(path, "w") as out:
            out.write(CONFIG.format(dir=self.state, extensions=extensions))
        return path
