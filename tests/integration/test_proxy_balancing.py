"""Upstreams and targets: who gets a request, and who no longer does."""
import collections
import threading
import time

import pytest

from data_plane import Upstream, answer, eventually, uuid

POOL = uuid(9)


def named(name):
    """An upstream whose answers tell its name; `behaviour` may be changed while it runs."""
    def script(connection):
        upstream = connection.upstream
        while (request := connection.read_request()) is not None:
            upstream.hosts.append(request.get("host"))
            if upstream.delay:
                time.sleep(upstream.delay)
            connection.send(answer(name, status=upstream.status))

    upstream = Upstream(script)
    upstream.status, upstream.delay, upstream.hosts = "200 OK", 0, []
    return upstream


def pool(plane, targets, service=None, **upstream):
    """A data plane with one upstream; `targets` are ports or (port, weight), or whole rows."""
    rows = []
    for n, target in enumerate(targets):
        if not isinstance(target, dict):
            port, weight = target if isinstance(target, tuple) else (target, 100)
            target = {"target": f"127.0.0.1:{port}", "weight": weight}
        rows.append({"id": uuid(100 + n), "upstream": {"id": POOL}, **target})
    more = {key: upstream.pop(key) for key in ("dns_hostsfile", "workers", "route", "upstream_slow_start")
            if key in upstream}
    return plane(service={"host": "pool", "port": 80, **(service or {})}, targets=rows,
                 upstreams=[{"id": POOL, "name": "pool", **upstream}], **more)


def spread(gateway, count, fields="", target="/"):
    client, seen = gateway.connect(), collections.Counter()
    for _ in range(count):
        response = client.get(target, fields)
        seen[response.body.decode() if response.status == 200 else response.status] += 1
    return seen


@pytest.fixture
def trio():
    made = [named(name) for name in "abc"]
    yield made
    for upstream in made:
        upstream.assert_sound()
        upstream.close()


def test_round_robin_by_weight(plane, trio):
    a, b, c = trio
    gateway = pool(plane, [(a.port, 50), (b.port, 100), (c.port, 0)])
    assert spread(gateway, 90) == {"a": 30, "b": 60}
    assert a.connections == b.connections == 1 and c.connections == 0
    assert set(a.hosts) == {f"127.0.0.1:{a.port}"}


def test_retries_go_to_another_target(plane, trio):
    a, b, c = trio
    c.close()
    gateway = pool(plane, [a.port, b.port, c.port])
    seen = spread(gateway, 60)
    assert seen["a"] + seen["b"] == 60 and seen["a"] > 15 and seen["b"] > 15
    assert gateway.command("health " + POOL)["health"] == "HEALTHCHECKS_OFF"
    gateway = pool(plane, [c.port], service={"retries": 2})
    assert gateway.connect().get().status == 502


def test_nobody_there(plane):
    gateway = pool(plane, [])
    response = gateway.connect().get()
    assert response.status == 503
    assert response.json()["message"] == "failure to get a peer from the ring-balancer"
    gateway = pool(plane, [(1, 0)])
    assert gateway.connect().get().status == 503


def test_hashing(plane, trio):
    ports = [upstream.port for upstream in trio]
    gateway = pool(plane, ports, algorithm="consistent-hashing", hash_on="header", hash_on_header="X-Key",
                   hash_fallback="query_arg", hash_fallback_query_arg="q")
    assert all(len(spread(gateway, 10, f"X-Key: {n}\r\n")) == 1 for n in range(10))
    assert len(set(tuple(spread(gateway, 1, f"x-key: {n}\r\n")) for n in range(50))) == 3
    assert len(spread(gateway, 10, target="/?q=1")) == 1
    assert len(spread(gateway, 60)) == 3  # neither: anywhere
    for hash_on in ("path", "ip"):
        gateway = pool(plane, ports, algorithm="consistent-hashing", hash_on=hash_on)
        assert len(spread(gateway, 10)) == 1
    gateway = pool(plane, ports, algorithm="consistent-hashing", hash_on="uri_capture", hash_on_uri_capture="who",
                   route={"paths": ["~/x/(?<who>\\w+)"]})
    assert len(spread(gateway, 10, target="/x/me/1")) == 1
    assert len(set(tuple(spread(gateway, 1, target=f"/x/u{n}")) for n in range(50))) == 3


def test_hashing_by_cookie(plane, trio):
    gateway = pool(plane, [upstream.port for upstream in trio], algorithm="consistent-hashing", hash_on="cookie",
                   hash_on_cookie="sticky", hash_on_cookie_path="/shop")
    response = gateway.connect().get()
    cookie = response.get("set-cookie")
    assert cookie.startswith("sticky=") and cookie.endswith("; Path=/shop")
    mine = cookie.split(";")[0]
    assert spread(gateway, 20, f"Cookie: other=1; {mine}\r\n") == {response.body.decode(): 20}
    assert gateway.connect().get("/", f"Cookie: {mine}\r\n").get("set-cookie") is None
    assert len({gateway.connect().get().get("set-cookie") for _ in range(5)}) == 5


def test_least_connections(plane, trio):
    slow, fast, _ = trio
    slow.delay = 3
    gateway = pool(plane, [slow.port, fast.port], algorithm="least-connections")
    threads = []
    while not slow.hosts:  # they take turns while nobody is busy
        threads.append(threading.Thread(target=spread, args=(gateway, 1)))
        threads[-1].start()
        eventually(lambda: slow.hosts, 0.5)
    assert spread(gateway, 30)["b"] >= 29
    for thread in threads:
        thread.join()


def test_latency(plane, trio):
    slow, fast, _ = trio
    slow.delay = 0.05
    gateway = pool(plane, [slow.port, fast.port], algorithm="latency")
    assert spread(gateway, 40)["b"] >= 36


def test_latency_avoids_the_dead(plane, trio):
    dead, live, _ = trio
    dead.close()
    live.delay = 0.02
    gateway = pool(plane, [dead.port, live.port], service={"retries": 0}, algorithm="latency", workers=1)
    seen = spread(gateway, 60)
    assert seen["b"] >= 58 and seen[502] <= 2, seen


def test_the_log_names_service_target_and_upstream(plane, trio):
    trio[2].close()
    port = trio[2].port
    gateway = pool(plane, [port], service={"name": "shop", "retries": 0})
    assert gateway.connect().get().status == 502
    assert f"service shop: cannot connect to 127.0.0.1:{port} (target '127.0.0.1:{port}' of upstream pool): " \
           in gateway.log()
    gateway = plane(service={"port": port})
    assert gateway.connect().get().status == 502
    assert f"service {uuid(1)}: cannot connect to 127.0.0.1:{port}: " in gateway.log()

    def cut(connection):
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")

    upstream = Upstream(cut)
    gateway = pool(plane, [upstream.port], service={"name": "shop"})
    with pytest.raises(EOFError):
        gateway.connect().get()
    assert f"service shop: 127.0.0.1:{upstream.port} (target '127.0.0.1:{upstream.port}' of upstream pool) broke off" \
           in gateway.log()
    upstream.close()


def test_without_an_upstream_the_latency_is_the_gateways(plane, trio):
    trio[2].close()
    for gateway in (pool(plane, []), plane(service={"host": "no.such.name.invalid"}, dns_servers=["127.0.0.1:1"])):
        response = gateway.connect().get()
        assert response.status == 503
        assert response.get("x-kong-response-latency") is not None
        assert response.get("x-kong-upstream-latency") is response.get("x-kong-proxy-latency") is None
    response = pool(plane, [trio[2].port]).connect().get()  # one was tried
    assert response.status == 502 and response.get("x-kong-response-latency") is None
    assert response.get("x-kong-upstream-latency") is not None


def test_host_header_and_names(plane, trio, workspace):
    a, b, _ = trio
    hosts = f"{workspace}/{a.port}.hosts"
    with open(hosts, "w") as file:
        file.write("127.0.0.1 target.test\n127.0.0.2 target.test\n")
    gateway = pool(plane, [{"target": f"target.test:{a.port}"}], dns_hostsfile=hosts)
    assert spread(gateway, 4)["a"] == 4
    assert set(a.hosts) == {f"target.test:{a.port}"}
    health = gateway.command("health " + POOL)["targets"][f"target.test:{a.port}"]
    assert health["127.0.0.1"] == "HEALTHCHECKS_OFF"
    gateway = pool(plane, [b.port], host_header="shop.test:99")
    spread(gateway, 1)
    assert b.hosts[-1] == "shop.test:99"
    gateway = pool(plane, [b.port], host_header="shop.test", route={"preserve_host": True})
    spread(gateway, 1)
    assert b.hosts[-1] == "a.test"


def test_passive_checks(plane, trio):
    a, b, _ = trio
    passive = {"healthy": {"successes": 1}, "unhealthy": {"http_failures": 2, "tcp_failures": 1}}
    gateway = pool(plane, [a.port, b.port], healthchecks={"passive": passive}, workers=2)
    assert spread(gateway, 10) == {"a": 5, "b": 5}
    b.status = "500 No"
    spread(gateway, 10)
    assert spread(gateway, 10) == {"a": 10}  # on any worker
    targets = gateway.command("health " + POOL)["targets"]
    assert targets[f"127.0.0.1:{b.port}"]["health"] == "UNHEALTHY"
    assert targets[f"127.0.0.1:{a.port}"]["health"] == "HEALTHY"
    # Health survives another configuration, and marks change it.
    gateway.load(upstreams=[{"id": POOL, "name": "pool", "healthchecks": {"passive": passive}, "slots": 50}])
    assert spread(gateway, 10) == {"a": 10}
    b.status = "200 OK"
    assert gateway.command(f"mark {POOL} 127.0.0.1:{b.port} healthy")["marked"]
    assert spread(gateway, 10) == {"a": 5, "b": 5}
    assert gateway.command(f"mark {POOL} 127.0.0.1:{a.port} unhealthy")["marked"]
    assert gateway.command(f"mark {POOL} 127.0.0.1:{b.port} unhealthy")["marked"]
    assert spread(gateway, 2) == {503: 2}
    assert not gateway.command(f"mark {POOL} 127.0.0.1:1 healthy")["marked"]


@pytest.mark.parametrize("kind", ["http", "tcp"])
def test_active_checks(plane, trio, kind):
    a, b, _ = trio
    active = {"type": kind, "http_path": "/status", "timeout": 1, "headers": {"X-Check": ["1"]},
              "healthy": {"interval": 0.1, "successes": 1},
              "unhealthy": {"interval": 0.1, "http_failures": 1, "tcp_failures": 1, "timeouts": 1}}
    gateway = pool(plane, [a.port, b.port], healthchecks={"active": active})
    assert eventually(lambda: a.connections > 2 and b.connections > 2)
    state = lambda: gateway.command("health " + POOL)["targets"][f"127.0.0.1:{b.port}"]["health"]
    assert state() == "HEALTHY"
    if kind == "http":
        assert a.requests[0].target == "/status" and a.requests[0].get("x-check") == "1"
        b.status = "500 No"
        assert eventually(lambda: state() == "UNHEALTHY")
        assert spread(gateway, 10) == {"a": 10}
        b.status = "200 OK"
        assert eventually(lambda: state() == "HEALTHY")
    b.close()
    assert eventually(lambda: state() == "UNHEALTHY")
    assert spread(gateway, 10) == {"a": 10}
    # No checks, no verdict.
    gateway.load(upstreams=[{"id": POOL, "name": "pool"}])
    assert state() == "HEALTHCHECKS_OFF"


def test_changes_of_targets_under_way(plane, trio):
    a, b, c = trio
    gateway = pool(plane, [a.port, b.port])
    client = gateway.connect()
    rows = gateway.config["targets"]
    fresh = {"id": uuid(200), "upstream": {"id": POOL}, "target": f"127.0.0.1:{c.port}"}
    for n in range(20):
        gateway.load(targets=rows if n % 2 else [rows[0], fresh])
        for _ in range(4):
            assert client.get().status == 200
    assert len(c.hosts) == 20 and len(a.hosts) == 40


def test_hashing_by_consumer_and_query(plane, trio):
    ports = [upstream.port for upstream in trio]
    gateway = pool(plane, ports, algorithm="consistent-hashing", hash_on="consumer", hash_fallback="ip")
    consumers = [{"id": uuid(500 + n), "username": f"user{n}"} for n in range(30)]
    keys = [{"id": uuid(600 + n), "key": f"key{n}", "consumer": {"id": uuid(500 + n)}} for n in range(30)]
    gateway.load(consumers=consumers, keyauth_credentials=keys, plugins=[{"id": uuid(700), "name": "key-auth"}])
    homes = [spread(gateway, 4, f"apikey: key{n}\r\n") for n in range(30)]
    assert all(len(home) == 1 for home in homes)
    assert {name for home in homes for name in home} == {"a", "b", "c"}
    gateway = pool(plane, ports, algorithm="consistent-hashing", hash_on="query_arg", hash_on_query_arg="q")
    assert all(len(spread(gateway, 4, target=f"/?x=1&q={n}")) == 1 for n in range(10))


def test_a_new_target_starts_slowly(plane, trio):
    a, b, c = trio
    gateway = pool(plane, [a.port, b.port], upstream_slow_start=4000)
    assert 18 <= spread(gateway, 40)["a"] <= 22  # equally new
    time.sleep(4)
    fresh = {"id": uuid(200), "upstream": {"id": POOL}, "target": f"127.0.0.1:{c.port}"}
    gateway.load(targets=[*gateway.config["targets"], fresh])
    assert spread(gateway, 60)["c"] <= 6
    time.sleep(4)
    assert all(18 <= count <= 22 for count in spread(gateway, 60).values())
    # Whoever comes back is new again.
    where = f"127.0.0.1:{b.port}"
    gateway.load(upstreams=[{"id": POOL, "name": "pool", "healthchecks": {"passive": {"unhealthy": {"http_failures": 1}}}}])
    for how in ("unhealthy", "healthy"):
        assert gateway.command(f"mark {POOL} {where} {how}")["marked"]
    assert spread(gateway, 60)["b"] <= 6


def test_no_herd_on_one_target_at_a_change(plane, trio):
    """Every worker of every new configuration begins somewhere else."""
    a, b, c = trio
    gateway = pool(plane, [a.port, b.port, c.port], workers=4)
    first = collections.Counter()
    for n in range(30):
        gateway.load(upstreams=[{"id": uuid(800 + n), "name": "pool"}],
                     targets=[{"id": uuid(900 + 3 * n + k), "target": f"127.0.0.1:{up.port}",
                               "upstream": {"id": uuid(800 + n)}} for k, up in enumerate(trio)])
        first.update(spread(gateway, 1))
    assert len(first) == 3 and max(first.values()) < 25, first
