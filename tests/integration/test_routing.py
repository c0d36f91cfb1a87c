"""The flavors of the router, with requests."""
from data_plane import Upstream, uuid


def row(number, **route):
    return {"id": uuid(number), "service": {"id": uuid(1)}, **route}


def test_expressions_ask_about_the_request(plane):
    gateway = plane(Upstream(), router_flavor="expressions", service={"path": "/s"}, routes=[
        row(10, priority=3, expression='http.path ~ "^/item/(?<id>[0-9]+)" && any(http.queries.v) == "2"'),
        row(11, priority=2, expression='lower(http.headers.x_kind) == "odd" && http.path ^= "/odd"'),
        row(12, priority=1, expression=f'http.path == "/end" && net.src.ip in 127.0.0.0/8 && net.dst.ip == 127.0.0.1'
                                       ' && net.src.port > 0 && net.dst.port != 80', strip_path=False),
        row(13, paths=["/plain"]),
    ])
    client = gateway.connect()
    assert client.get("/item/12/x?v=1&v=2").json()["target"] == "/s/x?v=1&v=2"
    assert client.get("/item/12/x?v=1").status == 404
    assert client.get("/odd/1", "X-Kind: Odd\r\n").json()["target"] == "/s/1"
    assert client.get("/odd/1", "X-Kind: even\r\n").status == 404
    assert client.get("/end").json()["target"] == "/s/end"
    assert client.get("/plain/2").json()["target"] == "/s/2"


def test_a_broken_expression_leaves_the_others(plane):
    gateway = plane(Upstream(), router_flavor="expressions", routes=[
        row(10, expression='http.path = "/a"'), row(11, expression='http.path == "/b"', strip_path=False)])
    client = gateway.connect()
    assert (client.get("/a").status, client.get("/b").status) == (404, 200)
    assert "expected ==" in gateway.log()


def test_expressions_are_nothing_to_the_other_flavors(plane):
    gateway = plane(Upstream(), routes=[row(10, expression='http.path == "/a"'), row(11, paths=["/b"])])
    client = gateway.connect()
    assert (client.get("/a").status, client.get("/b").status) == (404, 200)
    assert "router_flavor = expressions" in gateway.log()


def test_plain_concatenation_is_traditional(plane):
    routes = [row(10, paths=["/v1/"], path_handling="v1"), row(11, paths=["/v0/"])]
    for flavor, first in (("traditional", "/sreq"), ("traditional_compatible", "/s/req")):
        client = plane(Upstream(), router_flavor=flavor, service={"path": "/s"}, routes=routes).connect()
        assert client.get("/v1/req").json()["target"] == first
        assert client.get("/v0/req").json()["target"] == "/s/req"


def test_paths_are_compared_decoded_and_sent_escaped(plane):
    gateway = plane(Upstream(), service={"path": "/s"}, routes=[
        row(10, paths=["/caf\u00e9 au"]), row(11, paths=[r"~/u/(?<name>\w+ \w+)$"], strip_path=False),
        row(12, paths=["/a%2Fb"])])
    client = gateway.connect()
    response = client.get("/caf%c3%a9%20au/l%61it%20%22x%22?q=%20")
    assert response.json()["target"] == "/s/lait%20%22x%22?q=%20"
    assert response.upstream_saw("x-forwarded-prefix") == ["/caf%C3%A9%20au"]
    assert client.get("/u/ann%20lee").json()["target"] == "/s/u/ann%20lee"
    assert client.get("/u/ann%0Alee").status == client.get("/u/ann-lee").status == 404
    assert client.get("/a%2fb/c").json()["target"] == "/s/c"
    assert client.get("/a/b").status == 404
