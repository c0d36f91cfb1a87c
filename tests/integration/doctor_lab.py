"""What test_doctor.py needs on top of the shared fixtures: certificates with every fault, and one
PostgreSQL that is set up anew for each scenario."""
import os
import shutil

from certificates import Authority, Certificate, openssl
from cluster import give_to_postgres, wait_until

PAST = dict(start="20200101000000Z", end="20210101000000Z")
FUTURE = dict(start="20450101000000Z", end="20491231000000Z")
SAN = "DNS:localhost,DNS:db.test,IP:127.0.0.1"


class Lab:
    """lab["server"] is a Certificate, lab.file("root.crl") a path."""

    def __init__(self, directory, soon):
        self.directory = directory
        self.root = Authority(directory, "root")
        self.other = Authority(directory, "other")
        self.int1 = Authority(directory, "int1", issuer=self.root)
        self.int2 = Authority(directory, "int2", issuer=self.int1)
        self.made = {}
        for name, issuer, options in (
                ("server", self.root, {}), ("stranger", self.other, {}),
                ("expired", self.root, PAST), ("future", self.root, FUTURE),
                ("soon", self.root, dict(end=soon)), ("revoked", self.root, {}),
                ("for_clients", self.root, dict(eku="clientAuth")), ("leaf1", self.int1, {})):
            self.made[name] = issuer.issue(name, cn="db.test", san=SAN, **options)
        self.made["named"] = self.root.issue("named", cn="elsewhere.test",
                                             san="DNS:elsewhere.test,DNS:also.test")
        leaf2 = self.int2.issue("leaf2", cn="db.test", san=SAN)
        self.made["deep"] = leaf2.with_chain("deep", self.int2, self.int1)
        for name, issuer, options in (
                ("kong", self.root, {}), ("kong_other", self.other, {}),
                ("kong_expired", self.root, PAST), ("kong_revoked", self.root, {}),
                ("kong_int1", self.int1, {}), ("kong_serves", self.root, dict(eku="serverAuth"))):
            self.made[name] = issuer.issue(name, cn="kong", **options)
        self.made["gateway"] = self.root.issue("gateway")
        for name in ("revoked", "kong_revoked"):
            self.root.revoke(self.made[name])
        self.root.crl("root.crl")
        self.root.crl("old.crl", expired=True)
        self.spoil()

    def spoil(self):
        kong = self.made["kong"]
        openssl("pkey", "-in", kong.key, "-aes-256-cbc", "-passout", "pass:secret", "-out",
                self.file("encrypted.key"))
        os.chmod(self.file("encrypted.key"), 0o600)
        with open(self.file("kong.der"), "wb") as out:
            out.write(kong.der())
        shutil.copyfile(kong.key, self.file("open.key"))
        os.chmod(self.file("open.key"), 0o644)
        open(self.file("empty.pem"), "w").close()

    def __getitem__(self, name) -> Certificate:
        return self.made[name]

    def file(self, name):
        return os.path.join(self.directory, name)


class Database:
    """A Cluster that setup() gives other certificates, settings and access rules."""

    UNSET = {"ssl": "on", "ssl_ca_file": "", "ssl_crl_file": "", "ssl_min_protocol_version": "TLSv1.2",
             "ssl_max_protocol_version": ""}
    ROLES = """
        create role sleeper password 'kongpass';
        create role master superuser login password 'kongpass';
        create role crowd login password 'kongpass' connection limit 0;
        create role guest login password 'kongpass';
        create role ending login password 'kongpass' valid until '2100-01-01';
        """

    def __init__(self, clusters, lab):
        self.lab = lab
        self.cluster = clusters.start("doctor", {"ssl": "on"}, ["host all all all scram-sha-256"],
                                      {"server.crt": lab["server"].cert,
                                       "server.key": lab["server"].key})
        self.port, self.sql = self.cluster.port, self.cluster.sql
        self.sql(self.ROLES)
        self.sql("create database closed")
        self.sql("revoke connect on database closed from public")

    def setup(self, server="server", ca=None, crl=None, hba="hostssl all all all scram-sha-256",
              ident="", **settings):
        wanted = {**self.UNSET, **settings}
        self.cluster.put("server.crt", self.lab[server].cert)
        self.cluster.put("server.key", self.lab[server].key)
        for setting, file in (("ssl_ca_file", ca), ("ssl_crl_file", crl)):
            if file:
                self.cluster.put(file, self.lab.file(file))
                wanted[setting] = file
        self.cluster.configure(wanted)
        self.cluster.write_access([hba])
        path = os.path.join(self.cluster.data, "pg_ident.conf")
        with open(path, "w") as out:
            out.write(ident + "\n")
        give_to_postgres(path)
        before = self.sql("select pg_conf_load_time()")
        self.cluster.reload()
        wait_until(lambda: self.sql("select pg_conf_load_time()") != before, "the new settings")
