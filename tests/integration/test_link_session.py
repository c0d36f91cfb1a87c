"""Sessions: deadlines of statements, notifications, failover, age; and no cancel request, ever."""
import os
import signal
import time

import pytest

from link_client import Link, demanding, with_identity, write_conf
from relay import Relay


@pytest.fixture
def link(tls_server, pki, tmp_path):
    with Link(write_conf(tmp_path, "c", **demanding(pki, tls_server.port, pg_timeout=1000))) as made:
        assert made.open()["ok"]
        yield made


def test_the_server_ends_long_statements(link):
    begin = time.monotonic()
    answer = link.query("select pg_sleep(20)")
    assert answer["code"] == "sql.57014" and time.monotonic() - begin < 5, answer
    assert link.query("select 1")["ok"], "the session lives on"
    assert link.say("limit 4000")["ok"]
    assert link.query("select pg_sleep(1.5)")["ok"]


def test_a_server_that_stops_answering(link):
    """statement_timeout is of no use when the backend hangs: ours is."""
    pid = int(link.query("select pg_backend_pid()")["rows"][0][0])
    os.kill(pid, signal.SIGSTOP)
    try:
        begin = time.monotonic()
        answer = link.query("select 1")
        assert answer["code"] == "link.timeout" and 1 < time.monotonic() - begin < 5, answer
        assert link.query("select 1")["code"] == "link.lost", "the socket is closed"
    finally:
        os.kill(pid, signal.SIGCONT)


def test_locks_are_not_waited_for(link, tls_server, pki, tmp_path):
    link.run("create table if not exists locked(x int)")
    assert link.run("begin; lock table locked")["ok"]
    with Link(write_conf(tmp_path, "d", **demanding(pki, tls_server.port, pg_timeout=1000))) as other:
        assert other.open()["ok"]
        assert other.query("select * from locked")["code"] == "sql.55P03"
    assert link.run("rollback; drop table locked")["ok"]


def test_no_cancel_request(tls_server, pki, tmp_path):
    """libpq's PQcancel speaks plain text on a new connection, session key and all."""
    with Relay(tls_server.port) as relay:
        with Link(write_conf(tmp_path, "c", **demanding(pki, relay.port, pg_timeout=700))) as link:
            assert link.open()["ok"]
            assert link.query("select pg_sleep(10)")["code"] == "sql.57014"
            relay.stalled.set()
            assert link.query("select 1")["code"] == "link.timeout"
            relay.stalled.clear()
        assert len(relay.connections) == 1 and relay.cancels() == [] and relay.plain_bytes == 0


def test_errors_carry_what_the_admin_api_needs(link):
    link.run("create table if not exists names(name text constraint names_unique unique)")
    assert link.query("insert into names values ('a')")["affected"] == 1
    answer = link.query("insert into names values ('a')")
    assert answer["code"] == "sql.23505" and answer["constraint"] == "names_unique"
    assert answer["detail"] == "Key (name)=(a) already exists."
    assert "(a)" not in answer["text"], "values of rows stay out of the text"
    assert link.run("drop table names")["ok"]


def test_notifications_are_drained(link, tls_server):
    """Many more bytes than one read of libpq takes: OpenSSL keeps the rest, and poll() would never wake for it."""
    assert link.run("listen changes")["ok"]
    payload = "x" * 7000
    tls_server.sql(f"select pg_notify('changes', i || '{payload}') from generate_series(1, 300) i", user="kong",
                   database="kong")
    seen, end = [], time.monotonic() + 10
    while len(seen) < 300 and time.monotonic() < end:
        seen += link.listen(1000)["notifications"]
    assert [n[1][:-7000] for n in seen] == [str(i) for i in range(1, 301)]
    assert link.listen(50) == {"ok": True, "notifications": []}


def test_a_listener_notices_the_end(link, tls_server):
    assert link.run("listen changes")["ok"]
    pid = link.query("select pg_backend_pid()")["rows"][0][0]
    tls_server.sql(f"select pg_terminate_backend({pid})")
    # The server's last words come first, its closing of the connection may be a wake-up later.
    answers = [link.listen(3000), link.listen(3000)]
    assert answers[-1]["code"] == "link.lost", answers


def test_a_failover_drops_the_session(link):
    assert link.run("set default_transaction_read_only = on")["ok"]
    answer = link.query("create table t(x int)")
    assert answer["code"] == "link.read_only", answer
    assert link.query("select 1")["code"] == "link.lost"
    assert link.counter("read_only") == 1


def test_schema_and_session_settings(tls_server, pki, tmp_path):
    tls_server.sql('create schema "odd \'name"; grant all on schema "odd \'name" to kong', database="kong")
    settings = demanding(pki, tls_server.port, pg_schema="odd 'name", pg_timeout=2000)
    with Link(write_conf(tmp_path, "c", **settings)) as link:
        assert link.open()["ok"]
        for name, value in (("search_path", '"odd \'name"'), ("statement_timeout", "2s"), ("lock_timeout", "1600ms"),
                            ("application_name", "sallyport"), ("client_encoding", "UTF8")):
            assert link.query(f"show {name}")["rows"] == [[value]], name
        assert link.query("select current_schema")["rows"] == [["odd 'name"]]


def test_age(tls_server, pki, tmp_path):
    with Link(write_conf(tmp_path, "c", **demanding(pki, tls_server.port, pg_max_conn_age=1))) as link:
        assert link.open()["ok"] and not link.say("age")["too_old"]
        time.sleep(1.1)
        assert link.say("age")["too_old"]
    with Link(write_conf(tmp_path, "d", **demanding(pki, tls_server.port, pg_max_conn_age=0))) as link:
        assert link.open()["ok"]
        time.sleep(1.1)
        assert not link.say("age")["too_old"], "0 is no limit"


def test_threads_open_links_at_once(mtls_server, pki, tmp_path):
    """The change feed and the Admin API have links of their own, on threads of their own."""
    settings = with_identity(pki, mtls_server.port, pg_timeout=20000, pg_ssl_crl=pki.root.crl("storm.crl"))
    with Link(write_conf(tmp_path, "c", **settings)) as link:
        assert link.say("storm 6") == {"ok": True, "opened": 60}


def test_copy_is_refused(link):
    assert link.run("copy (select 1) to stdout")["code"] == "link.lost"
