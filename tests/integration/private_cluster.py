"""A PostgreSQL 15 cluster of its own for a test: loopback, a free port, stopped by its own pg_ctl.

As root the server runs as the postgres user; otherwise as whoever runs the test.
"""
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile

BIN = "/usr/lib/postgresql/15/bin"


def available():
    return os.path.exists(BIN + "/initdb")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def as_database_user(command, **options):
    if os.getuid() == 0:
        command = ["runuser", "-u", "postgres", "--"] + command
    return subprocess.run(command, cwd="/", text=True, errors="replace", stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, **options)


class PrivateCluster:
    """`with PrivateCluster() as cluster:`; roles kong and bob, database kong."""

    def __init__(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="sallyport-cluster-"))
        self.root.chmod(0o755)
        self.data = self.root / "data"
        self.log = self.root / "log"
        self.port = free_port()

    def __enter__(self):
        self.data.mkdir()
        self.own(self.data)
        self.data.chmod(0o700)
        self.must([BIN + "/initdb", "-D", str(self.data), "-U", "postgres", "-A", "trust",
                   "-E", "UTF8", "--no-locale", "-N"])
        self.own(self.root)
        self.configure()
        self.set_hba(["hostssl all all all cert"])
        self.start()
        for statement in ("CREATE ROLE kong LOGIN PASSWORD 'kongpass'",
                          "CREATE ROLE bob LOGIN PASSWORD 'bobpass'",
                          "CREATE DATABASE kong OWNER kong"):
            self.admin(statement)
        return self

    def __exit__(self, *_):
        as_database_user([BIN + "/pg_ctl", "-D", str(self.data), "-m", "immediate", "-w", "stop"])
        shutil.rmtree(self.root, ignore_errors=True)

    def must(self, command):
        done = as_database_user(command)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def own(self, path):
        if os.getuid() == 0:
            shutil.chown(path, "postgres", "postgres")

    def configure(self, **settings):
        lines = ["fsync = off", "shared_buffers = 16MB", "max_connections = 20",
                 "log_connections = on", "listen_addresses = '127.0.0.1'", f"port = {self.port}",
                 f"unix_socket_directories = '{self.root}'"]
        lines += [f"{name} = '{value}'" for name, value in settings.items()]
        conf = self.data / "postgresql.auto.conf"
        conf.write_text("\n".join(lines) + "\n")

    def set_hba(self, lines):
        (self.data / "pg_hba.conf").write_text("\n".join(["local all all trust"] + lines) + "\n")

    def put(self, source, name, mode=0o600):
        """Copies a file or a directory into the data directory, owned by the server."""
        target = self.data / name
        if pathlib.Path(source).is_dir():
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(source, target)
            self.own(target)
            for file in target.iterdir():
                self.own(file)
            return
        shutil.copyfile(source, target)
        target.chmod(mode)
        self.own(target)

    def start(self):
        self.must([BIN + "/pg_ctl", "-D", str(self.data), "-l", str(self.log), "-w", "-t", "60",
                   "start"])

    def restart(self):
        self.must([BIN + "/pg_ctl", "-D", str(self.data), "-l", str(self.log), "-w", "-t", "60",
                   "-m", "fast", "restart"])

    def reload(self):
        """Returns when the server has read its files again."""
        before = self.admin("SELECT pg_conf_load_time()")
        self.admin("SELECT pg_reload_conf()")
        for _ in range(200):
            if self.admin("SELECT pg_sleep(0.02); SELECT pg_conf_load_time()") != before:
                return
        raise AssertionError("the server did not reload")

    def admin(self, statement):
        return self.must(["psql", "-X", "-At", "-h", str(self.root), "-p", str(self.port), "-U",
                          "postgres", "-d", "postgres", "-c", statement]).strip()

    def psql(self, statement="SELECT current_user", host="localhost", environment=None,
             **parameters):
        """psql as a stranger would run it: nothing but these parameters counts."""
        parameters = {"host": host, "hostaddr": "127.0.0.1", "port": self.port, "user": "kong",
                      "dbname": "kong", "connect_timeout": 20, **parameters}
        connection = " ".join(f"{name}='{value}'" for name, value in parameters.items())
        return subprocess.run(["psql", "-X", "-At", connection, "-c", statement], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/",
                              env={"PATH": os.environ["PATH"], "HOME": "/nonexistent",
                                   **(environment or {})})
