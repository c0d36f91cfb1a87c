"""Requests through the data plane, on both backends: heads, routing, connections, answers."""
import re
import socket

import pytest

from data_plane import Client, Connection, Upstream, answer, eventually, uuid

HEX32 = re.compile(r"^[0-9a-f]{32}$")


def test_a_request_goes_up_and_comes_back(plane, backend):
    upstream = Upstream()
    gateway = plane(upstream)
    assert gateway.ports["backend"] == backend
    response = gateway.connect().get("/some/path?q=1&r", "X-Mine: yes\r\n")
    assert response.status == 200
    assert response.json()["line"] == "GET /some/path?q=1&r HTTP/1.1"
    saw = response.upstream_saw
    assert saw("host") == [f"127.0.0.1:{upstream.port}"]
    assert saw("x-mine") == ["yes"]
    assert saw("connection") == ["keep-alive"]
    assert saw("x-forwarded-for") == ["127.0.0.1"]
    assert saw("x-real-ip") == ["127.0.0.1"]
    assert saw("x-forwarded-proto") == ["http"]
    assert saw("x-forwarded-host") == ["a.test"]
    assert saw("x-forwarded-port") == [str(gateway.port)]
    assert saw("x-forwarded-path") == ["/some/path"]
    assert saw("x-forwarded-prefix") == []
    assert re.match(r"^1\.1 sallyport/", saw("via")[0])
    assert HEX32.match(saw("x-kong-request-id")[0])
    assert response.get("x-kong-request-id") == saw("x-kong-request-id")[0]
    assert response.get("server") == "up"
    assert re.match(r"^1\.1 sallyport/", response.get("via"))
    for name in ("x-kong-upstream-latency", "x-kong-proxy-latency"):
        assert int(response.get(name)) >= 0
    assert response.get("x-kong-response-latency") is None
    assert response.get("date")


def test_connections_are_kept_on_both_sides(plane):
    upstream = Upstream()
    gateway = plane(upstream)
    client = gateway.connect()
    for number in range(50):
        assert client.get(f"/{number}").json()["target"] == f"/{number}"
    assert upstream.connections == 1
    counters = gateway.counters()
    assert counters["accepted"] == counters["handled"] == counters["active"] == 1
    # The last request is counted when its answer is on its way already.
    assert eventually(lambda: gateway.counters()["requests"] == 50)
    assert eventually(lambda: gateway.counters()["waiting"] == 1)
    client.close()
    assert eventually(lambda: gateway.counters()["active"] == 0)


def test_pipelined_requests_are_answered_in_order(plane):
    gateway = plane(Upstream())
    client = gateway.connect()
    client.send("".join(f"GET /{n} HTTP/1.1\r\nHost: a\r\n\r\n" for n in range(40)))
    client.send("POST /post HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /last HTTP/1.1\r\nHost: a\r\n\r\n")
    for n in range(40):
        assert client.read().json()["target"] == f"/{n}"
    assert client.read().json()["size"] == 3
    assert client.read().json()["target"] == "/last"


def test_a_head_may_come_byte_by_byte(plane):
    gateway = plane(Upstream())
    client = gateway.connect()
    for _ in range(2):
        for byte in "GET /drip HTTP/1.1\r\nHost: a.test\r\nX: y\r\n\r\n":
            client.send(byte)
        assert client.read().json()["target"] == "/drip"


def test_a_large_head_that_spans_buffers(plane):
    gateway = plane(Upstream())
    fields = "".join(f"X-Large-{n}: {'v' * 1500}\r\n" for n in range(15))
    response = gateway.connect().get("/", fields)
    assert len([f for f, _ in response.json()["fields"] if f.startswith("X-Large")]) == 15
    # Beyond the limit: Kong's own status.
    client = gateway.connect()
    response = client.get("/", "".join(f"X-Large-{n}: {'v' * 1500}\r\n" for n in range(40)))
    assert response.status == 494
    assert b"Request header or cookie too large" in response.body
    assert client.at_end()


def test_a_header_line_has_a_limit(plane):
    gateway = plane(Upstream())
    line = "Cookie: " + "c" * (8192 - len("Cookie: "))
    assert gateway.connect().get("/", line + "\r\n").upstream_saw("cookie") == [line.removeprefix("Cookie: ")]
    for fields in (line + "c\r\n", line + "c" * 5000):  # the second is not at its end yet
        client = gateway.connect().send(f"GET / HTTP/1.1\r\nHost: a.test\r\n{fields}")
        if fields.endswith("\n"):
            client.send("\r\n")
        response = client.read()
        assert response.status == 494
        assert b"Request header or cookie too large" in response.body
        assert client.at_end()


def test_head_and_methods(plane):
    gateway = plane(Upstream())
    client = gateway.connect()
    for method in ("OPTIONS", "DELETE", "PUT", "PATCH", "PURGE"):
        response = client.get("/", method=method)
        assert response.json()["method"] == method
    for method in ("TRACE", "CONNECT"):
        other = gateway.connect()
        target = "a.test:80" if method == "CONNECT" else "/"
        assert other.get(target, method=method).status == 405


def test_head_answers_have_no_body(plane):
    def script(connection: Connection):
        while connection.read_request():
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n")

    client = plane(Upstream(script)).connect()
    for _ in range(3):
        response = client.get(method="HEAD")
        assert (response.status, response.get("content-length")) == (200, "1234")


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_answers_without_body(plane, status):
    def script(connection):
        while connection.read_request():
            connection.send(f"HTTP/1.1 {status}\r\nETag: x\r\n\r\n".encode())

    client = plane(Upstream(script)).connect()
    for _ in range(3):
        response = client.get()
        assert f"{response.status} {response.reason}" == status
        assert response.get("transfer-encoding") is None


def test_no_route_and_no_service(plane):
    gateway = plane(routes=[{"id": uuid(2), "paths": ["/only"], "service": None}])
    client = gateway.connect()
    response = client.get("/other")
    assert response.status == 404
    assert response.json()["message"] == "no Route matched with those values"
    assert response.json()["request_id"] == response.get("x-kong-request-id")
    assert response.get("server").startswith("sallyport/")
    assert response.get("via") is None
    assert int(response.get("x-kong-response-latency")) >= 0
    assert response.get("x-kong-proxy-latency") is None
    response = client.get("/only")
    assert response.status == 503
    assert response.json()["message"] == "no Service found with those values"


@pytest.mark.parametrize("accept, content_type, start", [
    ("application/json", "application/json; charset=utf-8", b'{\n  "message":"no Route'),
    ("text/html", "text/html; charset=utf-8", b"<!doctype html>"),
    ("application/xml", "application/xml; charset=utf-8", b"<?xml"),
    ("text/plain", "text/plain; charset=utf-8", b"no Route matched"),
    ("text/html;q=0.1, application/xml", "application/xml; charset=utf-8", b"<?xml"),
    ("*/*", "application/json; charset=utf-8", b'{\n  "message"'),
])
def test_errors_speak_the_clients_format(plane, accept, content_type, start):
    gateway = plane(routes=[{"id": uuid(2), "paths": ["/only"], "service": None}])
    response = gateway.connect().get("/x", f"Accept: {accept}\r\n")
    assert response.get("content-type") == content_type
    assert response.body.startswith(start)
    assert response.get("x-kong-request-id").encode() in response.body


def test_errors_of_the_protocol_use_the_default_type(plane):
    gateway = plane(Upstream())
    response = gateway.connect().send("GET / HTTP/1.1\r\n\r\n").read()
    assert response.status == 400
    assert response.get("content-type") == "text/plain; charset=utf-8"
    assert response.body.startswith(b"Bad request\nrequest_id: ")


def test_errors_of_the_upstream_speak_as_the_request_does(plane):
    client = plane(route={"paths": ["/a"]}).connect()  # nobody listens there
    for fields, content_type in (("", "text/plain"), ("Content-Type: application/json", "application/json"),
                                 ("Content-Type: text/html; charset=utf-8", "text/html"),
                                 ("Content-Type: text/xml", "application/xml"),
                                 ("Content-Type: image/png", "application/json"),
                                 ("Content-Type: text/html\r\nAccept: text/plain", "text/plain")):
        response = client.get("/a", fields and fields + "\r\n")
        assert (response.status, response.get("content-type")) == (502, content_type + "; charset=utf-8"), fields
    # Our own decisions are told in JSON.
    assert client.get("/", "Content-Type: text/html\r\n").json()["message"] == "no Route matched with those values"


def test_errors_in_ones_own_words(plane):
    gateway = plane(route={"paths": ["/a"]}, error_template_html="<b>%s</b> 100%% %s",
                    error_template_plain="sorry")
    client = gateway.connect()
    response = client.get("/", "Accept: text/html\r\n")
    assert response.body.decode() == f"<b>no Route matched with those values</b> 100% {response.get('x-kong-request-id')}"
    assert response.get("content-type") == "text/html; charset=utf-8"
    assert client.get("/").json()["message"] == "no Route matched with those values"
    assert client.get("/a").body == b"sorry"  # nobody listens there


def test_hop_by_hop_fields_end_here(plane):
    def script(connection):
        while (request := connection.read_request()) is not None:
            names = ",".join(field.lower() for field, _ in request.fields)
            connection.send(answer(names, fields="Connection: keep-alive, X-Hop\r\nKeep-Alive: timeout=5\r\n"
                                   "X-Hop: drop\r\nX-Stay: 1\r\nUpgrade: h2c\r\nProxy-Authenticate: Basic\r\n"
                                   "TE: x\r\nTrailer: y\r\nVia: 1.0 before\r\n"))

    client = plane(Upstream(script)).connect()
    response = client.get("/", "Connection: X-Foo, X-Bar\r\nX-Foo: 1\r\nx-bar: 2\r\nX-Foo-Bar: keep\r\n"
                          "Keep-Alive: timeout=5\r\nProxy: x\r\nProxy-Connection: close\r\n"
                          "Proxy-Authorization: Basic\r\nTE: trailers, deflate\r\nUpgrade: foo/2\r\n"
                          "Via: 1.1 a, 1.1 b\r\nX-Forwarded-For: 9.9.9.9\r\nExpect: 100-continue\r\n")
    seen = response.body.decode().split(",")
    for gone in ("x-foo", "x-bar", "keep-alive", "proxy", "proxy-connection", "upgrade", "expect"):
        assert gone not in seen
    for kept in ("x-foo-bar", "proxy-authorization", "te", "via"):
        assert seen.count(kept) == 1
    for gone in ("x-hop", "keep-alive", "upgrade", "te", "trailer", "connection"):
        assert response.get(gone) is None
    assert response.get("x-stay") == "1"
    assert response.get("proxy-authenticate") == "Basic"
    assert re.match(r"^1\.0 before, 1\.1 sallyport/", response.get("via"))


def test_forwarded_fields_of_strangers_and_of_trusted_peers(plane):
    theirs = ("X-Forwarded-For: 1.2.3.4, 127.0.0.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: h\r\n"
              "X-Forwarded-Port: 99\r\nX-Forwarded-Path: /p\r\nX-Real-IP: 5.6.7.8\r\nVia: 1.1 x\r\n")
    stranger = plane(Upstream()).connect().get("/mine", theirs).upstream_saw
    assert stranger("x-forwarded-for") == ["1.2.3.4, 127.0.0.1, 127.0.0.1"]
    assert stranger("x-forwarded-proto") == ["http"]
    assert stranger("x-forwarded-host") == ["a.test"]
    assert stranger("x-forwarded-path") == ["/mine"]
    assert stranger("x-real-ip") == ["127.0.0.1"]
    assert stranger("via")[0].startswith("1.1 x, 1.1 sallyport/")

    trusted = plane(Upstream(), trusted_ips=["127.0.0.0/8"]).connect().get("/mine", theirs).upstream_saw
    assert trusted("x-forwarded-proto") == ["https"]
    assert trusted("x-forwarded-host") == ["h"]
    assert trusted("x-forwarded-port") == ["99"]
    assert trusted("x-forwarded-path") == ["/p"]
    assert trusted("x-real-ip") == ["5.6.7.8"]

    recursive = plane(Upstream(), trusted_ips=["127.0.0.0/8"], real_ip_header="X-Forwarded-For",
                      real_ip_recursive=True).connect().get("/mine", theirs).upstream_saw
    assert recursive("x-real-ip") == ["1.2.3.4"]


@pytest.mark.parametrize("header, value, recursive, client", [
    ("X-Real-IP", "1.1.1.1, 2.2.2.2", False, "2.2.2.2"),
    ("X-Real-IP", "1.1.1.1, 127.0.0.9", True, "1.1.1.1"),
    ("True-Client", "1.1.1.1 2.2.2.2", False, "2.2.2.2"),
    ("X-Forwarded-For", "1.1.1.1, ", False, "1.1.1.1"),
    ("X-Forwarded-For", "1.1.1.1, ::ffff:127.0.0.9", True, "1.1.1.1"),
    ("X-Forwarded-For", "::ffff:1.1.1.1", True, "1.1.1.1"),
    ("X-Forwarded-For", "[2001:db8::1]:80,127.0.0.1:9", True, "2001:db8::1"),
    ("X-Forwarded-For", "1.1.1.1, nonsense", True, "127.0.0.1")])
def test_which_address_of_a_header_is_the_clients(plane, header, value, recursive, client):
    gateway = plane(Upstream(), trusted_ips=["127.0.0.0/8"], real_ip_header=header, real_ip_recursive=recursive)
    assert gateway.connect().get("/", f"{header}: {value}\r\n").upstream_saw("x-real-ip") == [client]


def test_without_forwarded_for_the_client_is_named(plane):
    client = plane(Upstream(), trusted_ips=["127.0.0.0/8"]).connect()
    assert client.get("/").upstream_saw("x-forwarded-for") == ["127.0.0.1"]
    named = client.get("/", "X-Real-IP: 5.6.7.8\r\n").upstream_saw
    assert named("x-forwarded-for") == named("x-real-ip") == ["5.6.7.8"]
    received = client.get("/", "X-Real-IP: 5.6.7.8\r\nX-Forwarded-For: 9.9.9.9\r\n").upstream_saw
    assert received("x-forwarded-for") == ["9.9.9.9, 127.0.0.1"]


def test_paths_hosts_and_prefixes(plane):
    upstream = Upstream()
    gateway = plane(upstream, service={"path": "/srv"}, route={"paths": ["/route"], "strip_path": True,
                                                               "preserve_host": True})
    client = gateway.connect()
    for asked, sent in (("/route", "/srv"), ("/route/", "/srv/"), ("/routereq", "/srv/req"),
                        ("/route/a%2fb?", "/srv/a%2Fb?"), ("/x/../route//y?z", "/srv/y?z")):
        response = client.get(asked)
        assert response.json()["target"] == sent
        assert response.upstream_saw("x-forwarded-prefix") == ["/route"]
        assert response.upstream_saw("host") == ["a.test"]
    absolute = client.send("GET http://B.Test:81/route/q HTTP/1.1\r\nHost: ignored\r\n\r\n").read()
    assert absolute.json()["target"] == "/srv/q"
    assert absolute.upstream_saw("host") == ["B.Test:81"]
    assert absolute.upstream_saw("x-forwarded-host") == ["b.test"]
    for bad in ("/route/%zz", "/../route", "/route/../../route", "/%2e%2e/route"):
        response = client.get(bad)
        assert (response.status, b"Bad request" in response.body) == (400, True), bad


def test_https_only_routes(plane):
    upstream = Upstream()
    route = {"id": uuid(2), "paths": ["/a"], "protocols": ["https"], "service": {"id": uuid(1)}}
    moved = {**route, "id": uuid(3), "paths": ["/b"], "https_redirect_status_code": 308}
    gateway = plane(upstream, routes=[route, moved], trusted_ips=["127.0.0.1"])
    client = gateway.connect()
    response = client.get("/a")
    assert response.status == 426
    assert response.body == b'{"message":"Please use HTTPS protocol"}'
    assert response.get("upgrade") == "TLS/1.2, HTTP/1.1"
    response = client.get("/b?x=1")
    assert (response.status, response.get("location")) == (308, "https://a.test/b?x=1")
    assert client.get("/a", "X-Forwarded-Proto: https\r\n").status == 200
    known_as = "X-Forwarded-Host: out.test\r\n"
    assert client.get("/b?x=1", known_as).get("location") == "https://out.test/b?x=1"
    stranger = plane(upstream, routes=[moved]).connect().get("/b", known_as)
    assert stranger.get("location") == "https://a.test/b"


def test_debug_fields_only_when_allowed(plane):
    named = {"name": "the-route"}
    allowed = plane(Upstream(), allow_debug_header=True, route=named, service={"name": "the-service"}).connect()
    response = allowed.get("/", "Kong-Debug: 1\r\n")
    assert response.get("kong-route-id") == uuid(2)
    assert response.get("kong-route-name") == "the-route"
    assert response.get("kong-service-id") == uuid(1)
    assert response.get("kong-service-name") == "the-service"
    assert allowed.get("/").get("kong-route-id") is None
    assert plane(Upstream(), route=named).connect().get("/", "Kong-Debug: 1\r\n").get("kong-route-id") is None


def test_headers_directive(plane):
    off = plane(Upstream(), headers=["off"], upstream_request_id=False).connect()
    response = off.get("/", "X-Kong-Request-Id: mine\r\n")
    assert [f for f, _ in response.fields if f.lower().startswith(("x-kong", "via"))] == []
    assert response.upstream_saw("x-kong-request-id") == ["mine"]
    one = plane(Upstream(), headers=["X-Kong-Upstream-Status"]).connect().get("/")
    assert one.get("x-kong-upstream-status") == "200"
    assert one.get("via") is None
    client = plane(Upstream()).connect()
    assert client.get("/", "X-Kong-Request-Id: mine\r\n").upstream_saw("x-kong-request-id") != ["mine"]


def test_the_status_of_an_upstream_that_failed(plane):
    wanted = {"headers": ["X-Kong-Upstream-Status"], "route": {"paths": ["/a"]}}
    client = plane(**wanted).connect()  # nobody listens there
    response = client.get("/a")
    assert (response.status, response.get("x-kong-upstream-status")) == (502, "502")
    assert client.get("/").get("x-kong-upstream-status") is None

    def silent(connection):
        connection.read_request()
        connection.read_request()

    silent = plane(Upstream(silent), service={"read_timeout": 100, "retries": 0}, **wanted).connect().get("/a")
    assert (silent.status, silent.get("x-kong-upstream-status")) == (504, "504")
    assert plane(route={"paths": ["/a"]}).connect().get("/a").get("x-kong-upstream-status") is None


def test_http_1_0_clients(plane):
    def script(connection):
        while connection.read_request():
            connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")

    gateway = plane(Upstream(script))
    client = gateway.connect()
    response = client.get(version="1.0")
    assert response.get("transfer-encoding") is None
    assert response.get("connection") == "close"
    assert response.body == b"abc"
    kept = plane(Upstream()).connect()
    for _ in range(3):
        assert kept.get(version="1.0", fields="Connection: keep-alive\r\n").get("connection") == "keep-alive"


def test_connection_close_and_the_limit_of_requests(plane):
    client = plane(Upstream()).connect()
    assert client.get("/", "Connection: close\r\n").get("connection") == "close"
    assert client.at_end()
    client = plane(Upstream(), keepalive_requests=2).connect()
    assert client.get("/").get("connection") is None
    assert client.get("/").get("connection") == "close"
    assert client.at_end()


def test_interim_answers(plane):
    def script(connection):
        while connection.read_request():
            connection.send(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
            connection.send(answer("final"))

    gateway = plane(Upstream(script))
    response = gateway.connect().get()
    assert [i.status for i in response.interim] == [103]
    assert response.interim[0].get("link") == "</x>"
    assert response.body == b"final"
    assert gateway.connect().get(version="1.0").interim == []


def test_upgrades(plane):
    gateway = plane(Upstream())
    client = gateway.connect()
    response = client.get("/", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n")
    assert response.status == 200
    assert response.upstream_saw("upgrade") == response.upstream_saw("http2-settings") == []

    def switch(connection):
        connection.read_request()
        connection.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n")

    assert plane(Upstream(switch)).connect().get().status == 502


def test_configuration_changes_under_running_requests(plane):
    first, second = Upstream(), Upstream(lambda c: [c.send(answer("second")) for _ in iter(c.read_request, None)])
    gateway = plane(first)
    client = gateway.connect()
    assert client.get().status == 200
    service = {"id": uuid(1), "host": "127.0.0.1", "port": second.port}
    gateway.load([service], [{"id": uuid(2), "paths": ["/new"], "strip_path": False, "service": {"id": uuid(1)}}])
    assert client.get("/old").status == 404
    assert client.get("/new").body == b"second"
    second.close()


def test_admin_requests_are_buffered_and_answered_from_another_thread(plane):
    gateway = plane(listeners=[{}, {"role": "admin"}, {"role": "status"}], admin_max_body=1000)
    client = Client(gateway.ports["admin"][0])
    response = client.get("/x?y=1")
    assert response.json() == {"target": "/x?y=1", "client_ip": "127.0.0.1", "size": 0, "body": ""}
    assert response.get("date") and response.get("x-method") == "GET"
    assert response.get("x-kong-request-id") is None
    body = client.send("POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    assert body.read().json()["body"] == "abcde"
    client.send("POST /p HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
    assert client.read_interim() == 100
    assert client.send("wxyz").read().json()["body"] == "wxyz"
    head = client.get("/h", method="HEAD")
    assert int(head.get("content-length")) > 0
    assert client.get("/silent").status == 500
    assert client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n").read().status == 413
    # A client that does not wait for its answer.
    impatient = Client(gateway.ports["status"][0])
    impatient.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").close()
    assert Client(gateway.ports["status"][0]).get("/slow").status == 200


def test_port_maps(plane):
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    gateway = plane(Upstream(), listeners=[{"port": port}], port_maps={str(port): 443})
    assert gateway.connect().get("/").upstream_saw("x-forwarded-port") == ["443"]
