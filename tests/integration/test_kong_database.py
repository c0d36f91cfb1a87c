"""A database that Kong made and filled opens as it is; one that is older, newer or half migrated is refused."""
import pytest

import kong_database
from cluster import wait_until
from gateway import Node, Upstream, call, link_settings, sallyport, write_conf


@pytest.fixture(scope="module")
def upstream():
    made = Upstream()
    yield made
    made.stop()


def settings(mtls_server, pki):
    return link_settings(mtls_server, pki, "kongs")


def refusal(mtls_server, pki, tmp_path, **made):
    kong_database.make(mtls_server, "kongs", **made)
    conf = write_conf(tmp_path / "kong.conf", dict(settings(mtls_server, pki), prefix=tmp_path / "p",
                                                   proxy_listen="off", admin_listen="off", status_listen="off"))
    return sallyport("start", "--foreground", "-c", conf, check=1, timeout=60).stderr


def test_opens_what_kong_made(mtls_server, pki, upstream, tmp_path):
    kong_database.make(mtls_server, "kongs")
    kong_database.fill(mtls_server, "kongs", upstream.port)
    before = mtls_server.sql("select * from services, routes, schema_meta", database="kongs")
    node = Node(str(tmp_path / "node"), dict(settings(mtls_server, pki), db_update_frequency=0.3))
    try:
        assert call(node.proxy, "GET", "/kongs") == (200, "/kongs")
        status, service = call(node.admin, "GET", "/services/kongs")
        assert status == 200 and service["tags"] == ["one", "two"] and service["port"] == upstream.port
        assert mtls_server.sql("select * from services, routes, schema_meta", database="kongs") == before
        # Ours are rows as Kong's are, and a row of Kong's or of plain SQL is seen.
        status, route = call(node.admin, "POST", "/services/kongs/routes",
                             {"name": "ours", "paths": ["/ours"], "strip_path": False})
        assert status == 201
        row = mtls_server.sql(f"select ws_id, name, protocols from routes where id = '{route['id']}'",
                              database="kongs")
        assert row == f"{kong_database.WORKSPACE}|ours|" + "{http,https}"
        node.sees("/ours")
        mtls_server.sql("update routes set paths = '{/moved}' where name = 'kongs-route'", database="kongs")
        node.sees("/moved")
        # The change log may come while the node runs; nothing of Kong's changes with it.
        conf = write_conf(tmp_path / "kong.conf", settings(mtls_server, pki))
        sallyport("migrations", "list", "-c", conf, check=5)
        sallyport("migrations", "up", "-c", conf, check=0)
        sallyport("migrations", "list", "-c", conf, check=0)
        wait_until(lambda: call(node.admin, "GET", "/status")[1]["sallyport"]["configuration"]["sequence"] >= 0,
                   "the log")
        mtls_server.sql("update routes set paths = '{/again}' where name = 'kongs-route'", database="kongs")
        node.sees("/again")
    finally:
        node.stop()


def test_takes_kong_39s(mtls_server, pki, upstream, tmp_path):
    kong_database.make(mtls_server, "kongs", core=kong_database.CORE[:-1])
    mtls_server.sql("drop table clustering_rpc_requests, clustering_sync_version", database="kongs")
    kong_database.fill(mtls_server, "kongs", upstream.port)
    node = Node(str(tmp_path / "node"), settings(mtls_server, pki))
    try:
        assert call(node.proxy, "GET", "/kongs") == (200, "/kongs")
    finally:
        node.stop()


def test_refuses_an_older_one(mtls_server, pki, tmp_path):
    said = refusal(mtls_server, pki, tmp_path, core=kong_database.CORE[:-2])
    assert "older than Kong 3.9" in said and "3.9 or 3.10 with Kong first" in said


def test_refuses_a_newer_one(mtls_server, pki, tmp_path):
    assert "newer Kong than 3.10" in refusal(mtls_server, pki, tmp_path,
                                             core=[*kong_database.CORE, "026_3100_to_3110"])


def test_refuses_a_half_migrated_one(mtls_server, pki, tmp_path):
    said = refusal(mtls_server, pki, tmp_path, core=kong_database.CORE[:-1], pending=kong_database.CORE[-1:])
    assert "kong migrations finish" in said


def test_refuses_an_empty_one(mtls_server, pki, tmp_path):
    mtls_server.sql("drop database if exists kongs with (force)")
    mtls_server.sql("create database kongs owner kong")
    conf = write_conf(tmp_path / "kong.conf", dict(settings(mtls_server, pki), prefix=tmp_path / "p"))
    said = sallyport("start", "--foreground", "-c", conf, check=1, timeout=60).stderr
    assert "sallyport migrations bootstrap" in said
