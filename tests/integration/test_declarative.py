"""A node without a database: a declarative file at the start, POST /config, writes refused."""
import http.client
import json
import signal
import uuid

import pytest
import yaml

from certificates import openssl
from cluster import wait_until
from gateway import Node, Upstream, call, sallyport

NAMESPACE = uuid.UUID("fd02801f-0957-4a15-a55a-c8d9606f30b5")


def derived(entity, key):
    return str(uuid.uuid5(uuid.uuid5(NAMESPACE, entity), key))


def document(port, path="/first", name="example"):
    return f"""
_format_version: "3.0"
_transform: true
services:
- name: {name}
  url: http://127.0.0.1:{port}
  routes:
  - name: {name}-route
    paths: [{path}]
    strip_path: false
"""


def post(node, text, query="", kind="text/yaml"):
    connection = http.client.HTTPConnection("127.0.0.1", node.admin, timeout=30)
    connection.request("POST", "/config" + query, text, {"Content-Type": kind} if kind else {})
    reply = connection.getresponse()
    body = reply.read().decode()
    connection.close()
    return reply.status, json.loads(body) if body else None


@pytest.fixture(scope="module")
def upstream():
    made = Upstream()
    yield made
    made.stop()


@pytest.fixture
def start(tmp_path):
    nodes = []

    def make(expect_ready=True, **settings):
        nodes.append(Node(str(tmp_path / "prefix"), dict({"database": "off"}, **settings), wait=expect_ready))
        return nodes[-1]

    yield make
    for node in nodes:
        node.stop()


@pytest.fixture
def node(start, upstream, tmp_path):
    path = tmp_path / "kong.yml"
    path.write_text(document(upstream.port))
    return start(declarative_config=str(path))


def test_serves_what_the_file_says(node):
    assert call(node.proxy, "GET", "/first/x") == (200, "/first/x")
    status, service = call(node.admin, "GET", "/services/example")
    assert (status, service["id"]) == (200, derived("services", "example"))
    assert call(node.admin, "GET", "/routes/example-route")[1]["service"] == {"id": service["id"]}
    assert call(node.admin, "GET", "/services/example/routes")[1]["data"][0]["name"] == "example-route"
    assert len(call(node.admin, "GET", "/status")[1]["configuration_hash"]) == 32
    assert "database" not in call(node.admin, "GET", "/status")[1]


def test_refuses_writes_as_kong_does(node):
    def refused(method, path, body, word):
        status, answer = call(node.admin, method, path, body)
        message = f"cannot {word} 'services' entities when not using a database"
        assert (status, answer) == (405, {"message": message, "name": "operation unsupported", "code": 12})

    refused("POST", "/services", {"host": "a.test"}, "create")
    refused("PUT", "/services/other", {"host": "a.test"}, "create or update")
    refused("PATCH", "/services/example", {"port": 81}, "update")
    refused("DELETE", "/services/example", None, "remove")
    assert call(node.admin, "DELETE", "/services/nobody")[0] == 204
    assert call(node.admin, "POST", "/services", {"port": -1})[0] == 400


def test_config_replaces_everything(node, upstream):
    text = document(upstream.port, "/second", "other")
    status, answer = post(node, text)
    assert status == 201
    assert list(answer["services"]) == [derived("services", "other")]
    for _ in range(20):  # every worker has it once the answer is there
        assert call(node.proxy, "GET", "/second")[0] == 200
        assert call(node.proxy, "GET", "/first")[0] == 404
    assert post(node, text, "?check_hash=1") == (304, None)
    exported = yaml.safe_load(call(node.admin, "GET", "/config")[1]["config"])
    assert exported["_format_version"] == "3.0" and exported["services"][0]["name"] == "other"
    assert post(node, json.dumps(exported), kind="application/json")[0] == 201
    assert call(node.proxy, "GET", "/second")[0] == 200


def test_config_may_be_sent_in_several_ways(node, upstream):
    text = document(upstream.port)
    part = f'--b\r\nContent-Disposition: form-data; name="config"; filename="k.yml"\r\n\r\n{text}\r\n--b--\r\n'
    assert post(node, part, kind="multipart/form-data; boundary=b")[0] == 201
    assert post(node, text, kind="application/x-www-form-urlencoded")[0] == 201  # curl --data-binary
    assert post(node, json.dumps({"config": text}), kind="application/json")[0] == 201
    assert post(node, text, kind=None)[0] == 201
    assert post(node, "", kind="text/yaml") == (400, {"message": "expected a declarative configuration"})


def test_a_faulty_config_changes_nothing_and_names_every_fault(node):
    text = """
_format_version: "3.0"
services:
- {name: bad, tags: [t], port: 70000, host: h}
routes:
- {name: r, paths: [no-slash], service: nobody}
"""
    status, answer = post(node, text)
    assert (status, answer["code"], answer["name"]) == (400, 14, "invalid declarative configuration")
    assert answer["fields"]["services"][0] == {"port": "value should be between 0 and 65535"}
    assert answer["message"].startswith("declarative config is invalid: {")
    status, answer = post(node, text, "?flatten_errors=1")
    assert status == 400 and answer["fields"] == {}
    first = answer["flattened_errors"][0]
    assert (first["entity_type"], first["entity_name"], first["entity_tags"]) == ("service", "bad", ["t"])
    assert first["errors"] == [{"field": "port", "type": "field", "message": "value should be between 0 and 65535"}]
    assert {e["type"] for e in answer["flattened_errors"][1]["errors"]} == {"field", "entity"}
    status, answer = post(node, "a: [")
    assert status == 400 and "failed parsing declarative configuration" in answer["fields"]["error"]
    assert call(node.proxy, "GET", "/first")[0] == 200


def test_a_certificate_that_openssl_refuses_has_a_remedy_for_this_node(node, tmp_path):
    key, cert = str(tmp_path / "weak.key"), str(tmp_path / "weak.crt")
    openssl("req", "-x509", "-newkey", "rsa:1024", "-nodes", "-keyout", key, "-out", cert, "-subj", "/CN=weak.test")
    certificate = {"id": str(uuid.uuid4()), "cert": open(cert).read(), "key": open(key).read()}
    assert post(node, json.dumps({"_format_version": "3.0", "certificates": [certificate]}), kind="application/json")[0] == 201
    wait_until(lambda: certificate["id"] in open(node.log).read(), "the certificate to be named", 10)
    said = [line for line in open(node.log).read().splitlines() if certificate["id"] in line]
    assert len(said) == 1 and "it is left out" in said[0] and "Load a configuration" in said[0] and "PATCH" not in said[0]


def test_starts_empty_and_keeps_what_was_posted(start, upstream):
    node = start(expect_ready=False)
    wait_until(lambda: reachable(node), "the Status API", 30)
    assert call(node.status_port, "GET", "/status/ready") == (
        503, {"message": "no configuration available (empty configuration present)"})
    assert call(node.admin, "GET", "/services") == (200, {"data": [], "next": None})
    assert post(node, document(upstream.port))[0] == 201
    assert call(node.status_port, "GET", "/status/ready")[0] == 200
    node.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "reloaded" in open(node.log).read(), "the reload")
    assert call(node.proxy, "GET", "/first")[0] == 200
    node.stop()
    again = start()  # ready at once: the prefix kept it
    assert call(again.proxy, "GET", "/first")[0] == 200


def reachable(node):
    try:
        return call(node.status_port, "GET", "/status")[0] == 200
    except OSError:
        return False


def routed(node, path):
    try:
        return call(node.proxy, "GET", path)[0] == 200
    except OSError:  # the former data plane closes its listeners
        return False


def test_a_reload_reads_the_file_anew(node, upstream, tmp_path):
    (tmp_path / "kong.yml").write_text("_format_version: '3.0'\nservices: [{host: 'a b'}]\n")
    node.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "the former configuration stays in use" in open(node.log).read(), "the refusal")
    assert call(node.proxy, "GET", "/first")[0] == 200
    (tmp_path / "kong.yml").write_text(document(upstream.port, "/third"))
    node.process.send_signal(signal.SIGHUP)
    wait_until(lambda: routed(node, "/third"), "the new file")


def test_a_faulty_file_keeps_the_node_from_starting(tmp_path):
    path = tmp_path / "kong.yml"
    path.write_text("_format_version: '3.0'\nservices:\n- {name: a}\n- {host: 'b c'}\n")
    done = sallyport("start", "--foreground", "-p", str(tmp_path / "p"), timeout=20, env={
        "KONG_DATABASE": "off", "KONG_DECLARATIVE_CONFIG": str(path), "KONG_PROXY_LISTEN": "off"})
    assert done.returncode == 1
    assert "in 'host': required field missing" in done.stderr
    assert "in entry 2 of 'services'" in done.stderr


def test_expressions_from_the_command_line_to_the_request(start, upstream, tmp_path):
    """router_flavor is known before anything looks at the schema of routes, in every command."""
    written = tmp_path / "expressions.yml"
    written.write_text(f"""
_format_version: "3.0"
services:
- url: http://127.0.0.1:{upstream.port}
  routes:
  - name: by-expression
    expression: http.path ^= "/asked" && http.method == "GET"
    priority: 7
    strip_path: false
""")
    assert "expression" in sallyport("config", "parse", str(written), check=1).stderr
    flavor = {"KONG_ROUTER_FLAVOR": "expressions", "KONG_DATABASE": "off", "KONG_PREFIX": str(tmp_path / "none")}
    sallyport("config", "parse", str(written), check=0, env=flavor)
    node = start(router_flavor="expressions", declarative_config=str(written))
    assert call(node.proxy, "GET", "/asked/for") == (200, "/asked/for")
    assert call(node.proxy, "GET", "/other")[0] == 404
    route = call(node.admin, "GET", "/routes/by-expression")[1]
    assert (route["priority"], route["paths"] if "paths" in route else None) == (7, None), route
    fields = [name for field in call(node.admin, "GET", "/schemas/routes")[1]["fields"] for name in field]
    assert {"expression", "priority"} <= set(fields)
