"""Drives the product's link to PostgreSQL through the link_probe program, command by command.

    with Link(conf_file) as link:
        link.open()["ok"]; link.query("select 1"); link.listen(500)
"""
import json
import os
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("SALLYPORT_BUILD", os.path.join(ROOT, "build", "dev"))
PROBE = os.path.join(BUILD, "tests", "link_probe")


def write_conf(directory, name, **settings):
    """A kong.conf; settings that are None are left out."""
    path = os.path.join(str(directory), name)
    with open(path, "w") as out:
        out.write("database = postgres\n")
        for key, value in settings.items():
            if value is not None:
                out.write(f"{key} = {value}\n")
    os.chmod(path, 0o600)
    return path


class Link:
    def __init__(self, conf, environment=None, role="main"):
        self.errors = open(conf + ".stderr", "w+")
        self.process = subprocess.Popen([PROBE, conf, role], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.errors, text=True, bufsize=1,
                                        env={**os.environ, **(environment or {})})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(timeout=20)
        assert self.process.returncode == 0, self.log()
        self.errors.close()

    def log(self):
        self.errors.flush()
        with open(self.errors.name, errors="replace") as file:
            return file.read()

    def say(self, command):
        self.process.stdin.write(command + "\n")
        line = self.process.stdout.readline()
        assert line, f"link_probe ended:\n{self.log()}"
        return json.loads(line)

    def open(self):
        return self.say("open")

    def query(self, sql):
        return self.say("query " + sql)

    def run(self, sql):
        return self.say("run " + sql)

    def listen(self, milliseconds):
        return self.say(f"listen {milliseconds}")

    def counter(self, event):
        for line in self.say("counters")["text"].splitlines():
            if f'event="{event}"' in line:
                return int(line.split()[-1])
        raise AssertionError(event)


def open_once(conf, environment=None):
    with Link(conf, environment) as link:
        return link.open()


def demanding(pki, port, **changes):
    """The strictest settings that reach `port` when everything is right: TLS, chain and name verified, password."""
    settings = dict(pg_host="127.0.0.1", pg_port=port, pg_timeout=5000, pg_user="kong", pg_password="kongpass",
                    pg_database="kong", pg_ssl="on", pg_ssl_required="on", pg_ssl_verify="on",
                    pg_ssl_version="any", lua_ssl_trusted_certificate=pki.root.cert, lua_ssl_verify_depth=1)
    settings.update(changes)
    return settings


def with_identity(pki, port, **changes):
    """The same with a client certificate instead of the password."""
    return demanding(pki, port, **{"pg_password": None, "pg_ssl_cert": pki.client.cert,
                                   "pg_ssl_cert_key": pki.client.key, **changes})
