"""gRPC through the gateway: grpcio on both sides, and HTTP/2 by hand where it would not do that."""
import queue
import subprocess
import threading
import time

import grpc
import pytest

from data_plane import Client, Upstream, eventually, uuid
from grpc_upstream import ECHO, HEALTH, GrpcUpstream, Stub

GRPC = {"protocol": "grpc"}
ROUTE = {"protocols": ["grpc"], "paths": ["/"]}


@pytest.fixture
def upstream():
    server = GrpcUpstream()
    yield server
    server.close()


@pytest.fixture(scope="module")
def certificate(workspace):
    key, cert = workspace + "/grpc.key", workspace + "/grpc.crt"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=a.test", "-addext",
                    "subjectAltName=DNS:a.test"], check=True, capture_output=True)
    return {"certificate": open(cert).read(), "certificate_key": open(key).read()}


@pytest.fixture
def gateway(plane):
    def start(upstream, service=None, route=None, **more):
        return plane(upstream, listeners=[{"http2": True}], service={**GRPC, **(service or {})},
                     route={**ROUTE, **(route or {})}, **more)
    return start


@pytest.fixture
def stub(gateway, upstream):
    made = Stub(gateway(upstream).port)
    yield made
    made.close()


def failure(call, *args, **more):
    with pytest.raises(grpc.RpcError) as fault:
        result = call(*args, **more)
        list(result)
    return fault.value


def test_unary_with_metadata_both_ways(stub, upstream):
    answer, call = stub.echo.with_call(b"hello", metadata=(("x-mine", "m"), ("x-raw-bin", b"\x01\xfe")), timeout=10)
    assert answer == b"hello"
    initial, trailing = dict(call.initial_metadata()), dict(call.trailing_metadata())
    assert initial["x-initial"] == "i" and initial["via"].startswith("2 sallyport/")
    assert "x-kong-upstream-latency" in initial and "x-kong-proxy-latency" in initial
    assert trailing == {"x-trailing": "t", "x-bin-bin": b"\x00\xff"}
    method, metadata = upstream.calls[0]
    assert method == ECHO and metadata["x-mine"] == "m" and metadata["x-raw-bin"] == b"\x01\xfe"
    assert metadata["x-forwarded-for"] == "127.0.0.1" and metadata["via"].startswith("2 sallyport/")


def test_many_calls_share_connections(stub, upstream):
    calls = [stub.echo.future(b"%d" % n, timeout=20) for n in range(200)]
    assert [call.result() for call in calls] == [b"%d" % n for n in range(200)]


def test_status_of_the_upstream(stub):
    fault = failure(stub.echo, b"fail", timeout=10)
    assert fault.code() == grpc.StatusCode.FAILED_PRECONDITION and fault.details() == "no: 100% ü"
    assert dict(fault.trailing_metadata())["x-trailing"] == "t"
    fault = failure(stub.channel.unary_unary("/test.Echo/None"), b"", timeout=10)
    assert fault.code() == grpc.StatusCode.UNIMPLEMENTED  # an answer of trailers only


def test_streams(stub):
    assert [part[:3] for part in stub.follow(b"3 10", timeout=10)] == [b"0 x", b"1 x", b"2 x"]
    assert stub.sum(iter([b"a" * 1000] * 500), timeout=20) == b"500000"
    assert sum(len(part) for part in stub.follow(b"200 50000", timeout=30)) > 10_000_000
    big = stub.echo(b"z" * 3_000_000, timeout=20)
    assert big == b"z" * 3_000_000


def test_both_ways_at_once(stub):
    questions = queue.Queue()
    answers = stub.chat(iter(questions.get, None), timeout=20)
    for n in range(50):
        questions.put(b"%d" % n)
        assert next(answers) == b"re: %d" % n  # before the next question is asked
    questions.put(None)
    assert list(answers) == []


def test_slow_reader_holds_the_upstream_back(stub, upstream):
    call = stub.follow(b"100000 100000")
    next(call)
    time.sleep(0.5)
    assert upstream.sent < 200  # of 100 kB each: the windows on the way, not the answer
    call.cancel()
    assert upstream.cancelled.wait(10), "cancelling must reach the upstream"


def test_deadlines(gateway, upstream):
    stub = Stub(gateway(upstream, service={"read_timeout": 300}).port)
    fault = failure(stub.echo, b"sleep5", timeout=0.2)
    assert fault.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    fault = failure(stub.echo, b"sleep2", timeout=10)  # the service's own
    assert fault.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert fault.details() == "The upstream server is timing out"
    assert stub.echo(b"sleep0.1", timeout=10) == b"sleep0.1"


def test_errors_of_the_gateway(gateway, upstream):
    plane = gateway(Upstream(), service={"port": 1, "retries": 0}, route={"paths": ["/test.Echo/Echo"]})
    stub = Stub(plane.port)
    fault = failure(stub.echo, b"", timeout=10)
    assert fault.code() == grpc.StatusCode.UNAVAILABLE
    assert fault.details() == "An invalid response was received from the upstream server"
    fault = failure(stub.sum, iter([b""]), timeout=10)
    assert fault.code() == grpc.StatusCode.UNIMPLEMENTED
    assert fault.details() == "no Route matched with those values"


def test_upstream_dies_in_the_middle(gateway):
    upstream = GrpcUpstream()
    stub = Stub(gateway(upstream).port)
    call = stub.follow(b"1000000 1000")
    next(call)
    threading.Thread(target=upstream.stop, args=(0,)).start()
    fault = failure(lambda: call)
    assert fault.code() != grpc.StatusCode.OK
    again = GrpcUpstream(port=upstream.port)
    assert stub.echo(b"again", timeout=5) == b"again"
    again.close()


def test_goodbye_loses_no_call(gateway):
    """A server that ends connections all the time: nothing is lost that it has not seen."""
    options = [("grpc.max_connection_age_ms", 200), ("grpc.max_connection_age_grace_ms", 5000)]
    upstream = GrpcUpstream(options=options)
    stub = Stub(gateway(upstream).port)
    end = time.monotonic() + 2
    count = 0
    while time.monotonic() < end:
        calls = [stub.echo.future(b"%d" % n, timeout=20) for n in range(20)]
        assert [call.result() for call in calls] == [b"%d" % n for n in range(20)]
        count += 1
    assert count > 3


def test_only_http2_reaches_grpc_routes(gateway, upstream):
    plane = gateway(upstream)
    got = Client(plane.port).get(ECHO, "Content-Type: application/grpc\r\n")
    assert (got.status, got.body) == (426, b'{"message":"Please use HTTP2 protocol"}')
    assert got.get("connection") == "Upgrade" and got.get("upgrade") == "HTTP/2"
    for fields in ("", "Content-Type: application/json\r\n"):
        got = Client(plane.port).get(ECHO, fields)
        assert (got.status, got.body) == (415, b'{"message":"Non-gRPC request matched gRPC route"}')
        assert got.get("upgrade") is None


def test_grpcs_to_the_upstream(plane, certificate):
    credentials = grpc.ssl_server_credentials([(certificate["certificate_key"].encode(),
                                                certificate["certificate"].encode())])
    upstream = GrpcUpstream(credentials)
    gateway = plane(upstream, listeners=[{"http2": True, "ssl": True}, {"http2": True}],
                    service={"protocol": "grpcs"}, route={"protocols": ["grpcs"], "paths": ["/"]},
                    certificate=certificate["certificate"], certificate_key=certificate["certificate_key"])
    tls = grpc.ssl_channel_credentials(certificate["certificate"].encode())
    stub = Stub(gateway.ports["proxy"][0], tls, [("grpc.ssl_target_name_override", "a.test")])
    assert stub.echo(b"safe", timeout=10) == b"safe"
    fault = failure(Stub(gateway.ports["proxy"][1]).echo, b"", timeout=10)
    assert fault.details() == "gRPC request matched gRPCs route"


def test_plain_server_behind_grpcs(plane, upstream, certificate):
    gateway = plane(upstream, listeners=[{"http2": True}], service={"protocol": "grpcs", "retries": 1}, route=ROUTE)
    assert failure(Stub(gateway.port).echo, b"", timeout=10).code() == grpc.StatusCode.UNAVAILABLE


POOL = uuid(50)


def pooled(gateway, ports, **upstream):
    return gateway(None, service={"host": "pool", "port": 80},
                   upstreams=[{"id": POOL, "name": "pool", **upstream}],
                   targets=[{"id": uuid(100 + n), "upstream": {"id": POOL}, "target": f"127.0.0.1:{port}"}
                            for n, port in enumerate(ports)])


def test_calls_are_balanced_and_go_round_dead_targets(gateway, upstream):
    other = GrpcUpstream()
    stub = Stub(pooled(gateway, [upstream.port, other.port]).port)
    for n in range(10):
        assert stub.echo(b"%d" % n, timeout=10) == b"%d" % n
    assert (len(upstream.calls), len(other.calls)) == (5, 5)
    other.close()
    for n in range(10):
        assert stub.echo(b"%d" % n, timeout=10) == b"%d" % n


def test_active_checks_ask_the_health_service(gateway, upstream):
    active = {"type": "grpc", "timeout": 2, "headers": {"x-check": ["1"]}, "healthy": {"interval": 0.1, "successes": 1},
              "unhealthy": {"interval": 0.1, "http_failures": 1, "tcp_failures": 1, "timeouts": 1}}
    plane = pooled(gateway, [upstream.port], healthchecks={"active": active})

    def state():
        return plane.command("health " + POOL)["targets"][f"127.0.0.1:{upstream.port}"]["health"]

    assert eventually(lambda: len(upstream.calls) > 2)
    method, metadata = upstream.calls[0]
    assert method == HEALTH and metadata["x-check"] == "1"
    assert state() == "HEALTHY"
    upstream.health = 2  # NOT_SERVING
    assert eventually(lambda: state() == "UNHEALTHY")
    assert failure(Stub(plane.port).echo, b"", timeout=10).details() == "failure to get a peer from the ring-balancer"
    upstream.health = None  # UNIMPLEMENTED: alive, but knows no health
    assert eventually(lambda: state() == "HEALTHY")
    upstream.health = 1
    upstream.close()
    assert eventually(lambda: state() == "UNHEALTHY")
