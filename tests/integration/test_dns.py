"""Targets and hosts by DNS, from a small name server."""
import socket
import struct
import threading
import time

from data_plane import Upstream, answer, eventually, uuid

A, SRV = 1, 33


class NameServer:
    def __init__(self):
        self.records, self.asked = {}, []
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.sock.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    @staticmethod
    def encoded(name):
        return b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"

    def srv(self, name, priority, weight, port, target, ttl=60):
        data = struct.pack(">HHH", priority, weight, port) + self.encoded(target)
        self.records.setdefault((name, SRV), []).append((ttl, data))

    def a(self, name, ip, ttl=60):
        self.records.setdefault((name, A), []).append((ttl, socket.inet_aton(ip)))

    def run(self):
        while True:
            query, peer = self.sock.recvfrom(4096)
            at, parts = 12, []
            while query[at]:
                parts.append(query[at + 1:at + 1 + query[at]].decode())
                at += 1 + query[at]
            name, kind = ".".join(parts).lower(), struct.unpack(">H", query[at + 1:at + 3])[0]
            self.asked.append((name, kind))
            found = self.records.get((name, kind), [])
            code = 0 if any(known == name for known, _ in self.records) else 3
            reply = query[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, len(found), 0, 0) + query[12:at + 5]
            for ttl, data in found:
                reply += struct.pack(">HHHIH", 0xc00c, kind, 1, ttl, len(data)) + data
            self.sock.sendto(reply, peer)


def named(name):
    def script(connection):
        while (request := connection.read_request()) is not None:
            connection.send(answer(name + " " + request.get("host")))

    return Upstream(script)


def ask(gateway, times):
    client = gateway.connect()
    return [client.get("/").body.decode() for _ in range(times)]


def test_services_of_dns_give_ports_and_weights(plane):
    one, two, other = named("one"), named("two"), named("other")
    dns = NameServer()
    dns.srv("_web.test", 1, 3, one.port, "a.test")
    dns.srv("_web.test", 1, 1, two.port, "b.test")
    dns.srv("_web.test", 2, 9, other.port, "a.test")
    dns.a("a.test", "127.0.0.1")
    dns.a("b.test", "127.0.0.1")
    # The host of a service.
    gateway = plane(service={"host": "_web.test", "port": 1}, dns_servers=[dns.address])
    got = [text.split()[0] for text in ask(gateway, 8)]
    assert got.count("one") == 6 and got.count("two") == 2
    # A target; its host can be the one that the record names.
    for use, hosts in ((False, "_web.test"), (True, "a.test")):
        gateway.load(services=[{"id": uuid(1), "host": "pool"}], routes=gateway.config["routes"],
                     upstreams=[{"id": uuid(3), "name": "pool", "use_srv_name": use}],
                     targets=[{"id": uuid(30), "target": "_web.test:1", "upstream": {"id": uuid(3)}}])
        got = ask(gateway, 8)
        assert sum(text.startswith("one") for text in got) == 6, got
        assert all(text.split()[1] == f"{hosts}:{one.port}" for text in got if text.startswith("one")), got


def test_a_changed_address_is_followed_without_a_failure(plane):
    upstream = named("up")
    dns = NameServer()
    dns.a("host.test", "127.0.0.1", ttl=1)
    gateway = plane(service={"host": "host.test", "port": upstream.port}, dns_servers=[dns.address], workers=1)
    client = gateway.connect()
    end = time.monotonic() + 2.5
    while time.monotonic() < end:  # over two renewals
        assert client.get("/").status == 200
        time.sleep(0.01)
    assert dns.asked.count(("host.test", A)) >= 2


def pool_of(target, **upstream):
    return dict(services=[{"id": uuid(1), "name": "shop", "host": "pool"}],
                routes=[{"id": uuid(2), "service": {"id": uuid(1)}, "paths": ["/"]}],
                upstreams=[{"id": uuid(3), "name": "pool", **upstream}],
                targets=[{"id": uuid(30), "target": target, "upstream": {"id": uuid(3)}}])


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


def test_workers_that_have_not_asked_leave_the_board_alone(plane):
    dns = NameServer()
    dns.a("host.test", "127.0.0.1")
    checks = {"active": {"type": "tcp", "unhealthy": {"interval": 0.05, "tcp_failures": 1},
                         "healthy": {"interval": 0.05, "successes": 1}}}
    port = closed_port()
    gateway = plane(dns_servers=[dns.address], workers=4, **pool_of(f"host.test:{port}", healthchecks=checks))
    known = lambda: gateway.command("health " + uuid(3))["targets"][f"host.test:{port}"]
    assert eventually(lambda: known()["health"] == "UNHEALTHY")
    for slots in range(20):  # each load has all workers look at the upstream again
        gateway.load(**pool_of(f"host.test:{port}", healthchecks=checks, slots=100 + slots))
        time.sleep(0.05)
        assert known() == {"health": "UNHEALTHY", "127.0.0.1": "UNHEALTHY"}, (slots, known())


def test_targets_follow_a_changed_address_at_once(plane):
    old, new = named("old"), named("new")
    dns = NameServer()
    dns.srv("_web.test", 1, 1, old.port, "a.test", ttl=1)
    dns.a("a.test", "127.0.0.1", ttl=60)
    gateway = plane(dns_servers=[dns.address], workers=1, **pool_of("_web.test:1"))
    client = gateway.connect()
    assert client.get("/").body.startswith(b"old")
    # While there is traffic ...
    dns.records.pop(("_web.test", SRV))
    dns.srv("_web.test", 1, 1, new.port, "a.test", ttl=1)
    changed, last = time.monotonic(), 0
    while time.monotonic() < changed + 3:
        if client.get("/").body.startswith(b"old"):
            last = time.monotonic() - changed
        time.sleep(0.005)
    assert last < 1.5, last
    # ... and while there is none.
    dns.records.pop(("_web.test", SRV))
    dns.srv("_web.test", 1, 1, old.port, "a.test", ttl=1)
    time.sleep(3)
    asked = dns.asked.count(("_web.test", SRV))
    assert client.get("/").body.startswith(b"old")
    time.sleep(3)
    assert 1 <= dns.asked.count(("_web.test", SRV)) - asked <= 4


def test_names_that_nobody_asked_for_are_not_looked_up(plane):
    dns = NameServer()
    dns.a("host.test", "127.0.0.1", ttl=1)
    gateway = plane(dns_servers=[dns.address], workers=2, **pool_of(f"host.test:{closed_port()}"))
    time.sleep(2.5)
    asked = dns.asked.count(("host.test", A))
    assert 1 <= asked <= 4, asked  # by the worker that checks health
    gateway.load(services=[], routes=[], upstreams=[], targets=[])
    time.sleep(0.3)
    asked = len(dns.asked)
    time.sleep(2.5)
    assert len(dns.asked) == asked
