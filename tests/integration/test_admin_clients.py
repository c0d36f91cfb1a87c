"""The calls of those who use Kong's Admin API every day: decK, Kong Manager, the bundled plugins."""
import http.client
import json
import os
import uuid

import pytest

from cluster import wait_until
from gateway import Node, call, sallyport, write_conf

MANAGER = "http://manager.test:8002"


@pytest.fixture(scope="module")
def conf(clusters, tmp_path_factory):
    server = clusters.start("clients")
    root = tmp_path_factory.mktemp("clients")
    settings = {"database": "postgres", "pg_host": "127.0.0.1", "pg_port": server.port, "pg_user": "kong",
                "pg_password": "kongpass", "pg_database": "kong", "admin_gui_url": MANAGER + "/manager"}
    path = write_conf(root / "kong.conf", settings)
    sallyport("migrations", "bootstrap", "-c", path, check=0)
    yield settings, root
    server.stop()


@pytest.fixture(scope="module")
def node(conf):
    settings, root = conf
    made = Node(str(root / "node"), settings)
    yield made
    made.stop()


def send(node, method, path, body=None, headers=None, port=None):
    connection = http.client.HTTPConnection("127.0.0.1", port or node.admin, timeout=20)
    headers = dict(headers or {})
    if body is not None and not isinstance(body, (str, bytes)):
        body, headers = json.dumps(body), dict(headers, **{"Content-Type": "application/json"})
    connection.request(method, path, body, headers)
    reply = connection.getresponse()
    reply.text = reply.read().decode()
    connection.close()
    return reply


# What decK lists, in the order of its levels; 404 is an answer that it takes.
DUMPED = ["/services", "/routes", "/plugins", "/certificates", "/snis", "/ca_certificates", "/consumers", "/upstreams",
          "/key-auths", "/hmac-auths", "/jwts", "/basic-auths", "/oauth2", "/acls", "/vaults", "/keys", "/key-sets"]
NOT_IN_KONG_OSS = ["/mtls-auths", "/consumer_groups?size=1000", "/rbac/roles", "/licenses", "/workspaces/default/meta"]


def dump(node, tags=""):
    """Every row, as `deck gateway dump` reads them: pages of `size`, `next` followed."""
    rows = {}
    for path in DUMPED:
        rows[path], following = [], f"{path}?size=2{tags}"
        while following:
            status, page = call(node.admin, "GET", following)
            assert status == 200, (following, page)
            rows[path] += page["data"]
            following = page["next"]
    for upstream in rows["/upstreams"]:
        rows["/targets"] = rows.get("/targets", []) + call(
            node.admin, "GET", f"/upstreams/{upstream['id']}/targets?size=1000")[1]["data"]
    for path in NOT_IN_KONG_OSS:
        assert call(node.admin, "GET", path)[0] == 404, path
    return rows


def test_a_deck_sync_and_dump(node):
    root = call(node.admin, "GET", "/")[1]
    assert root["version"] == "3.10.0" and root["configuration"]["database"] == "postgres"
    assert "key-auth" in root["plugins"]["available_on_server"]
    for schema in ("services", "routes", "upstreams", "plugins/key-auth", "plugins/rate-limiting"):
        assert call(node.admin, "GET", "/schemas/" + schema)[1]["fields"]
    ids = {name: str(uuid.uuid4()) for name in "service route consumer key plugin upstream target vault global".split()}
    tags = ["team-a", "managed"]
    # Creates go by level: consumers and vaults, services and credentials, routes and targets, plugins.
    creates = [
        ("/consumers/" + ids["consumer"], {"username": "ada", "custom_id": "7"}),
        ("/vaults/" + ids["vault"], {"prefix": "team", "name": "env", "config": {"prefix": "TEAM_"}}),
        ("/services/" + ids["service"], {"name": "shop", "host": "shop", "port": 80, "protocol": "http"}),
        ("/upstreams/" + ids["upstream"], {"name": "shop"}),
        (f"/consumers/{ids['consumer']}/key-auth/{ids['key']}", {"key": "adas-key"}),
        ("/routes/" + ids["route"], {"name": "shop", "paths": ["/shop"], "service": {"id": ids["service"]}}),
        (f"/upstreams/{ids['upstream']}/targets/{ids['target']}", {"target": "127.0.0.1:8000"}),
        ("/plugins/" + ids["plugin"], {"name": "key-auth", "route": {"id": ids["route"]}}),
        ("/plugins/" + ids["global"], {"name": "correlation-id"}),
    ]
    for path, body in creates:
        status, made = call(node.admin, "PUT", path, dict(body, id=path.rsplit("/", 1)[1], tags=tags))
        assert status == 200 and made["id"] == path.rsplit("/", 1)[1], made
    rows = dump(node, "&tags=team-a,managed")
    assert {path: len(found) for path, found in rows.items() if found} == {
        "/services": 1, "/routes": 1, "/plugins": 2, "/consumers": 1, "/upstreams": 1, "/key-auths": 1, "/vaults": 1,
        "/targets": 1}
    # A second sync finds no difference: a PUT of what was dumped changes nothing but updated_at.
    for path in ("/services", "/routes", "/plugins", "/consumers", "/upstreams", "/vaults"):
        for row in rows[path]:
            status, again = call(node.admin, "PUT", f"{path}/{row['id']}", row)
            assert status == 200, again
            assert dict(again, updated_at=0) == dict(row, updated_at=0), path
    assert call(node.admin, "PUT", "/services/" + ids["service"], {"name": "shop", "host": "b.test"})[1]["host"] == "b.test"
    deletes = [f"/plugins/{ids['global']}", f"/plugins/{ids['plugin']}", f"/upstreams/{ids['upstream']}/targets/{ids['target']}",
               f"/routes/{ids['route']}", f"/consumers/{ids['consumer']}/key-auth/{ids['key']}",
               f"/upstreams/{ids['upstream']}", f"/services/{ids['service']}", f"/vaults/{ids['vault']}",
               f"/consumers/{ids['consumer']}"]
    for path in deletes:
        assert call(node.admin, "DELETE", path)[0] == 204, path
    assert not any(dump(node).values())


def test_kong_manager(node):
    """A page of admin_gui_url: preflights, reads, writes; pages of others learn nothing."""
    host = {"Host": f"manager.test:{node.admin}"}
    preflight = dict(host, Origin=MANAGER, **{"Access-Control-Request-Method": "PATCH",
                                              "Access-Control-Request-Headers": "content-type,kong-admin-token"})
    reply = send(node, "OPTIONS", "/services/x", headers=preflight)
    assert reply.status == 204 and reply.headers["Access-Control-Allow-Origin"] == MANAGER
    assert reply.headers["Access-Control-Allow-Credentials"] == "true" and "Origin" in reply.headers["Vary"]
    assert "PATCH" in reply.headers["Access-Control-Allow-Methods"]
    assert reply.headers["Access-Control-Allow-Headers"] == "content-type,kong-admin-token"
    page = dict(host, Origin=MANAGER, **{"Sec-Fetch-Site": "same-site"})
    for path in ("/", "/status", "/endpoints", "/services?size=30", "/schemas/services", "/schemas/plugins/cors",
                 "/plugins/enabled", "/vaults", "/tags"):
        reply = send(node, "GET", path, headers=page)
        assert (reply.status, reply.headers["Access-Control-Allow-Origin"]) == (200, MANAGER), path
    checked = send(node, "POST", "/schemas/services/validate", {"host": "a.test"}, page)
    assert checked.status == 200 and json.loads(checked.text)["message"] == "schema validation successful"
    made = send(node, "POST", "/services", {"name": "page", "host": "a.test"}, page)
    assert made.status == 201
    foreign = dict(host, Origin="http://evil.test")
    assert send(node, "POST", "/services", {"host": "a.test"}, foreign).status == 403
    assert send(node, "GET", "/services", headers=foreign).headers["Access-Control-Allow-Origin"] == MANAGER
    assert send(node, "DELETE", "/services/page", headers=page).status == 204


def test_endpoints_of_plugins_and_filters(node):
    golden = {"/acme", "/acme/certificates", "/acme/certificates/{certificates}", "/acme_storage", "/filter-chains",
              "/acme_storage/{acme_storage}", "/debug/cluster/log-level/{log_level}", "/metrics", "/proxy-cache",
              "/filter-chains/{filter_chains}", "/proxy-cache/{cache_key}", "/sessions", "/sessions/{sessions}",
              "/proxy-cache/{plugin_id}/caches/{cache_key}", "/routes/{routes}/filter-chains",
              "/routes/{routes}/filters/all", "/schemas/filters/{name}", "/services/{services}/filter-chains"}
    assert golden <= set(call(node.admin, "GET", "/endpoints")[1]["data"])
    for path in ("/filter-chains", "/routes/r/filter-chains", "/routes/r/filters/all"):
        assert call(node.admin, "GET", path) == (400, {
            "message": "this endpoint is only available when wasm is enabled"}), path
    assert call(node.admin, "GET", "/acme/certificates")[0] == 404
    assert call(node.admin, "DELETE", "/proxy-cache")[0] == 204
    assert call(node.admin, "GET", "/proxy-cache/none")[0] == 404
    status, made = call(node.admin, "POST", "/sessions", {"session_id": "s1", "expires": 60, "data": "x"})
    assert status == 201 and made["ttl"] is None
    assert call(node.admin, "GET", "/sessions/s1")[1]["data"] == "x"
    assert call(node.admin, "DELETE", "/sessions/s1")[0] == 204
    assert call(node.admin, "POST", "/acme_storage", {"key": "k", "value": "v", "ttl": 60})[1]["ttl"] == 60
    assert len(call(node.admin, "GET", "/acme_storage")[1]["data"]) == 1
    for name in ("sessions", "acme_storage"):
        assert call(node.admin, "GET", "/schemas/" + name)[0] == 200


def test_the_status_api_shows_the_health_of_upstreams(node):
    assert call(node.admin, "PUT", "/upstreams/seen", {})[0] == 200
    assert call(node.admin, "POST", "/upstreams/seen/targets", {"target": "127.0.0.1:9"})[0] == 201
    for path in ("/upstreams/seen/targets", "/upstreams/seen/health"):
        status, rows = call(node.status_port, "GET", path)
        assert status == 200 and rows["data"][0]["target"] == "127.0.0.1:9"
    assert call(node.status_port, "POST", "/upstreams/seen/targets", {"target": "127.0.0.1:10"})[0] == 404
    assert call(node.status_port, "GET", "/upstreams/seen")[0] == 404
    assert call(node.status_port, "GET", "/status/dns")[0] == 501
    assert call(node.admin, "DELETE", "/upstreams/seen")[0] == 204


def test_a_log_level_holds_for_a_while(node):
    level = "/debug/node/log-level"
    assert call(node.admin, "PUT", level + "/debug", {"timeout": 1}) == (200, {"message": "log level changed"})
    assert call(node.admin, "GET", level)[1]["message"] == "log level: debug"
    wait_until(lambda: call(node.admin, "GET", level)[1]["message"] == "log level: notice", "the level of before", 5)


def test_metrics(node):
    for port in (node.admin, node.status_port):
        reply = send(node, "GET", "/metrics", port=port)
        assert reply.status == 200 and reply.headers["Content-Type"] == "text/plain; charset=UTF-8"
        for line in ("kong_datastore_reachable 1", 'subsystem="http",state="total"', "kong_node_info{"):
            assert line in reply.text, line
        for line in reply.text.splitlines():
            assert line.startswith("#") or float(line.rsplit(" ", 1)[1]) >= -1, line


def test_plugins_without_behaviour_are_named_once(node):
    for name in ("jwt", "http-log"):
        config = {"http_endpoint": "http://127.0.0.1:9"} if name == "http-log" else {}
        assert call(node.admin, "POST", "/plugins", {"name": name, "config": config})[0] == 201
    assert call(node.admin, "POST", "/services", {"name": "j", "host": "a.test"})[0] == 201
    assert call(node.admin, "POST", "/services/j/plugins", {"name": "jwt"})[0] == 201

    def faults():
        return call(node.admin, "GET", "/status")[1]["sallyport"]["configuration"]["faults"]
    wait_until(lambda: any("http-log" in fault for fault in faults()), "the plugins to be seen")
    assert len(faults()) == 1 and "jwt (their requests are answered 503); http-log" in faults()[0]
    with open(node.log) as log:
        lines = [line for line in log if "no behaviour" in line and "jwt" in line and "http-log" in line]
    assert len(lines) == 1 and "[warn]" in lines[0], lines
    root = call(node.admin, "GET", "/")[1]
    assert {"jwt", "http-log"} <= set(root["sallyport"]["plugins_without_behaviour"])
    assert call(node.admin, "GET", "/services/j/plugins")[1]["data"][0]["name"] == "jwt"
    for plugin in call(node.admin, "GET", "/plugins")[1]["data"]:
        call(node.admin, "DELETE", "/plugins/" + plugin["id"])
    wait_until(lambda: not faults(), "the faults to go")


def test_vaults_are_found_by_their_prefix(node, conf):
    settings, root = conf
    assert call(node.admin, "PUT", "/vaults/our-env", {"name": "env", "config": {"prefix": "OURS_"}})[0] == 200
    path, env = write_conf(root / "vault.conf", settings), {"OURS_PASSWORD": "xyzzy"}
    assert sallyport("vault", "get", "our-env/password", "-c", path, check=0, env=env).stdout == "xyzzy\n"
    assert sallyport("vault", "get", "{vault://our-env/password}", "-c", path, check=0, env=env).stdout == "xyzzy\n"
    assert "other-env" in sallyport("vault", "get", "other-env/password", "-c", path, check=1, env=env).stderr


def resident(node):
    with open(f"/proc/{node.process.pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def test_hostile_bodies_leave_the_memory_flat(node):
    json_type = {"Content-Type": "application/json"}
    bodies = ["[" * 2_000_000, '{"a":' * 400_000, "[" + "1," * 1_000_000 + "1]", '{"name":"' + "x" * 4_000_000 + '"}',
              '{"tags":[' + '"a",' * 300_000 + '"a"]}']

    def round_of_them():
        for body in bodies:
            assert 400 <= send(node, "POST", "/services", body, json_type).status < 500
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        assert 400 <= send(node, "POST", "/services", "&".join("a[%d]=1" % i for i in range(20_000)), form).status < 500
        assert 400 <= send(node, "POST", "/services", "a" + "[b]" * 50_000 + "=1", form).status < 500
    round_of_them()
    before = resident(node)
    for _ in range(3):
        round_of_them()
    assert resident(node) - before < 150 << 20  # a sanitizer's quarantine, and no more
    assert call(node.admin, "GET", "/services")[0] == 200
