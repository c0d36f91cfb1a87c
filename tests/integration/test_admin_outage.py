"""The database goes away, comes back, fails over: what the Admin API does meanwhile, and how soon."""
import http.client
import json
import os
import shutil
import signal
import time

import pytest

from cluster import BIN, Cluster, as_postgres, wait_until
from gateway import Node, call, sallyport, write_conf

REPLICATION = {"wal_level": "replica", "max_wal_senders": "4", "hot_standby": "on"}
HBA = ["host all all all scram-sha-256", "local replication all trust"]


def settings_for(port, hosts="127.0.0.1"):
    return {"database": "postgres", "pg_host": hosts, "pg_port": port, "pg_user": "kong", "pg_password": "kongpass",
            "pg_database": "kong", "pg_timeout": 5000}


def get(node, path):
    """Status, headers, decoded body."""
    connection = http.client.HTTPConnection("127.0.0.1", node.admin, timeout=15)
    connection.request("GET", path)
    reply = connection.getresponse()
    body = json.loads(reply.read())
    connection.close()
    return reply.status, reply.headers, body


def timed(*arguments, **options):
    began = time.monotonic()
    status, _ = call(*arguments, **options)
    return status, time.monotonic() - began


def until(condition, what, seconds):
    """How long it took; fails after ten times as long as it should, for a loaded machine."""
    began = time.monotonic()
    wait_until(condition, what, 10 * seconds)
    return time.monotonic() - began


def writes(node):
    return call(node.admin, "PUT", "/services/probe", {"host": "a.test"})[0] == 200


@pytest.fixture(scope="module")
def primary(clusters):
    made = clusters.start("outage", REPLICATION, HBA)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def node(primary, tmp_path_factory):
    root = tmp_path_factory.mktemp("outage")
    settings = settings_for(primary.port)
    sallyport("migrations", "bootstrap", "-c", write_conf(root / "kong.conf", settings), check=0)
    made = Node(str(root / "node"), settings)
    fill(made)
    yield made
    made.stop()


def fill(node):
    for name in "abc":
        body = {"name": name, "host": name + ".test", "tags": ["all", "tag-" + name], "retries": 0}
        assert call(node.admin, "POST", "/services", body)[0] == 201
    assert call(node.admin, "POST", "/services/a/routes", {"name": "r", "paths": ["/a"]})[0] == 201
    assert call(node.admin, "PUT", "/consumers/eve", {"custom_id": "42"})[0] == 200
    assert call(node.admin, "POST", "/consumers/eve/key-auth", {"key": "eves-key"})[0] == 201
    assert call(node.admin, "PUT", "/vaults/my", {"name": "env", "config": {"prefix": "P"}})[0] == 200
    assert call(node.admin, "POST", "/plugins", {"name": "cors"})[0] == 201


PATHS = ["/services", "/services/b", "/services/a/routes", "/routes/r", "/routes/r/service", "/services?tags=all,tag-a",
         "/services?tags=tag-a/tag-b", "/services?size=2", "/consumers?custom_id=42", "/consumers/eve/key-auth",
         "/key-auths/eves-key/consumer", "/vaults/my", "/plugins", "/tags", "/tags/all", "/certificates", "/upstreams"]


def test_reads_go_on_and_say_where_they_come_from(node, primary):
    before = {path: get(node, path) for path in PATHS}
    for path, (status, headers, _) in before.items():
        assert (status, headers["X-Sallyport-Source"]) == (200, None), path
    page = before["/services?size=2"][2]
    primary.stop()
    try:
        wait_until(lambda: get(node, "/services")[1]["X-Sallyport-Source"], "the loss to be noticed")
        for path, (_, _, body) in before.items():
            status, headers, now = get(node, path)
            assert status == 200, (path, now)
            assert headers["X-Sallyport-Source"].startswith("snapshot; age=") and headers["Warning"].startswith("111 ")
            assert now == body, path
        assert get(node, page["next"])[2]["data"][0]["name"] in "abc"
        assert get(node, "/services/nobody")[0] == 404
        assert get(node, "/oauth2_tokens")[0] == 503
        for method, path, body in (("POST", "/services", {"host": "x"}), ("PATCH", "/services/a", {"retries": 1}),
                                   ("PUT", "/services/z", {"host": "x"}), ("DELETE", "/services/a", None),
                                   ("POST", "/_batch", {"operations": [{"method": "DELETE", "path": "/services/a"}]})):
            status, took = timed(node.admin, method, path, body)
            assert status == 503 and took < 1, (method, path, status, took)
    finally:
        assert primary.run()
    took = until(lambda: writes(node), "writes after the return", 2)
    print(f"writes again {took:.2f} s after the server took connections")
    assert get(node, "/services")[1]["X-Sallyport-Source"] is None
    assert call(node.admin, "DELETE", "/services/probe")[0] == 204


def test_a_write_into_the_dying_database_is_refused_at_once(node, primary):
    assert writes(node)
    os.kill(primary.pid, signal.SIGQUIT)  # an immediate shutdown: sessions are cut
    try:
        slowest, statuses = 0, set()
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            status, took = timed(node.admin, "PUT", "/services/probe", {"host": "a.test"})
            slowest, statuses = max(slowest, took), statuses | {status}
        print(f"slowest answer while the server went away: {slowest * 1000:.0f} ms, {statuses}")
        assert statuses <= {200, 503} and 503 in statuses
        assert slowest < 3
    finally:
        primary.stop()
        assert primary.run()
    until(lambda: writes(node), "writes after the return", 2)


def standby_of(primary, name, port, address):
    """Streams from `primary`; listens on another loopback address."""
    made = Cluster(os.path.join(os.path.dirname(primary.root), name), port)
    as_postgres("rm", "-rf", made.root)
    os.makedirs(made.root)
    if os.getuid() == 0:
        shutil.chown(made.root, "postgres", "postgres")
    os.chmod(made.root, 0o700)
    done = as_postgres(f"{BIN}/pg_basebackup", "-h", primary.root, "-p", str(primary.port), "-U", "postgres",
                       "-D", made.data, "-R", "-X", "stream", "-c", "fast")
    assert done.returncode == 0, done.stdout
    made.configure({"listen_addresses": address})
    assert made.run(), made.log_since()
    return made


def in_step(standby, primary):
    return standby.sql("select pg_last_wal_replay_lsn() >= '%s'::pg_lsn" % primary.sql("select pg_current_wal_lsn()")) == "t"


def test_a_failover_to_another_host(clusters, tmp_path):
    primary = clusters.start("failover", dict(REPLICATION, listen_addresses="127.0.0.1"), HBA)
    standby = node = None
    try:
        settings = settings_for(primary.port, "127.0.0.2, 127.0.0.1")  # the standby comes first
        sallyport("migrations", "bootstrap", "-c", write_conf(tmp_path / "kong.conf", settings_for(primary.port)), check=0)
        standby = standby_of(primary, "failover-standby", primary.port, "127.0.0.2")
        node = Node(str(tmp_path / "node"), settings)
        fill(node)
        wait_until(lambda: in_step(standby, primary), "the standby")
        primary.stop()
        assert get(node, "/services/a")[2]["name"] == "a"  # from the standby, or from what is kept
        for _ in range(5):  # a standby is there, and takes none of it
            status, took = timed(node.admin, "PUT", "/services/probe", {"host": "a.test"})
            assert status == 503 and took < 2.5, (status, took)
            time.sleep(0.1)
        began = time.monotonic()
        assert standby.sql("select pg_promote()") == "t"
        promoted = time.monotonic() - began
        took = until(lambda: writes(node), "writes on the promoted standby", 2)
        print(f"promotion {promoted:.2f} s, writes {took:.2f} s after it")
        took = until(lambda: node.knows("/a") and call(node.admin, "GET", "/status")[1]["sallyport"]["link"]["connected"],
                     "the feed", 2)
        assert call(node.admin, "POST", "/services/a/routes", {"paths": ["/new"]})[0] == 201
        node.sees("/new")
        assert get(node, "/services")[1]["X-Sallyport-Source"] is None
    finally:
        if node:
            node.stop()
        if standby:
            standby.stop()
        primary.stop()


def test_a_standby_at_the_only_address_is_read_until_it_is_promoted(clusters, tmp_path):
    primary = clusters.start("promoted", REPLICATION, HBA)
    standby = node = None
    try:
        conf = write_conf(tmp_path / "kong.conf", settings_for(primary.port))
        sallyport("migrations", "bootstrap", "-c", conf, check=0)
        standby = standby_of(primary, "promoted-standby", primary.port, "127.0.0.2")
        wait_until(lambda: in_step(standby, primary), "the standby")
        node = Node(str(tmp_path / "node"), settings_for(primary.port, "127.0.0.2"))
        assert get(node, "/services")[0] == 200
        status, took = timed(node.admin, "PUT", "/services/probe", {"host": "a.test"})
        assert status == 503 and took < 1
        primary.stop()
        assert standby.sql("select pg_promote()") == "t"
        took = until(lambda: writes(node), "writes on the promoted standby", 2)
        assert call(node.admin, "POST", "/services/probe/routes", {"paths": ["/new"]})[0] == 201
        seen = node.sees("/new", within=20)
        print(f"writes {took:.2f} s after the promotion, routed {seen:.2f} s later")
        assert seen < 3
    finally:
        if node:
            node.stop()
        if standby:
            standby.stop()
        primary.stop()
