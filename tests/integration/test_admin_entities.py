"""Every entity through the Admin API of a real node: credentials, certificates' names, plugins' schemas,
batches, and texts that mean harm."""
import os
import urllib.parse

import pytest

from gateway import Node, link_settings, sallyport, write_conf
from test_admin import FORM, send


@pytest.fixture(scope="module")
def server(clusters, pki):
    made = clusters.start("entities", {"ssl": "on", "ssl_ca_file": "ca.crt"}, ["hostssl all all all cert"],
                          {"server.crt": pki.server.cert, "server.key": pki.server.key, "ca.crt": pki.root.cert})
    yield made
    made.stop()


@pytest.fixture(scope="module")
def node(server, pki, workspace):
    settings = dict(link_settings(server, pki), pg_ssl_version="tlsv1_3")
    prefix = os.path.join(workspace, "entities-node")
    os.makedirs(prefix, exist_ok=True)
    sallyport("migrations", "bootstrap", "-c", write_conf(prefix + "/migrate.conf", settings), check=0)
    made = Node(prefix, settings)
    yield made
    made.stop()


def test_credentials_hang_below_their_consumer(node):
    consumer = send(node, "PUT", "/consumers/ada", {}).json
    key = send(node, "POST", "/consumers/ada/key-auth", {"ttl": 60}).json
    assert len(key["key"]) == 32 and 0 < key["ttl"] <= 60
    secret = send(node, "POST", "/consumers/ada/basic-auth", {"username": "ada", "password": "p"}).json
    assert len(secret["password"]) == 40, "stored as a hash"
    same = send(node, "PATCH", "/consumers/ada/basic-auth/ada", {"tags": ["x"]}).json
    assert same["password"] == secret["password"], "hashed once"
    assert send(node, "POST", "/consumers/ada/acls", {"group": "g"}).status == 201
    assert send(node, "GET", "/consumers/ada/acls/g").json["consumer"] == {"id": consumer["id"]}
    assert send(node, "POST", "/consumers/ada/key-auth", {"ttl": "soon"}).json["code"] == 11
    assert send(node, "DELETE", "/consumers/ada").status == 204
    assert send(node, "GET", "/key-auths").json["data"] == []


def test_plugins_are_checked_by_their_schemas(node):
    made = send(node, "POST", "/plugins", "name=rate-limiting&config.minute=5&config.redis_port=6380", FORM).json
    assert made["config"]["minute"] == 5 and made["config"]["redis"]["port"] == 6380
    assert made["config"]["redis_port"] == 6380, "the old name is shown beside the new one"
    patched = send(node, "PATCH", "/plugins/" + made["id"], "config.hour=7", FORM).json
    assert (patched["config"]["minute"], patched["config"]["hour"]) == (5, 7)
    assert send(node, "POST", "/plugins", {"name": "rate-limiting", "config": {"minute": 1}}).status == 409
    wrong = send(node, "POST", "/plugins", {"name": "key-auth", "config": {"key_names": "k", "colour": 1}}).json
    assert wrong["fields"]["config"] == {"key_names": "expected an array", "colour": "unknown field"}
    assert "not enabled" in send(node, "POST", "/plugins", {"name": "nobody"}).json["fields"]["name"]
    send(node, "DELETE", "/plugins/" + made["id"])


def test_null_is_sound_or_refused_in_every_field(node):
    sound = {"services": {"host": "h.test"}, "routes": {"paths": ["/null"]}, "consumers": {"username": "null"},
             "upstreams": {"name": "null.test"}, "plugins": {"name": "cors"}, "key-sets": {"name": "null"},
             "vaults": {"name": "env", "prefix": "null"}, "upstreams/fixed/targets": {"target": "null.test"},
             "consumers/fixed/key-auth": {}, "consumers/fixed/acls": {"group": "null"},
             "consumers/fixed/basic-auth": {"username": "null", "password": "p"}, "consumers/fixed/jwt": {},
             "consumers/fixed/hmac-auth": {"username": "null"}, "consumers/fixed/oauth2": {"name": "null"}}
    for path in ("/upstreams/fixed", "/consumers/fixed"):
        assert send(node, "PUT", path, {}).status == 200
    for path, body in sound.items():
        made = send(node, "POST", "/" + path, body)
        assert made.status == 201, (path, made.json)
        one = "/%s/%s" % (path, made.json["id"])
        for field in made.json:
            for method in ("PATCH", "PUT"):
                given = {field: None} if method == "PATCH" else dict(body, **{field: None})
                answer = send(node, method, one, given)
                assert answer.status in (200, 400), (method, path, field, answer.json)
        send(node, "DELETE", one)
        for field in made.json:
            answer = send(node, "POST", "/" + path, dict(body, **{field: None}))
            assert answer.status in (201, 400), (path, field, answer.json)
            if answer.status == 201:
                send(node, "DELETE", "/%s/%s" % (path, answer.json["id"]))
    for path in ("/upstreams/fixed", "/consumers/fixed"):
        send(node, "DELETE", path)


def test_a_batch_is_all_or_nothing(node):
    def post(path, **body):
        return {"method": "POST", "path": path, "body": body}
    good = [post("/services", name="b%d" % i, host="h.test") for i in range(20)]
    assert send(node, "POST", "/_batch", {"operations": good}).status == 200
    bad = [post("/consumers", username="batch"), good[3], post("/routes", paths=["nonsense"]), {"method": "GET"}]
    refused = send(node, "POST", "/_batch", {"operations": bad[:3]})
    assert refused.status == 400 and [f["index"] for f in refused.json["faults"]] == [1, 2]
    refused = send(node, "POST", "/_batch", {"operations": bad}).json
    assert refused["failed"] == 3 and [f["index"] for f in refused["faults"]] == [1, 2, 3]
    assert send(node, "POST", "/_batch", {"operations": bad[3:]}).json["faults"][0]["index"] == 0
    assert send(node, "GET", "/consumers/batch").status == 404
    gone = [{"method": "DELETE", "path": "/services/b%d" % i} for i in range(20)]
    assert send(node, "POST", "/_batch", {"operations": gone}).status == 200


def test_operations_of_a_batch_see_each_other(node):
    def one(method, path, **body):
        return {"method": method, "path": path, **({"body": body} if method != "DELETE" else {})}
    sound = [one("PUT", "/services/seen", host="a.test"), one("POST", "/services/seen/routes", name="r1", paths=["/r1"]),
             one("PATCH", "/services/seen", name="renamed", host="b.test"),
             one("POST", "/services/renamed/routes", name="r2", paths=["/r2"]),
             one("PUT", "/consumers/seen"), one("POST", "/consumers/seen/key-auth", key="seen-key")]
    done = send(node, "POST", "/_batch", {"operations": sound})
    assert done.status == 200, done.text
    bodies = [result["body"] for result in done.json["results"]]
    assert bodies[1]["service"] == bodies[3]["service"] == {"id": bodies[0]["id"]} and bodies[2]["host"] == "b.test"
    stale = [one("PATCH", "/services/renamed", name="again"), one("POST", "/services/renamed/routes", paths=["/x"]),
             one("DELETE", "/consumers/seen"), one("POST", "/consumers/seen/key-auth"), one("GET", "/")]
    faults = send(node, "POST", "/_batch", {"operations": stale}).json["faults"]
    assert [(fault["index"], fault["status"]) for fault in faults] == [(1, 404), (3, 404), (4, 400)]
    gone = [one("DELETE", path) for path in ("/routes/r1", "/routes/r2", "/services/renamed", "/consumers/seen")]
    assert send(node, "POST", "/_batch", {"operations": gone}).status == 200


def injections():
    seeds = ["' OR 1=1--", "'; DROP TABLE services;--", "\\'; --", "$1", "{x}", "%", "%00", "{}", "a\x00b", "\u202e",
             "../../etc/passwd", "<script>", "${jndi:ldap://x}", "\xff\xfe", "a,b/c", "a/b", "{\"a\":1}", "null",
             "\r\nX: y", "'||pg_sleep(9)||'"]
    return [left + seed + right for seed in seeds for left in ("", "x", "\"", "'", "(") for right in ("", ")")]


def test_texts_that_mean_harm_are_only_texts(node):
    for text in injections():
        quoted = urllib.parse.quote(text, safe="")
        for path in ("/services?tags=%s", "/services?offset=%s", "/services?size=%s", "/consumers?custom_id=%s",
                     "/tags/%s", "/services/%s", "/consumers/%s", "/certificates/%s", "/schemas/%s"):
            assert send(node, "GET", path % quoted).status < 500, path % quoted
        made = send(node, "POST", "/consumers", {"username": text, "tags": [text]})
        assert made.status in (201, 400), text
        if made.status == 201:
            assert send(node, "GET", "/consumers/" + made.json["id"]).json["username"] == text
            send(node, "DELETE", "/consumers/" + made.json["id"])


def test_bodies_beyond_reason_are_refused(node):
    json_type = {"Content-Type": "application/json"}
    assert send(node, "POST", "/services", "[" * 100000, json_type).status == 400
    assert send(node, "POST", "/services", "{\"name\": \"\xff\"", json_type).status == 400
    assert send(node, "POST", "/services", "x" * (11 << 20), json_type).status == 413
    gzip = dict(json_type, **{"Content-Encoding": "gzip"})
    assert send(node, "POST", "/services", "\x1f\x8b", gzip).status in (400, 415)


def test_pages_of_other_sites_are_refused(node):
    port = node.admin
    rebound = {"Host": "evil.test:%d" % port, "Sec-Fetch-Site": "same-origin"}
    assert send(node, "GET", "/services", headers=rebound).status == 403
    assert send(node, "GET", "/services", headers={"Host": "evil.test:%d" % port}).status == 403
    assert send(node, "POST", "/consumers", "username=evil", dict(FORM, Host="evil.test")).status == 403
    foreign = {"Origin": "http://evil.test", "Content-Type": "application/x-www-form-urlencoded"}
    assert send(node, "POST", "/consumers", "username=evil", foreign).status == 403
    assert send(node, "GET", "/consumers/evil").status == 404
    assert send(node, "GET", "/services", headers={"Origin": "http://evil.test"}).status == 200
    own = dict(FORM, Origin="http://localhost:8002")
    assert send(node, "POST", "/consumers", "username=own", own).status == 201
    assert send(node, "POST", "/consumers", "username=curl", dict(FORM, Host="admin.internal")).status == 201
