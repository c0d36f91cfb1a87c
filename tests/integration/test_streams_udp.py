"""UDP over stream listeners, on both backends."""
import os
import socket
import threading
import time

from data_plane import eventually, uuid


class Echo:
    """Answers each datagram with its own name and what it got."""

    def __init__(self, name=b"", port=0):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", port))
        self.port = self.sock.getsockname()[1]
        self.peers = set()

        def run():
            while True:
                try:
                    data, peer = self.sock.recvfrom(65536)
                except OSError:
                    return
                if peer is None:  # close()
                    return
                self.peers.add(peer)
                self.sock.sendto(name + data, peer)

        self.thread = threading.Thread(target=run, daemon=True)
        self.thread.start()

    def close(self):
        try:
            self.sock.shutdown(socket.SHUT_RDWR)  # wakes the thread that receives
        except OSError:
            pass
        self.thread.join()
        self.sock.close()


def udp_plane(plane, upstream_port, route=None, service=None, **options):
    route = {"id": uuid(2), "protocols": ["udp"], "sources": [{"ip": "127.0.0.0/8"}], "service": {"id": uuid(1)},
             **(route or {})}
    service = {"id": uuid(1), "protocol": "udp", "host": "127.0.0.1", "port": upstream_port, **(service or {})}
    return plane(services=[service], routes=[route], listeners=[{"role": "stream", "udp": True}], **options)


class Client:
    def __init__(self, gateway, address="127.0.0.1"):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((address, 0))
        self.sock.connect(("127.0.0.1", gateway.ports["stream"][0]))

    def ask(self, data, timeout=10):
        self.sock.settimeout(timeout)
        self.sock.send(data)
        try:
            return self.sock.recv(65536)
        except (TimeoutError, ConnectionRefusedError):
            return None


def test_datagrams_keep_their_client_and_their_size(plane):
    echo = Echo()
    gateway = udp_plane(plane, echo.port)
    clients = [Client(gateway) for _ in range(20)]
    for data in (b"x", b"", os.urandom(1400), os.urandom(60000)):
        for n, client in enumerate(clients):
            assert client.ask(b"%d:" % n + data) == b"%d:" % n + data
    assert len(echo.peers) == 20  # one socket for each client
    counters = gateway.counters()
    assert counters["udp_sessions"] == counters["udp_active"] == 20


def test_a_client_that_falls_silent_is_forgotten(plane, workspace):
    path = os.path.join(workspace, "udp-access.log")
    gateway = udp_plane(plane, Echo().port, service={"read_timeout": 1500}, stream_access_log=path)
    client = Client(gateway)
    for _ in range(4):
        assert client.ask(b"12345") == b"12345"
        time.sleep(0.5)
    assert gateway.counters()["udp_sessions"] == 1
    assert eventually(lambda: gateway.counters()["udp_active"] == 0)
    assert eventually(lambda: os.path.exists(path) and "] UDP 200 20 20 " in open(path).read())
    assert client.ask(b"again") == b"again"
    os.unlink(path)


def test_targets_by_name_plugins_and_other_clients(plane):
    one, two = Echo(b"1"), Echo(b"2")
    targets = [{"id": uuid(30 + n), "target": f"localhost:{echo.port}", "upstream": {"id": uuid(3)}}
               for n, echo in enumerate((one, two))]
    gateway = udp_plane(plane, 1, {"sources": [{"ip": "127.0.0.1"}, {"ip": "127.0.0.3"}]}, {"host": "pool"},
                        upstreams=[{"id": uuid(3), "name": "pool"}], targets=targets,
                        plugins=[{"id": uuid(5), "name": "ip-restriction", "protocols": ["udp"],
                                  "config": {"deny": ["127.0.0.3"]}}])
    answers = [Client(gateway).ask(b"") for _ in range(10)]
    assert answers.count(b"1") == answers.count(b"2") == 5
    assert Client(gateway, "127.0.0.2").ask(b"no route", 0.3) is None
    assert Client(gateway, "127.0.0.3").ask(b"denied", 0.3) is None
    assert gateway.counters()["udp_sessions"] == 10


def test_an_upstream_that_refuses_ends_the_session(plane):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        dead = sock.getsockname()[1]
    gateway = udp_plane(plane, dead)
    assert Client(gateway).ask(b"hello", 0.3) is None
    assert eventually(lambda: gateway.counters()["udp_active"] == 0)


def test_an_answer_forgets_the_failures_before_it(plane):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    upstream = {"id": uuid(3), "name": "pool", "healthchecks": {"passive": {
        "type": "tcp", "unhealthy": {"tcp_failures": 2}}}}
    gateway = udp_plane(plane, 1, service={"host": "pool"}, upstreams=[upstream],
                        targets=[{"id": uuid(30), "target": f"127.0.0.1:{port}", "upstream": {"id": uuid(3)}}])

    def fail():
        before = gateway.counters()
        assert Client(gateway).ask(b"x", 0.3) is None
        assert gateway.counters()["udp_sessions"] == before["udp_sessions"] + 1
        assert eventually(lambda: gateway.counters()["udp_active"] == before["udp_active"])

    def health():
        return gateway.command("health " + uuid(3))["targets"][f"127.0.0.1:{port}"]["health"]

    for _ in range(2):
        fail()
        echo = Echo(port=port)
        assert Client(gateway).ask(b"hello") == b"hello"
        echo.close()
    fail()
    assert health() == "HEALTHY"
    fail()
    assert health() == "UNHEALTHY"


def test_a_drain_does_not_wait_for_clients(plane):
    gateway = udp_plane(plane, Echo().port)
    assert Client(gateway).ask(b"x") == b"x"
    assert gateway.command("drain 5000") == {"drained": True}
    gateway.child.wait(10)
