"""The Admin and the Status API of a real node on a real PostgreSQL behind mutual TLS."""
import http.client
import json
import os
import threading
import uuid

import pytest

from cluster import wait_until
from gateway import Node, Upstream, call, link_settings, sallyport, write_conf

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def server(clusters, pki):
    made = clusters.start("admin", {"ssl": "on", "ssl_ca_file": "ca.crt"}, ["hostssl all all all cert"],
                          {"server.crt": pki.server.cert, "server.key": pki.server.key, "ca.crt": pki.root.cert})
    yield made
    made.stop()


@pytest.fixture(scope="module")
def node(server, pki, workspace):
    settings = dict(link_settings(server, pki), pg_ssl_version="tlsv1_3")
    prefix = os.path.join(workspace, "admin-node")
    os.makedirs(prefix, exist_ok=True)
    sallyport("migrations", "bootstrap", "-c", write_conf(prefix + "/migrate.conf", settings), check=0)
    made = Node(prefix, settings)
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def empty(node, server):
    server.sql("delete from routes; delete from services", user="postgres", database="kong")


class Reply:
    def __init__(self, reply, data):
        self.status, self.headers, self.text = reply.status, reply.headers, data.decode()
        self.json = json.loads(data) if "json" in (reply.getheader("Content-Type") or "") and data else None


def send(node, method, path, body=None, headers=None):
    """One request; dicts go as JSON, texts as they are."""
    connection = http.client.HTTPConnection("127.0.0.1", node.admin, timeout=15)
    headers = dict(headers or {})
    if isinstance(body, dict):
        body, headers = json.dumps(body), dict(headers, **{"Content-Type": "application/json"})
    try:
        connection.request(method, path, body, headers)
        reply = connection.getresponse()
        return Reply(reply, reply.read())
    finally:
        connection.close()


def test_rows_survive_every_way_of_writing(node):
    full = {"name": "円", "protocol": "https", "host": "a.test", "port": 8443, "path": "/x%20y", "retries": 0,
            "connect_timeout": 1, "write_timeout": 2, "read_timeout": 2147483646, "tags": ["a b", "ü", '"q"\\'],
            "tls_verify": True, "tls_verify_depth": 3, "enabled": False}
    made = send(node, "POST", "/services", full)
    assert made.status == 201, made.text
    assert {key: made.json[key] for key in full} == full
    assert made.json["client_certificate"] is None and made.json["created_at"] == made.json["updated_at"]
    for path in ("/services/" + made.json["id"], "/services/%E5%86%86", "/services/" + made.json["id"].upper()):
        assert send(node, "GET", path).json == made.json
    again = send(node, "PUT", "/services/%E5%86%86", {"host": "b.test"})
    assert again.status == 200 and again.json["id"] == made.json["id"]
    assert again.json["created_at"] == made.json["created_at"] and again.json["retries"] == 5
    assert again.json["tags"] is None and again.json["enabled"] is True

    route = {"name": "r", "protocols": ["http", "https"], "methods": ["GET", "PURGE"], "hosts": ["*.a.test", "b:8080"],
             "paths": ["/a", "~/b/(?<n>\\d+)"], "headers": {"x-a": ["1", "~*^b"]}, "snis": ["s.test"],
             "regex_priority": -5, "strip_path": False, "preserve_host": True, "https_redirect_status_code": 308,
             "request_buffering": False, "response_buffering": False, "path_handling": "v1", "tags": ["t"]}
    made = send(node, "POST", "/services/%E5%86%86/routes", route)
    assert made.status == 201, made.text
    assert {key: made.json[key] for key in route} == route
    assert made.json["service"] == {"id": again.json["id"]}
    assert made.json["sources"] is None

    stream = {"protocols": ["tcp"], "sources": [{"ip": "10.0.0.0/8", "port": None}, {"ip": None, "port": 9}]}
    made = send(node, "POST", "/routes", stream)
    assert made.status == 201 and made.json["sources"] == stream["sources"], made.text
    assert send(node, "GET", "/routes/" + made.json["id"]).json == made.json


def test_forms_and_multipart(node):
    made = send(node, "POST", "/services", "name=s&url=http%3A%2F%2Fa.test%3A81%2Fx&tags[]=a&tags[]=b&retries=", FORM)
    assert made.status == 201, made.text
    assert (made.json["port"], made.json["path"], made.json["tags"]) == (81, "/x", ["a", "b"])
    made = send(node, "POST", "/routes", "service.name=s&paths[1]=/p&headers.x-a[1]=b&strip_path=false", FORM)
    assert made.status == 201 and made.json["headers"] == {"x-a": ["b"]} and made.json["strip_path"] is False
    body = '--b\r\nContent-Disposition: form-data; name="port"\r\n\r\n82\r\n--b--\r\n'
    patched = send(node, "PATCH", "/services/s", body, {"Content-Type": "multipart/form-data; boundary=b"})
    assert patched.status == 200 and patched.json["port"] == 82


def test_kongs_error_bodies(node):
    nobody = str(uuid.uuid4())
    send(node, "POST", "/services", {"name": "s", "host": "a"})
    send(node, "POST", "/services/s/routes", {"name": "r", "paths": ["/"]})
    cases = [
        ("POST", "/services", {"name": "s", "host": "a"}, 409, 5, """UNIQUE violation detected on '{name="s"}'"""),
        ("POST", "/services", {}, 400, 2, "schema violation (host: required field missing)"),
        ("POST", "/routes", {"paths": ["/"], "service": {"id": nobody}}, 400, 4,
         f"""the foreign key '{{id="{nobody}"}}' does not reference an existing 'services' entity."""),
        ("DELETE", "/services/s", None, 400, 4, "an existing 'routes' entity references this 'services' entity"),
        ("PATCH", "/routes/r", {"paths": None}, 400, 2, None),
        ("GET", "/services?size=0", None, 400, 9, "size must be an integer between 1 and 1000"),
        ("GET", "/services?offset=nonsense", None, 400, 7, None),
        ("GET", "/services?tags=", None, 400, 11, "invalid option (tags: cannot be null)"),
        ("GET", "/services/a%20b", None, 400, 10, None),
        ("GET", "/services/%ff", None, 400, 10, None),
        ("GET", "/services/nobody", None, 404, None, "Not found"),
        ("PATCH", "/services", {}, 405, None, "Method not allowed"),
    ]
    for method, path, body, status, code, message in cases:
        reply = send(node, method, path, body)
        assert (reply.status, reply.json.get("code")) == (status, code), (path, reply.text)
        assert message is None or reply.json["message"] == message, reply.text
    assert send(node, "POST", "/services", "x", {"Content-Type": "text/plain"}).status == 415
    assert send(node, "GET", "/services/%00").status == 400


def test_pages_follow_each_other_through_all_rows(node):
    for i in range(25):
        assert send(node, "PUT", f"/services/s{i}", {"host": "a", "tags": ["even" if i % 2 == 0 else "odd", "all"]}).status == 200
    names, path = [], "/services?size=7"
    while path:
        page = send(node, "GET", path).json
        names += [row["name"] for row in page["data"]]
        path = page["next"]
    assert sorted(names) == sorted(f"s{i}" for i in range(25))
    names, path = [], "/services?size=5&tags=even,all"
    while path:
        page = send(node, "GET", path).json
        names += [row["name"] for row in page["data"]]
        path = page["next"]
    assert sorted(names) == sorted(f"s{i}" for i in range(0, 25, 2))
    assert len(send(node, "GET", "/services?tags=even/odd").json["data"]) == 25
    assert len(send(node, "GET", "/services?tags=even,odd").json["data"]) == 0


def test_what_is_written_is_routed(node):
    upstream = Upstream()
    try:
        send(node, "POST", "/services", {"name": "up", "url": f"http://127.0.0.1:{upstream.port}/base"})
        assert send(node, "POST", "/services/up/routes", {"name": "r", "paths": ["/live"]}).status == 201
        node.sees("/live")
        assert call(node.proxy, "GET", "/live/x") == (200, "/base/x")
        send(node, "PATCH", "/services/up", {"path": "/other"})
        wait_until(lambda: call(node.proxy, "GET", "/live/x")[1] == "/other/x", "the change to arrive")
        send(node, "DELETE", "/routes/r")
        wait_until(lambda: call(node.proxy, "GET", "/live/x")[0] == 404, "the route to go")
    finally:
        upstream.stop()


def test_writers_at_once_get_one_winner(node):
    replies = []
    body = {"name": "race", "host": "a"}
    writers = [threading.Thread(target=lambda: replies.append(send(node, "POST", "/services", body).status))
               for _ in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(replies) == [201] + [409] * 7


def test_large_and_hostile_bodies(node):
    many = {"name": "many", "host": "a", "tags": [f"t{i}" for i in range(5000)]}
    assert send(node, "POST", "/services", many).status == 201
    assert send(node, "GET", "/services/many").json["tags"] == many["tags"]
    hostile = ["[" * 100000, '{"a":' * 5000 + "1" + "}" * 5000, '{"host":"\\u0000"}', '{"host":"\\ud800"}',
               '{"host":"a","retries":1e999}', '{"host":"a","created_at":99999999999999}', "\xff\xfe", "null"]
    for body in hostile:
        reply = send(node, "POST", "/services", body.encode("latin1"), {"Content-Type": "application/json"})
        assert reply.status == 400, (body[:40], reply.text[:200])
    form = "&".join(f"tags[]={i}" for i in range(1001))
    assert send(node, "POST", "/services", form, FORM).json == {"message": "Too many arguments"}


def test_methods_and_headers(node):
    reply = send(node, "OPTIONS", "/routes/x")
    assert reply.status == 204 and reply.text == ""
    assert reply.headers["Allow"] == reply.headers["Access-Control-Allow-Methods"]
    assert reply.headers["Allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"
    get, head = send(node, "GET", "/services"), send(node, "HEAD", "/services")
    assert head.text == "" and head.headers["Content-Length"] == get.headers["Content-Length"] == str(len(get.text))
    assert get.headers["Server"].startswith("sallyport/") and get.headers["X-Kong-Admin-Latency"].isdigit()
    assert get.headers["Content-Type"] == "application/json; charset=utf-8"


def test_the_node_tells_about_itself(node, server):
    root = send(node, "GET", "/").json
    assert root["version"] == "3.10.0" and root["configuration"]["database"] == "postgres"
    assert root["pids"]["master"] == node.process.pid and root["pids"]["workers"]
    status = send(node, "GET", "/status").json
    assert status["database"] == {"reachable": True} and status["server"]["total_requests"] > 0
    link = status["sallyport"]["link"]
    assert link["connected"] and link["port"] == server.port and link["server_version"].startswith("15")
    assert link["tls"]["version"] == "TLSv1.3" and link["tls"]["verified"]
    roles = {certificate["role"] for certificate in link["tls"]["certificates"]}
    assert {"server", "client"} <= roles
    assert all(certificate["seconds_to_expiry"] > 0 for certificate in link["tls"]["certificates"])
    code, same = call(node.status_port, "GET", "/status")
    assert code == 200 and same["sallyport"]["link"]["host"] == link["host"]
    assert call(node.status_port, "GET", "/status/ready") == (200, {"message": "ready"})
    assert call(node.status_port, "GET", "/services")[0] == 404
    assert "/services/{services}/routes" in send(node, "GET", "/endpoints").json["data"]


def test_the_database_away(node, server):
    upstream = Upstream()
    try:
        send(node, "POST", "/services", {"name": "up", "url": f"http://127.0.0.1:{upstream.port}"})
        send(node, "POST", "/services/up/routes", {"paths": ["/away"]})
        node.sees("/away")
        server.stop()
        reply = send(node, "POST", "/services", {"host": "a"})
        assert reply.status == 503 and "database" in reply.json["message"], reply.text
        kept = send(node, "GET", "/services")
        assert kept.status == 200 and kept.headers["X-Sallyport-Source"].startswith("snapshot; age=")
        assert call(node.proxy, "GET", "/away")[0] == 200
        wait_until(lambda: not send(node, "GET", "/status").json["database"]["reachable"], "the loss to be told")
        assert send(node, "GET", "/status").json["sallyport"]["link"]["last_error"]["message"]
        assert call(node.status_port, "GET", "/status/ready")[0] == 200
        assert server.run()
        wait_until(lambda: send(node, "POST", "/services", {"host": "a"}).status == 201, "writes to work again")
        wait_until(lambda: send(node, "GET", "/status").json["database"]["reachable"], "the link to be back")
    finally:
        if server.pid is None:
            server.run()
        upstream.stop()
