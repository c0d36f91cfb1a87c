"""The database goes away, comes back, fails over: what the Admin API does meanwhile, and how soon."""
import http.client
import json
import os
import shutil
import signal
import subprocess
import time

import pytest

from cluster import BIN, Cluster, as_postgres, wait_until
from gateway import Node, call, sallyport, write_conf
from relay import Relay

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


def processes_of(server):
    """The postmaster first, then what it has forked."""
    path = f"/proc/{server.pid}/task/{server.pid}/children"
    return [server.pid, *map(int, open(path).read().split())]


def freeze(server):
    for pid in processes_of(server):
        os.kill(pid, signal.SIGSTOP)


def thaw(server):
    for pid in reversed(processes_of(server)):
        os.kill(pid, signal.SIGCONT)


# pg_timeout is 5 s: what waits for it takes longer than this, on any machine.
WELL_BELOW_THE_TIMEOUT = 4


def check_silence(node, silence, end_of_silence):
    """The first write is given up with an open outcome, the next ones are refused, reads go on."""
    assert writes(node)
    silence()
    try:
        began = time.monotonic()
        status, answer = call(node.admin, "POST", "/services", {"host": "undecided.test"})
        first = time.monotonic() - began
        assert status == 503 and "carried out or not" in answer["message"], answer
        status, again = timed(node.admin, "PUT", "/services/probe", {"host": "b.test"})
        assert status == 503
        status, headers, _ = get(node, "/services/a")
        assert status == 200 and headers["X-Sallyport-Source"].startswith("snapshot; age=")
        print(f"refused after {first * 1000:.0f} ms, then after {again * 1000:.0f} ms")
        assert first < WELL_BELOW_THE_TIMEOUT and again < WELL_BELOW_THE_TIMEOUT
    finally:
        end_of_silence()
    took = until(lambda: writes(node), "writes after the silence", 2)
    print(f"writes again after {took:.2f} s")


def test_a_frozen_server_holds_nobody(node, primary):
    check_silence(node, lambda: freeze(primary), lambda: thaw(primary))


def test_a_network_that_drops_everything_holds_nobody(primary, node, tmp_path):
    with Relay(primary.port) as relay:
        behind = Node(str(tmp_path / "behind"), settings_for(relay.port))
        try:
            check_silence(behind, relay.stalled.set, relay.stalled.clear)
        finally:
            behind.stop()


def test_a_slow_statement_of_a_live_server_is_waited_for(node, primary):
    assert writes(node)
    locked = subprocess.Popen(["psql", "-X", "-h", "127.0.0.1", "-p", str(primary.port), "-U", "kong", "-d", "kong", "-c",
                               "begin; lock table services; select 'locked', pg_sleep(2.5); commit"],
                              env=dict(os.environ, PGPASSWORD="kongpass"), stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: primary.sql("select count(*) from pg_locks where mode = 'AccessExclusiveLock'") == "1", "the lock")
        status, took = timed(node.admin, "PUT", "/services/probe", {"host": "c.test"})
        assert status == 200, took
        print(f"waited {took:.2f} s for a lock")
    finally:
        locked.wait()


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
        status, headers, _ = get(node, "/services")
        assert (status, headers["X-Sallyport-Source"]) == (200, "standby") and headers["Warning"].startswith("110 ")
        for path in ("/services/probe", "/services/other"):
            status, answer = call(node.admin, "PUT", path, {"host": "a.test"})
            assert status == 503 and "pg_promote" in answer["message"], answer
        body = {"operations": [{"method": "POST", "path": "/services", "body": {"host": "a.test"}}]}
        assert call(node.admin, "POST", "/_batch", body)[0] == 503
        assert "cannot execute" not in standby.log_since()  # it was not even asked
        primary.stop()
        assert standby.sql("select pg_promote()") == "t"
        took = until(lambda: writes(node), "writes on the promoted standby", 2)
        assert call(node.admin, "POST", "/services/probe/routes", {"paths": ["/new"]})[0] == 201
        seen = node.sees("/new", within=20)
        print(f"writes {took:.2f} s after the promotion, routed {seen:.2f} s later")
        assert seen < 3
        assert get(node, "/services")[1]["X-Sallyport-Source"] is None
    finally:
        if node:
            node.stop()
        if standby:
            standby.stop()
        primary.stop()
