"""What is written is seen by every worker of every node, whoever writes; losing the database loses
no request. Two real nodes on one PostgreSQL behind mutual TLS."""
import threading
import time

import pytest

from cluster import wait_until
from gateway import Node, Upstream, call, link_settings, sallyport, write_conf


@pytest.fixture(scope="module")
def server(clusters, pki):
    made = clusters.start("feed", {"ssl": "on", "ssl_ca_file": "ca.crt"}, ["hostssl all all all cert"],
                          {"server.crt": pki.server.cert, "server.key": pki.server.key, "ca.crt": pki.root.cert})
    yield made
    made.stop()


@pytest.fixture(scope="module")
def upstream():
    made = Upstream()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def nodes(server, pki, upstream, tmp_path_factory):
    settings = link_settings(server, pki)
    root = tmp_path_factory.mktemp("feed")
    sallyport("migrations", "bootstrap", "-c", write_conf(root / "kong.conf", settings), check=0)
    started = []
    try:
        for name in ("a", "b"):
            started.append(Node(str(root / name), settings))
        yield started
    finally:
        for node in started:
            node.stop()


def add_service(node, name, upstream):
    status, body = call(node.admin, "POST", "/services",
                        {"name": name, "host": "127.0.0.1", "port": upstream.port})
    assert status == 201, body
    return body["id"]


def add_route(node, service, path):
    status, body = call(node.admin, "POST", f"/services/{service}/routes", {"paths": [path], "strip_path": False})
    assert status == 201, body
    return body["id"]


def write_by_hand(server, name, port, path):
    server.sql(f"""
        with ws as (select id from workspaces where name = 'default'), s as (
          insert into services (id, ws_id, name, protocol, host, port, retries, connect_timeout,
                                write_timeout, read_timeout, created_at, updated_at)
          select gen_random_uuid(), ws.id, '{name}', 'http', '127.0.0.1', {port}, 5, 60000, 60000, 60000,
                 now(), now() from ws returning id, ws_id)
        insert into routes (id, ws_id, service_id, protocols, paths, created_at, updated_at, strip_path,
                            preserve_host, regex_priority, https_redirect_status_code, request_buffering,
                            response_buffering)
        select gen_random_uuid(), ws_id, id, '{{http}}', '{{{path}}}', now(), now(), false, false, 0, 426,
               true, true from s""", database="kong")


def test_a_write_reaches_both_nodes(nodes, upstream):
    service = add_service(nodes[0], "one", upstream)
    route = add_route(nodes[0], service, "/one")
    for node in nodes:
        node.sees("/one")
        assert call(node.proxy, "GET", "/one") == (200, "/one")
    assert call(nodes[1].admin, "DELETE", f"/routes/{route}")[0] == 204
    for node in nodes:
        wait_until(lambda n=node: call(n.proxy, "GET", "/one")[0] == 404, "the route to go")


def test_plain_sql_is_seen(nodes, server, upstream):
    write_by_hand(server, "by-hand", upstream.port, "/by-hand")
    for node in nodes:
        node.sees("/by-hand")
        assert call(node.proxy, "GET", "/by-hand") == (200, "/by-hand")
    assert call(nodes[0].admin, "GET", "/services/by-hand")[0] == 200


def test_a_lost_session_loses_nothing(nodes, server, upstream):
    service = add_service(nodes[0], "killed", upstream)
    for i in range(3):
        server.sql("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'kong'")
        write_by_hand(server, f"killed-{i}", upstream.port, f"/killed-{i}")
        for node in nodes:
            node.sees(f"/killed-{i}")
    add_route(nodes[1], service, "/killed")
    for node in nodes:
        node.sees("/killed")


class Traffic(threading.Thread):
    """Asks both nodes all the time and counts what was not 200."""

    def __init__(self, nodes, path):
        super().__init__(daemon=True)
        self.nodes, self.path = nodes, path
        self.good, self.bad, self.over = 0, [], threading.Event()

    def run(self):
        while not self.over.is_set():
            for node in self.nodes:
                try:
                    status = call(node.proxy, "GET", self.path)[0]
                except OSError as error:
                    status = error
                if status == 200:
                    self.good += 1
                else:
                    self.bad.append(status)
            time.sleep(0.01)

    def finish(self):
        self.over.set()
        self.join(30)
        return self.good, self.bad


def test_the_database_away_loses_no_request(nodes, server, upstream):
    service = add_service(nodes[0], "steady", upstream)
    add_route(nodes[0], service, "/steady")
    for node in nodes:
        node.sees("/steady")
    traffic = Traffic(nodes, "/steady")
    traffic.start()
    server.stop()
    wait_until(lambda: call(nodes[0].admin, "DELETE", "/services/nobody")[0] == 503, "the node to notice")
    for _ in range(5):
        began = time.monotonic()
        assert call(nodes[0].admin, "POST", "/services", {"name": "no", "host": "h"})[0] == 503
        assert time.monotonic() - began < 1
        time.sleep(0.5)
    assert call(nodes[0].admin, "GET", "/status")[1]["database"]["reachable"] is False
    assert server.run(), server.log_since()
    began = time.monotonic()
    write_by_hand(server, "back", upstream.port, "/back")
    for node in nodes:
        node.sees("/back", within=10)
    recovered = time.monotonic() - began
    add_route(nodes[0], service, "/after")
    for node in nodes:
        node.sees("/after")
    good, bad = traffic.finish()
    assert bad == [] and good > 20
    assert recovered < 4  # a slow machine; two seconds where nothing else runs


def test_a_database_of_kongs_is_followed_without_a_log(clusters, server, pki, upstream, tmp_path):
    server.sql("create database kongs owner kong")
    settings = dict(link_settings(server, pki, "kongs"), db_update_frequency=1)
    sallyport("migrations", "bootstrap", "-c", write_conf(tmp_path / "kong.conf", settings), check=0)
    server.sql("drop schema sallyport cascade", database="kongs")
    node = Node(str(tmp_path / "node"), settings)
    try:
        service = add_service(node, "unlogged", upstream)
        add_route(node, service, "/unlogged")
        node.sees("/unlogged", within=10)
        sallyport("migrations", "up", "-c", node.conf, check=0)
        time.sleep(1.5)
        add_route(node, service, "/logged")
        assert node.sees("/logged") < 2
    finally:
        node.stop()
