"""Plugins on the data plane: chains, what they change, what they refuse."""
import json
import os
import re
import threading
import time

import pytest

from data_plane import Upstream, answer, uuid
from test_proxy_h2 import H2Client

ROUTE, SERVICE = uuid(2), uuid(1)


def row(number, name, config=None, **scope):
    return {"id": uuid(500 + number), "name": name, "config": config or {},
            **{key: {"id": value} if isinstance(value, str) and key in ("route", "service", "consumer") else value
               for key, value in scope.items()}}


def test_termination_and_precedence(plane):
    gateway = plane(Upstream(), plugins=[
        row(1, "request-termination", {"status_code": 501, "message": "global"}),
        row(2, "request-termination", {"status_code": 502, "message": "service"}, service=SERVICE),
        row(3, "request-termination", {"status_code": 403, "message": "route"}, route=ROUTE)])
    response = gateway.connect().get()
    assert (response.status, response.json()) == (403, {"message": "route"})
    assert response.get("content-type") == "application/json; charset=utf-8"
    assert response.get("x-kong-response-latency") is not None and response.get("via") is None
    gateway.load(plugins=[row(1, "request-termination", {"status_code": 501}, enabled=False)])
    assert gateway.connect().get().status == 200
    gateway.load(plugins=[row(1, "request-termination", {"trigger": "X-Stop", "body": "<p>", "content_type": "text/html"},
                              protocols=["http"])])
    client = gateway.connect()
    assert client.get().status == 200
    response = client.get("/?x-stop", "X-Stop: 1\r\n")
    assert (response.status, response.body, response.get("content-type")) == (503, b"<p>", "text/html")
    gateway.load(plugins=[row(1, "request-termination", {}, protocols=["https"])])
    assert gateway.connect().get().status == 200


def test_clients_cannot_name_away_what_plugins_add(plane):
    gateway = plane(Upstream(), plugins=[row(1, "request-transformer", {"add": {"headers": ["X-Checked:yes"]}}),
                                         row(2, "key-auth")],
                    consumers=[{"id": uuid(600), "username": "ann"}])
    gateway.load(keyauth_credentials=[{"id": uuid(601), "key": "k", "consumer": {"id": uuid(600)}}])
    response = gateway.connect().get("/", "apikey: k\r\nX-Hop: 1\r\nX-Mine: 2\r\n"
                                          "Connection: X-Consumer-Username, x-checked, X-Hop\r\n")
    assert response.upstream_saw("x-consumer-username") == ["ann"]
    assert response.upstream_saw("x-checked") == ["yes"]
    assert response.upstream_saw("x-hop") == [] and response.upstream_saw("x-mine") == ["2"]


def test_without_behaviour_nothing_is_open(plane):
    gateway = plane(Upstream(), plugins=[row(1, "jwt"), row(2, "http-log")])
    response = gateway.connect().get()
    assert response.status == 503 and "'jwt'" in response.json()["message"]
    gateway.load(plugins=[row(2, "http-log")])
    assert gateway.connect().get().status == 200
    gateway.load(plugins=[row(3, "ip-restriction", {"deny": ["nonsense"]})])
    assert gateway.connect().get().status == 503
    gateway.load(plugins=[row(3, "key-auth")])
    response = gateway.connect().get()
    assert (response.status, response.json()["message"]) == (401, "No API key found in request")
    assert response.get("www-authenticate") == "Key"


def test_every_plugin_of_kong_runs_or_refuses(plane):
    """What is neither run nor an observer answers 503 and says which it is."""
    schemas = os.listdir(os.path.join(os.path.dirname(__file__), "../../src/model/plugin_schemas"))
    names = sorted(name.removesuffix(".json") for name in schemas if name.endswith(".json"))
    built = {path.replace("_", "-") for path in os.listdir(os.path.join(os.path.dirname(__file__), "../../src/plugins"))}
    observers = {"zipkin", "opentelemetry", "prometheus", "http-log", "file-log", "tcp-log", "udp-log", "syslog",
                 "loggly", "statsd", "datadog"}
    assert len(names) == 45 and observers < set(names)
    gateway = plane(Upstream())
    for name in names:
        if name in built:
            continue
        gateway.load(plugins=[row(1, name)])
        response = gateway.connect().get()
        if name in observers:
            assert response.status == 200, name
        else:
            assert response.status == 503 and f"'{name}'" in response.json()["message"], name


def test_request_transformer(plane):
    gateway = plane(Upstream(), plugins=[row(1, "request-transformer", {
        "remove": {"headers": ["x-gone"], "querystring": ["gone"]},
        "rename": {"headers": ["x-old:x-new"]},
        "replace": {"headers": ["host:other.test", "x-absent:1"], "uri": "/fixed path/$(headers.x-old)"},
        "add": {"headers": ["x-added:$(query_params.q)", "user-agent:no", "connection:close", "content-length:99"],
                "querystring": ["a:b c"]},
        "append": {"headers": ["x-multi:2"]}})])
    client = gateway.connect()
    for _ in range(2):
        response = client.get("/p?q=v&gone=1", "X-Gone: 1\r\nX-Old: o\r\nUser-Agent: me\r\nX-Multi: 1\r\n")
        assert response.status == 200
        assert response.json()["target"] == "/fixed%20path/o?q=v&a=b%20c"
        saw = response.upstream_saw
        assert saw("x-gone") == saw("x-old") == saw("x-absent") == []
        assert (saw("x-new"), saw("x-added"), saw("x-multi")) == (["o"], ["v"], ["1", "2"])
        assert (saw("host"), saw("user-agent"), saw("connection")) == (["other.test"], ["me"], ["keep-alive"])
        assert saw("x-forwarded-host") == ["a.test"] and saw("content-length") == []


def test_request_bodies(plane):
    bodies = []

    def script(connection):
        while (request := connection.read_request()) is not None:
            bodies.append(request)
            connection.send(answer())

    gateway = plane(Upstream(script), plugins=[row(1, "request-transformer", {
        "http_method": "PUT", "remove": {"body": ["gone"]}, "add": {"body": ["new:1"]}, "append": {"body": ["list:x"]}})])
    client = gateway.connect()
    text = json.dumps({"gone": 1, "list": "a", "kept": [1]})
    head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    client.send(f"{head}Content-Length: {len(text)}\r\n\r\n{text}")
    assert client.read().status == 200
    client.send(f"{head}Transfer-Encoding: chunked\r\n\r\n{len(text):x}\r\n{text}\r\n0\r\n\r\n")
    assert client.read().status == 200
    for request in bodies:
        assert request.method == "PUT" and json.loads(request.body) == {"list": ["a", "x"], "kept": [1], "new": "1"}
        assert request.get("transfer-encoding") is None
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 10\r\n\r\ngone=1&k=%")
    assert client.read().status == 200 and bodies[2].body == b"k=%&new=1&list=x"
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nplain")
    assert client.read().status == 200 and bodies[3].body == b"plain"


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
def test_response_transformer(plane, framing):
    text = b'{"secret":1,"old":2}'

    def script(connection):
        while connection.read_request() is not None:
            fields = "Content-Type: application/json\r\nX-Gone: 1\r\nX-Kept: 1\r\n"
            if framing == "length":
                connection.send(answer(text, fields=fields))
            elif framing == "chunked":
                connection.send(f"HTTP/1.1 200 OK\r\n{fields}Transfer-Encoding: chunked\r\n\r\n5\r\n".encode() +
                                text[:5] + b"\r\n%x\r\n" % (len(text) - 5) + text[5:] + b"\r\n0\r\n\r\n")
            else:
                return connection.send(f"HTTP/1.1 200 OK\r\n{fields}\r\n".encode() + text)

    upstream = Upstream(script)
    gateway = plane(upstream, plugins=[row(1, "response-transformer", {
        "remove": {"headers": ["X-Gone"], "json": ["secret"]}, "rename": {"json": ["old:new"]},
        "add": {"headers": ["X-Added:a:b"], "json": ["n:5"], "json_types": ["number"]}})])
    client = gateway.connect()
    for _ in range(3):
        response = client.get()
        assert response.json() == {"new": 2, "n": 5}
        assert (response.get("x-gone"), response.get("x-kept"), response.get("x-added")) == (None, "1", "a:b")
        assert response.get("content-length") == str(len(response.body))
    assert upstream.connections == (3 if framing == "close" else 1)
    assert client.get(method="HEAD").status == 200 if framing != "chunked" else True


def many_fields(count, secret=""):
    """An upstream whose answers have as many fields as may be."""
    def script(connection):
        while connection.read_request():
            more = "".join(f"X-Up-{i}: {i}\r\n" for i in range(count - 1 - bool(secret)))
            connection.send(answer(b"hello", fields=more + (f"X-Secret: {secret}\r\n" if secret else "")))
    return Upstream(script)


def test_full_heads_have_room_for_what_plugins_add(plane):
    added = [f"X-More-{i}:{i}" for i in range(40)]
    gateway = plane(many_fields(100, "s3cret"), plugins=[row(1, "response-transformer", {
        "remove": {"headers": ["X-Secret"]}, "add": {"headers": added}})])
    response = gateway.connect().get()
    assert (response.status, response.body, response.get("x-secret")) == (200, b"hello", None)
    assert response.get("x-up-97") == "97" and response.get("x-more-39") == "39"


def test_answers_that_plugins_make_too_large_are_not_sent(plane):
    added = [f"X-More-{i}:{i}" for i in range(60)]
    rules = row(1, "response-transformer", {"remove": {"headers": ["X-Secret"]}, "add": {"headers": added}})
    gateway = plane(many_fields(100, "s3cret"), plugins=[rules, row(2, "cors", {"origins": ["*"]})],
                    listeners=[{"http2": True}])
    client = gateway.connect()
    for _ in range(2):
        response = client.get("/", "Origin: http://b.test\r\n")
        assert response.status == 500 and b"hello" not in response.body
        assert response.get("x-secret") is None and response.get("x-up-1") is None
        assert response.get("access-control-allow-origin") == "*"
    assert H2Client(gateway.port).get().status == 500
    assert f"route {ROUTE}: its plugins made a head that cannot be sent: too many header fields" in gateway.log()
    # An answer of the gateway's own is no better.
    rules["config"]["add"]["headers"] = [f"X-More-{i}:{i}" for i in range(200)]
    gateway.load(plugins=[rules, row(2, "request-termination", {"status_code": 403, "message": "no"})])
    response = gateway.connect().get()
    assert response.status == 500 and response.get("x-more-1") is None
    assert H2Client(gateway.port).get().status == 500


CHANGES_JSON = {"remove": {"json": ["secret"]}}


def test_only_json_answers_are_held_back(plane):
    """Others pass at any size, and as they come."""
    size, go_on = 9 << 20, threading.Event()

    def script(connection):
        while (request := connection.read_request()) is not None:
            if request.target == "/events":
                connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                                b"Transfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n")
                go_on.wait(20)
                connection.send(b"9\r\ndata: 2\n\n\r\n0\r\n\r\n")
            elif request.target == "/json":
                return connection.send(answer(b"[" + b" " * size + b"]", fields="Content-Type: application/json\r\n"))
            else:
                connection.send(answer(b"x" * size, fields="Content-Type: text/plain\r\n"))

    gateway = plane(Upstream(script), plugins=[row(1, "response-transformer", CHANGES_JSON)])
    client = gateway.connect()
    assert client.get().body == b"x" * size
    client.send("GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
    client.until(b"data: 1\n\n")
    go_on.set()
    client.until(b"data: 2\n\n\r\n0\r\n\r\n")
    assert client.get("/json").status == 502
    assert "8 MiB that the plugin response-transformer changes" in gateway.log()


def test_only_bodies_that_are_changed_are_read(plane):
    bodies = []

    def script(connection):
        while (request := connection.read_request()) is not None:
            bodies.append(request.body)
            connection.send(answer())

    gateway = plane(Upstream(script), plugins=[row(1, "request-transformer", {"add": {"body": ["new:1"]}})])
    text, client = b"x" * (9 << 20), gateway.connect()

    def put(kind, fields=""):
        client.send(f"PUT / HTTP/1.1\r\nHost: a\r\nContent-Type: {kind}\r\n{fields}Content-Length: {len(text)}\r\n\r\n")
        client.send(text)
        return client.read().status

    assert put("application/octet-stream") == 200 and bodies == [text]
    gateway.load(plugins=[row(2, "key-auth", {"key_in_body": True})], consumers=[{"id": uuid(600), "username": "ann"}],
                 keyauth_credentials=[{"id": uuid(601), "key": "k", "consumer": {"id": uuid(600)}}])
    assert put("application/json", "apikey: k\r\n") == 200 and bodies == [text, text]
    gateway.load(plugins=[row(1, "request-transformer", {"add": {"headers": ["content-type:application/json"],
                                                                "body": ["new:1"]}})])
    client.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{\"a\":1e9}")
    assert client.read().status == 200 and bodies[2] == b'{"a":1e9,"new":"1"}'
    client.send(f"PUT / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n")
    assert client.read().status == 413
    assert "8 MiB that the plugin request-transformer" in gateway.log()


def test_answers_to_head_have_no_length_of_another_body(plane):
    def script(connection):
        while (request := connection.read_request()) is not None:
            kind = "text/plain" if request.target == "/text" else "application/json"
            connection.send(f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: 20\r\n\r\n".encode())

    client = plane(Upstream(script), plugins=[row(1, "response-transformer", CHANGES_JSON)]).connect()
    for _ in range(2):
        response = client.get(method="HEAD")
        assert response.status == 200 and response.get("content-length") is None
        assert client.get("/text", method="HEAD").get("content-length") == "20"


def test_json_of_every_kind_is_changed(plane):
    texts = {"/n": b'{"secret":1, "n": 1e400,"big":12345678901234567890123.10}',
             "/list": b'[{"secret":1,"n":1e400}, 7,[]]', "/deep": b'{"secret":1,"d":' + b"[" * 300 + b"]" * 300 + b"}"}

    def script(connection):
        while (request := connection.read_request()) is not None:
            connection.send(answer(texts[request.target], fields="Content-Type: application/json\r\n"))

    client = plane(Upstream(script), plugins=[row(1, "response-transformer", CHANGES_JSON)]).connect()
    assert client.get("/n").body == b'{"n":1e400,"big":12345678901234567890123.10}'
    assert client.get("/list").body == b'[{"n":1e400},7,[]]'
    assert client.get("/deep").body == b'{"d":' + b"[" * 300 + b"]" * 300 + b"}"


def test_multipart_bodies(plane):
    bodies = []

    def script(connection):
        while (request := connection.read_request()) is not None:
            bodies.append((request.get("content-type"), request.body))
            connection.send(answer())

    client = plane(Upstream(script), plugins=[row(1, "request-transformer", {
        "remove": {"body": ["gone"]}, "rename": {"body": ["old:new"]}, "replace": {"body": ["there:2", "absent:2"]},
        "add": {"body": ["added:$(headers.x-value)", "kept:no"]}, "append": {"body": ["kept:more"]}})]).connect()

    def post(body, value="v"):
        client.send(f"POST / HTTP/1.1\r\nHost: a\r\nX-Value: {value}\r\nContent-Type: multipart/form-data; boundary=b\r\n"
                    f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        assert client.read().status == 200
        assert bodies[-1][0] == "multipart/form-data; boundary=b"
        return bodies[-1][1]

    def part(name, value, more=b""):
        return b'--b\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n' % (name, more, value)

    file = part(b"f", bytes(range(256)) + b"\r\n--not b", b'; filename="a b"\r\nContent-Type: image/png')
    kept = part(b"kept", b"1")
    body = (b"before\r\n" + part(b"gone", b"1") + file + part(b"old", b"o") + part(b"there", b"1") + kept + b"--b--\r\nbehind")
    assert post(body) == (b"before\r\n" + file + part(b"new", b"o") + kept + part(b"there", b"2") + part(b"added", b"v") +
                          part(b"kept", b"more") + b"--b--\r\nbehind")
    for broken in (b"", b"--b\r\nno colon\r\n\r\n1\r\n--b--\r\n", body[:-20], b"plain"):
        assert post(broken) == (broken or part(b"added", b"v") + part(b"kept", b"no") + part(b"kept", b"more") + b"--b--\r\n")
    assert b"added" not in post(kept + b"--b--\r\n", "x--b--")


def test_echo_of_a_request(plane):
    gateway = plane(Upstream(), route={"name": "r", "paths": ["~/(?<what>[a-z]+)/(\\d+)"]}, plugins=[
        row(1, "request-termination", {"echo": True, "status_code": 418, "message": "m", "trigger": "X-Stop"})])
    client = gateway.connect()
    client.send("PUT /ab/7?q=1&q=2&flag HTTP/1.1\r\nHost: A.test\r\nX-Stop: 1\r\nX-Two: a\r\nX-Two: b\r\n"
                "Content-Type: application/json\r\nContent-Length: 7\r\n\r\n{\"k\":1}")
    response = client.read()
    assert response.status == 418
    data = response.json()
    request = data["request"]
    assert data["message"] == "m"
    assert (request["scheme"], request["host"], request["port"], request["method"]) == ("http", "a.test", gateway.port, "PUT")
    assert request["path"] == "/ab/7" and request["query"] == {"q": ["1", "2"], "flag": True}
    assert request["headers"]["x-two"] == ["a", "b"] and request["headers"]["x-stop"] == "1"
    assert (request["raw_body"], request["body"]) == ('{"k":1}', {"k": 1})
    assert request["uri_captures"]["named"] == {"what": "ab"} and request["uri_captures"]["unnamed"][-1] == "7"
    assert data["matched_route"]["id"] == ROUTE and data["matched_route"]["name"] == "r"
    assert data["matched_service"]["id"] == SERVICE and data["matched_service"]["host"] == "127.0.0.1"


def test_the_echoed_id_is_the_one_that_was_made(plane):
    gateway = plane(Upstream(), plugins=[row(1, "correlation-id", {"echo_downstream": True, "header_name": "X-Id",
                                                                  "generator": "tracker"}),
                                         row(2, "request-transformer", {"remove": {"headers": ["X-Id"]}})])
    client, ids = gateway.connect(), set()
    for _ in range(3):
        response = client.get()
        assert response.upstream_saw("x-id") == []
        assert re.fullmatch(rf"127\.0\.0\.1-{gateway.port}-{gateway.child.pid}-\d+-\d+-\d{{10}}\.\d{{3}}", response.get("x-id"))
        ids.add(response.get("x-id"))
    assert len(ids) == 3
    assert client.get("/", "X-Id: mine\r\n").get("x-id") == "mine"


def test_preflights_that_are_the_upstreams(plane):
    def script(connection):
        while connection.read_request() is not None:
            connection.send(answer(fields="Access-Control-Allow-Origin: http://own.test\r\nAccess-Control-Max-Age: 7\r\n"))

    gateway = plane(Upstream(script), plugins=[row(1, "cors", {"origins": ["http://b.test"], "preflight_continue": True,
                                                               "exposed_headers": ["X-A"]})])
    preflight = "Origin: http://b.test\r\nAccess-Control-Request-Method: PUT\r\n"
    response = gateway.connect().get("/", preflight, method="OPTIONS")
    assert response.get("access-control-allow-origin") == "http://own.test"
    assert (response.get("access-control-max-age"), response.get("vary")) == ("7", None)
    assert response.get("access-control-expose-headers") is None
    assert gateway.connect().get("/", preflight).get("access-control-allow-origin") == "http://b.test"


def test_answers_pass_through_the_filters(plane):
    gateway = plane(Upstream(), plugins=[row(1, "cors", {"origins": ["*"], "exposed_headers": ["X-A"]}), row(2, "key-auth"),
                                         row(3, "correlation-id", {"echo_downstream": True})])
    response = gateway.connect().get("/", "Origin: http://b.test\r\n")
    assert response.status == 401
    assert response.get("access-control-allow-origin") == "*" and response.get("access-control-expose-headers") == "X-A"
    assert "#" in response.get("kong-request-id")
    preflight = gateway.connect().get("/", "Origin: http://b.test\r\nAccess-Control-Request-Method: PUT\r\n", method="OPTIONS")
    assert preflight.status == 200 and "PUT" in preflight.get("access-control-allow-methods")


def test_limits(plane):
    gateway = plane(Upstream(), plugins=[row(1, "rate-limiting", {"hour": 3})], workers=2)
    client, seen = gateway.connect(), []
    for _ in range(5):
        response = gateway.connect().get()
        seen.append((response.status, response.get("x-ratelimit-remaining-hour")))
    assert seen == [(200, "2"), (200, "1"), (200, "0"), (429, "0"), (429, "0")]
    assert response.json() == {"message": "API rate limit exceeded"} and int(response.get("retry-after")) > 0
    gateway = plane(Upstream(), plugins=[row(2, "request-size-limiting", {"allowed_payload_size": 10, "size_unit": "bytes"})])
    client = gateway.connect()
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789")
    assert client.read().status == 200
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n01234567890")
    assert client.read().json() == {"message": "Request size limit exceeded"}
    client = gateway.connect()
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n01234567890\r\n0\r\n\r\n")
    response = client.read()
    assert (response.status, response.json()) == (413, {"message": "Request size limit exceeded"})


@pytest.mark.parametrize("buffering", [True, False])
def test_no_body_where_none_may_be(plane, buffering):
    limit = {"allowed_payload_size": 0, "size_unit": "bytes"}
    gateway = plane(Upstream(), route={"request_buffering": buffering}, plugins=[row(1, "request-size-limiting", limit)])
    chunks = "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"
    response = gateway.connect().send("POST / HTTP/1.1\r\nHost: a\r\n" + chunks).read()
    assert (response.status, response.json()) == (413, {"message": "Request size limit exceeded"})
    response = gateway.connect().send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n" + chunks).read()
    assert (response.status, response.json()) == (417, {"message": "Request size limit exceeded"})
    assert gateway.connect().get().status == 200
    gateway.load(plugins=[row(1, "request-size-limiting", {"require_content_length": True})])
    client = gateway.connect()
    response = client.get()
    assert (response.status, response.json()) == (411, {"message": "A valid Content-Length header is required"})
    assert client.get("/", "Content-Length: 0\r\n").status == 200
    assert gateway.connect().send("POST / HTTP/1.1\r\nHost: a\r\n" + chunks).read().status == 200
    # Whoever reads bodies keeps to the limit, too.
    gateway.load(plugins=[row(1, "request-size-limiting", limit), row(2, "request-transformer", {"add": {"body": ["a:1"]}})])
    response = gateway.connect().send("POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n" + chunks).read()
    assert (response.status, response.json()) == (413, {"message": "Request size limit exceeded"})


def test_no_body_over_http2_where_none_may_be(plane):
    gateway = plane(Upstream(), listeners=[{"http2": True}], plugins=[
        row(1, "request-size-limiting", {"allowed_payload_size": 0, "size_unit": "bytes"})])
    client = H2Client(gateway.port)
    for _ in range(2):
        got = client.get("/", method="POST", body=b"x")
        assert (got.status, json.loads(got.body)) == (413, {"message": "Request size limit exceeded"})
        assert client.get().status == 200
    gateway.load(plugins=[row(1, "request-size-limiting", {"require_content_length": True})])
    assert client.get().status == 411


def test_the_longest_of_windows_as_full(plane):
    gateway = plane(Upstream(), plugins=[row(77, "rate-limiting", {"minute": 2, "hour": 2})])
    for status in (200, 200, 429):
        before = time.time()
        response = gateway.connect().get()
        left = {int(3600 - now % 3600) for now in range(int(before), int(time.time()) + 1)}
        assert response.status == status and int(response.get("ratelimit-reset")) in left
    assert int(response.get("retry-after")) in left
