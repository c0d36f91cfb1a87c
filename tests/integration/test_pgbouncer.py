"""Through PgBouncer, whose sessions are not the server's: writes work, and changes are found."""
import os
import shutil
import signal
import subprocess

import pytest

from cluster import PASSWORD, free_port, wait_until
from gateway import Node, Upstream, call, sallyport, write_conf

pytestmark = pytest.mark.skipif(not shutil.which("pgbouncer"), reason="pgbouncer is not installed")


class Pooler:
    def __init__(self, server, directory, mode):
        self.port = free_port()
        os.makedirs(directory)
        os.chmod(directory, 0o777)
        with open(f"{directory}/users.txt", "w") as out:
            out.write(f'"kong" "{PASSWORD}"\n')
        with open(f"{directory}/pgbouncer.ini", "w") as out:
            out.write(f"""[databases]
* = host=127.0.0.1 port={server.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {self.port}
unix_socket_dir =
auth_type = plain
auth_file = {directory}/users.txt
pool_mode = {mode}
default_pool_size = 8
logfile = {directory}/log
pidfile = {directory}/pid
""")
        os.chmod(f"{directory}/users.txt", 0o644)
        as_user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        started = subprocess.run([*as_user, "pgbouncer", "-d", f"{directory}/pgbouncer.ini"],
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert started.returncode == 0, started.stdout
        wait_until(lambda: os.path.exists(f"{directory}/pid"), "the pooler")
        self.pid = int(open(f"{directory}/pid").read())

    def stop(self):
        os.kill(self.pid, signal.SIGINT)


@pytest.fixture(scope="module")
def upstream():
    made = Upstream()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def server(clusters):
    made = clusters.start("pooled")
    yield made
    made.stop()


@pytest.mark.parametrize("mode", ["session", "transaction"])
def test_a_node_behind_a_pooler(server, upstream, workspace, tmp_path, mode):
    server.sql("drop database if exists pooled with (force)")
    server.sql("create database pooled owner kong")
    pooler = Pooler(server, f"{workspace}/pooler-{mode}", mode)
    settings = {"database": "postgres", "pg_host": "127.0.0.1", "pg_port": pooler.port, "pg_user": "kong",
                "pg_password": PASSWORD, "pg_database": "pooled", "db_update_frequency": 0.5}
    nodes = []
    try:
        sallyport("migrations", "bootstrap", "-c", write_conf(tmp_path / "kong.conf", settings), check=0)
        nodes = [Node(str(tmp_path / name), settings) for name in ("a", "b")]
        service = {"name": "s", "host": "127.0.0.1", "port": upstream.port}
        assert call(nodes[0].admin, "POST", "/services", service)[0] == 201
        for i, writer in enumerate(nodes * 2):
            status, body = call(writer.admin, "POST", "/services/s/routes",
                                {"name": f"r{i}", "paths": [f"/r{i}"], "strip_path": False})
            assert status == 201, body
            for node in nodes:
                node.sees(f"/r{i}", within=5)
        server.sql("update routes set paths = '{/by-hand}' where name = 'r0'", database="pooled")
        for node in nodes:
            node.sees("/by-hand", within=5)
    finally:
        for node in nodes:
            node.stop()
        pooler.stop()
