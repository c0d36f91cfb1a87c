"""Real PostgreSQL 15 clusters for tests, on loopback, as the postgres user when run as root.

    clusters = Clusters(directory)              # initdb once; each cluster is a copy
    server = clusters.start("name", conf={"ssl": "on"}, hba=["hostssl all all all scram-sha-256"],
                            files={"server.crt": path, "server.key": path})
    server.port, server.sql("select 1"), server.reload(), server.log_since(mark), server.stop()

Role kong with the password kongpass owns the database kong. Every server is ended by its pid.
"""
import itertools
import os
import random
import shutil
import signal
import socket
import subprocess
import time

BIN = os.environ.get("POSTGRES_BIN", "/usr/lib/postgresql/15/bin")
PASSWORD = "kongpass"
SETTINGS = """
fsync = off
shared_buffers = 16MB
max_connections = 40
autovacuum = off
log_connections = on
log_line_prefix = '%m [%p] '
logging_collector = off
max_wal_senders = 0
wal_level = minimal
listen_addresses = '127.0.0.1,::1'
"""


def _ports():
    """Ports below those that the kernel gives to connections, so that none is taken before its node listens; no
    port comes twice, and runs beside each other begin elsewhere."""
    first = 10_240
    end = max(first + 1_000, min(32_768, int(open("/proc/sys/net/ipv4/ip_local_port_range").read().split()[0])))
    start = random.SystemRandom().randrange(first, end)
    return itertools.cycle([*range(start, end), *range(first, start)])


PORTS = _ports()


def free_port():
    while True:
        with socket.socket() as probe:
            port = next(PORTS)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


def as_postgres(*command, **options):
    prefix = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    return subprocess.run([*prefix, *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", cwd="/", **options)


def give_to_postgres(path, mode=0o600):
    if os.getuid() == 0:
        shutil.chown(path, "postgres", "postgres")
    os.chmod(path, mode)


class Clusters:
    def __init__(self, directory):
        self.directory = str(directory)
        os.makedirs(self.directory, exist_ok=True)
        os.chmod(self.directory, 0o755)
        self.running = []
        self.template = os.path.join(self.directory, "template")
        os.mkdir(self.template)
        give_to_postgres(self.template, 0o700)
        made = as_postgres(f"{BIN}/initdb", "-D", self.template + "/data", "-U", "postgres", "-A", "trust",
                           "-E", "UTF8", "--no-locale", "-N")
        assert made.returncode == 0, made.stdout
        with open(self.template + "/data/postgresql.conf", "a") as out:
            out.write(SETTINGS)
        first = Cluster(self.template, free_port())
        first.write_access(["host all all all scram-sha-256"])
        assert first.run(), first.log_since()
        first.sql(f"create role kong login password '{PASSWORD}'")
        first.sql("create database kong owner kong")
        first.stop()
        os.unlink(first.log)

    def start(self, name, conf=None, hba=None, files=None, expect=True):
        root = os.path.join(self.directory, name)
        shutil.rmtree(root, ignore_errors=True)
        subprocess.check_call(["cp", "-a", self.template, root])
        cluster = Cluster(root, free_port())
        for target, source in (files or {}).items():
            cluster.put(target, source)
        cluster.configure(conf or {})
        cluster.write_access(hba or ["host all all all scram-sha-256"])
        self.running.append(cluster)
        started = cluster.run()
        assert started or not expect, cluster.log_since()
        return cluster

    def stop_all(self):
        for cluster in self.running:
            cluster.stop()


class Cluster:
    def __init__(self, root, port):
        self.root, self.port = root, port
        self.data, self.log = root + "/data", root + "/log"
        self.pid = None

    def put(self, name, source, mode=0o600):
        """Copies a file into the data directory, as the database user's own."""
        target = os.path.join(self.data, name)
        shutil.copyfile(source, target)
        give_to_postgres(target, mode)

    def configure(self, settings):
        with open(self.data + "/postgresql.conf", "a") as out:
            for name, value in settings.items():
                out.write(f"{name} = '{value}'\n")

    def write_access(self, lines):
        with open(self.data + "/pg_hba.conf", "w") as out:
            out.write("\n".join(["local all all trust", *lines, ""]))

    def run(self):
        options = f"-c port={self.port} -c unix_socket_directories={self.root}"
        started = as_postgres(f"{BIN}/pg_ctl", "-D", self.data, "-w", "-t", "60", "-l", self.log, "-o", options,
                              "start")
        if started.returncode != 0:
            return False
        with open(self.data + "/postmaster.pid") as file:
            self.pid = int(file.readline())
        return True

    def stop(self, mode="immediate"):
        if self.pid is None:
            return
        as_postgres(f"{BIN}/pg_ctl", "-D", self.data, "-w", "-m", mode, "stop")
        self.pid = None

    def reload(self):
        mark = self.mark()
        os.kill(self.pid, signal.SIGHUP)
        wait_until(lambda: "received SIGHUP" in self.log_since(mark), "the server to reload")
        time.sleep(0.2)  # its log says so before it has read the files

    def sql(self, statement, user="postgres", database="postgres"):
        done = as_postgres("psql", "-X", "-At", "-v", "ON_ERROR_STOP=1", "-h", self.root, "-p", str(self.port),
                           "-U", user, "-d", database, "-c", statement)
        assert done.returncode == 0, done.stdout
        return done.stdout.strip()

    def mark(self):
        return os.path.getsize(self.log) if os.path.exists(self.log) else 0

    def log_since(self, mark=0):
        if not os.path.exists(self.log):
            return ""
        with open(self.log, errors="replace") as file:
            file.seek(mark)
            return file.read()


def wait_until(condition, what, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError(f"waited {seconds} s for {what}")
