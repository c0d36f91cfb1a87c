"""`sallyport migrations` as an operator runs it, over mutual TLS, and as an enemy interrupts it."""
import json
import random
import subprocess
import time

import pytest

from gateway import SALLYPORT, link_settings, sallyport, write_conf

TABLES = "select count(*) from pg_tables where schemaname in ('public', 'sallyport')"


@pytest.fixture(scope="module")
def server(clusters, pki):
    made = clusters.start("migrations", {"ssl": "on", "ssl_ca_file": "ca.crt"}, ["hostssl all all all cert"],
                          {"server.crt": pki.server.cert, "server.key": pki.server.key, "ca.crt": pki.root.cert})
    yield made
    made.stop()


@pytest.fixture
def database(server):
    server.sql("drop database if exists work with (force)")
    server.sql("create database work owner kong")
    return lambda sql: server.sql(sql, database="work")


@pytest.fixture
def conf(server, pki, tmp_path):
    return write_conf(tmp_path / "kong.conf", link_settings(server, pki, "work"))


def test_life_of_a_database(database, conf):
    bare = sallyport("migrations", "list", "-c", conf, check=3)
    assert "bootstrap" in bare.stdout
    assert "bootstrap" in sallyport("migrations", "up", "-c", conf, check=1).stderr
    made = sallyport("migrations", "bootstrap", "-c", conf, check=0)
    assert "Database is up-to-date" in made.stdout
    listed = sallyport("migrations", "list", "-c", conf, check=0)
    assert "025_390_to_3100" in listed.stdout and "001_change_log" in listed.stdout
    again = sallyport("migrations", "bootstrap", "-c", conf, check=0)
    assert "already bootstrapped" in again.stdout
    tables = database(TABLES)
    up = sallyport("migrations", "up", "-c", conf, check=0)
    assert "already up-to-date" in up.stdout and database(TABLES) == tables
    assert sallyport("migrations", "finish", "-q", "-c", conf, check=0).stdout == ""

    database("drop schema sallyport cascade")  # as Kong leaves it
    assert "001_change_log" in sallyport("migrations", "list", "-c", conf, check=5).stdout
    sallyport("migrations", "up", "-c", conf, check=0)
    sallyport("migrations", "list", "-c", conf, check=0)

    database("update schema_meta set pending = '{026_future}' where subsystem = 'core'")
    sallyport("migrations", "list", "-c", conf, check=4)
    assert "kong migrations finish" in sallyport("migrations", "finish", "-c", conf, check=1).stderr


def test_status_is_json(database, conf):
    assert json.loads(sallyport("migrations", "status", "-c", conf, check=0).stdout)["needs_bootstrap"] is True
    sallyport("migrations", "bootstrap", "-c", conf, check=0)
    state = json.loads(sallyport("migrations", "status", "-c", conf, check=0).stdout)
    assert state["needs_bootstrap"] is False and state["new_migrations"] == []
    core = next(part for part in state["executed_migrations"] if part["subsystem"] == "core")
    assert {"name": "000_base"} in core["migrations"] and core["namespace"] == "kong.db.migrations.core"
    sallyport("migrations", "reset", "-y", "-c", conf, check=0)
    assert "nothing to reset" in sallyport("migrations", "reset", "-y", "-c", conf, check=1).stdout
    assert "bootstrap" in sallyport("migrations", "finish", "-c", conf, check=1).stderr


def test_reset_asks_and_leaves_nothing(database, conf):
    sallyport("migrations", "bootstrap", "-c", conf, check=0)
    database("create table mine (id int)")
    refused = subprocess.run([SALLYPORT, "migrations", "reset", "-c", conf], stdin=subprocess.DEVNULL,
                             stderr=subprocess.PIPE, text=True, timeout=60)
    assert refused.returncode == 1 and "--yes" in refused.stderr
    sallyport("migrations", "reset", "--yes", "-c", conf, check=0)
    assert database(TABLES) == "1"  # the one that is not ours
    assert database("select count(*) from pg_proc where pronamespace = 'public'::regnamespace") == "0"


def test_several_nodes_at_once(database, conf):
    nodes = [subprocess.Popen([SALLYPORT, "migrations", "bootstrap", "-c", conf], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True) for _ in range(3)]
    outputs = [node.communicate(timeout=120)[0] for node in nodes]
    assert [node.returncode for node in nodes] == [0, 0, 0], outputs
    assert sum("already bootstrapped" in output for output in outputs) == 2
    assert database("select count(*) from workspaces") == "1"


def test_a_held_lock_is_named(server, database, conf):
    holder = subprocess.Popen(
        ["psql", "-X", "-h", server.root, "-p", str(server.port), "-U", "postgres", "-d", "work", "-c",
         "select pg_advisory_lock(hashtextextended('sallyport migrations', 0)), pg_sleep(30)"],
        stdout=subprocess.DEVNULL)
    try:
        time.sleep(1)
        refused = sallyport("migrations", "bootstrap", "--lock-timeout", "1", "-c", conf, check=1)
        assert "another node" in refused.stderr and "postgres" in refused.stderr
    finally:
        holder.kill()
        holder.wait()


def test_killed_at_any_point(database, conf):
    random.seed(5)
    killed = 0
    for _ in range(20):
        process = subprocess.Popen([SALLYPORT, "migrations", "bootstrap", "-c", conf], stdout=subprocess.PIPE,
                                   text=True)
        process.stdout.readline()  # "Bootstrapping database...": connected, nothing made yet
        time.sleep(random.uniform(0, 0.25))
        process.kill()
        killed += process.wait() != 0
        process.stdout.close()
        for _ in range(100):  # the server notices, and either all is there or nothing
            tables = database(TABLES)
            if tables in ("0", "37"):
                break
            time.sleep(0.05)
        assert tables in ("0", "37")
        if tables != "0":
            sallyport("migrations", "reset", "--yes", "-c", conf, check=0)
    assert killed > 0
    sallyport("migrations", "bootstrap", "-c", conf, check=0)
    sallyport("migrations", "list", "-c", conf, check=0)
