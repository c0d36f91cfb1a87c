"""HTTP/2 to clients, on both backends, against python3-h2."""
import json
import ssl
import subprocess
import time

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import pytest

from data_plane import Client, Upstream, answer, eventually

# RFC 9113 section 6.8: streams that had begun go on after GOAWAY; the library thinks they do not.
STATE = h2.connection.ConnectionState.CLIENT_OPEN
h2.connection.H2ConnectionStateMachine._transitions[(STATE, h2.connection.ConnectionInputs.RECV_GOAWAY)] = (None, STATE)

GET = [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "a.test")]


def fields(method="GET", path="/", *more):
    return [(":method", method), (":scheme", "http"), (":path", path), (":authority", "a.test"), *more]


class Answer:
    def __init__(self):
        self.fields, self.body, self.interim = [], b"", []
        self.ended, self.reset = False, None

    @property
    def status(self):
        return int(dict(self.fields)[":status"])

    def get(self, name):
        return dict(self.fields).get(name)


class H2Client(Client):
    """An HTTP/2 client; `lawless`: sends what the library would not."""

    def __init__(self, port, lawless=False, context=None, prelude=b""):
        super().__init__(port)
        self.send(prelude)
        if context:
            self.sock = context.wrap_socket(self.sock, server_hostname="a.test")
            assert self.sock.selected_alpn_protocol() == "h2"
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(
            client_side=True, header_encoding="utf-8", validate_outbound_headers=not lawless,
            normalize_outbound_headers=not lawless))
        self.answers, self.goaway, self.hold = {}, None, False
        self.h2.initiate_connection()
        self.flush()

    def flush(self):
        self.sock.sendall(self.h2.data_to_send())

    def request(self, head=GET, body=None, end=True):
        stream = self.h2.get_next_available_stream_id()
        self.answers[stream] = Answer()
        self.h2.send_headers(stream, head, end_stream=end and body is None)
        self.flush()
        if body is not None:
            self.send_body(stream, body, end)
        return stream

    def send_body(self, stream, body, end=True):
        while body:
            if self.answers[stream].reset is not None:
                return  # the answer needs no more of it
            room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size)
            if room == 0:
                self.turn()
                continue
            self.h2.send_data(stream, body[:room])
            body = body[room:]
            self.flush()
        if end:
            self.h2.end_stream(stream)
            self.flush()

    def turn(self):
        """Takes what has come; False at the end of the connection."""
        data = self.sock.recv(1 << 16)
        if not data:
            return False
        for event in self.h2.receive_data(data):
            answer = self.answers.get(getattr(event, "stream_id", None))
            if isinstance(event, h2.events.ResponseReceived):
                answer.fields = event.headers
            elif isinstance(event, h2.events.InformationalResponseReceived):
                answer.interim.append(int(dict(event.headers)[":status"]))
            elif isinstance(event, h2.events.DataReceived):
                answer.body += event.data
                if not self.hold:
                    self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                answer.ended = True
            elif isinstance(event, h2.events.StreamReset):
                answer.reset = int(event.error_code)
            elif isinstance(event, h2.events.ConnectionTerminated):
                self.goaway = int(event.error_code)
        self.flush()
        return True

    def wait(self, stream):
        answer = self.answers[stream]
        while not answer.ended and answer.reset is None:
            assert self.turn(), "the connection ended"
        return answer

    def get(self, path="/", *more, method="GET", body=None):
        return self.wait(self.request(fields(method, path, *more), body))

    def run_to_end(self):
        try:
            while self.turn():
                pass
        except (ConnectionError, ssl.SSLError):
            pass
        except h2.exceptions.ProtocolError:
            pass


@pytest.fixture
def gateway(plane):
    return lambda upstream=None, **more: plane(upstream or Upstream(), listeners=[{"http2": True}], **more)


def saw(answer, name):
    return [value for field, value in json.loads(answer.body)["fields"] if field.lower() == name]


def test_many_requests_on_one_connection(gateway):
    client = H2Client(gateway().port)
    streams = [client.request(fields("GET", f"/{n}", ("x-n", str(n)), ("cookie", "a=1"), ("cookie", "b=2"))) for n in range(300)
               if n < 100 or client.wait(2 * (n - 100) + 1)]
    for n, stream in enumerate(streams):
        got = client.wait(stream)
        assert got.status == 200 and saw(got, "x-n") == [str(n)]
    assert saw(got, "host") != [] and saw(got, "cookie") == ["a=1; b=2"]
    assert saw(got, "via")[0].startswith("2 sallyport/")
    assert saw(got, "x-forwarded-proto") == ["http"] and saw(got, "x-forwarded-for") == ["127.0.0.1"]
    assert got.get("connection") is None and got.get("transfer-encoding") is None


def test_alpn_chooses(plane, workspace):
    key, cert = workspace + "/h2.key", workspace + "/h2.crt"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
                    "-out", cert, "-days", "2", "-subj", "/CN=a.test"], check=True, capture_output=True)
    gateway = plane(Upstream(), certificate=open(cert).read(), certificate_key=open(key).read(),
                    listeners=[{"ssl": True, "http2": True}, {"ssl": True}])

    def context(*protocols):
        made = ssl.create_default_context()
        made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
        made.set_alpn_protocols(protocols)
        return made

    both, one = gateway.ports["proxy"]
    client = H2Client(both, context=context("h2", "http/1.1"))
    body = b"q" * 200_000
    for _ in range(3):
        got = client.get("/up", method="POST", body=body)
        assert got.status == 200 and f'"size": {len(body)}'.encode() in got.body
        assert saw(got, "x-forwarded-proto") == ["https"]
    for port, offered in ((both, ["http/1.1"]), (one, ["h2", "http/1.1"])):
        plain = Client(port)
        plain.sock = context(*offered).wrap_socket(plain.sock, server_hostname="a.test")
        assert plain.sock.selected_alpn_protocol() == "http/1.1"
        assert plain.get().status == 200
    for port, offered in ((both, ["acme-tls/1", "h3"]), (one, ["h2"])):
        with pytest.raises(ssl.SSLError, match="(?i)no.application.protocol"):
            context(*offered).wrap_socket(Client(port).sock, server_hostname="a.test")
    # Whoever offers nothing speaks HTTP/1.
    plain = Client(both)
    plain.sock = context().wrap_socket(plain.sock, server_hostname="a.test")
    assert plain.get().status == 200 and plain.sock.selected_alpn_protocol() is None
    # The preface without the agreement is no HTTP/2.
    plain = Client(both)
    plain.sock = context("http/1.1").wrap_socket(plain.sock, server_hostname="a.test")
    plain.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    assert plain.read().status == 505


def test_http1_on_the_same_listener(gateway, plane):
    port = gateway().port
    assert Client(port).get().status == 200
    assert Client(plane(Upstream()).port).send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").read().status == 505


def test_large_bodies_both_ways(gateway):
    body = bytes(range(256)) * 8000

    def script(connection):
        while (request := connection.read_request()) is not None:
            assert request.body == body
            if request.target == "/chunked":
                connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                for at in range(0, len(body), 50_000):
                    part = body[at:at + 50_000]
                    connection.send(b"%x\r\n%s\r\n" % (len(part), part))
                connection.send(b"0\r\n\r\n")
            else:
                connection.send(answer(body))

    upstream = Upstream(script)
    client = H2Client(gateway(upstream).port)
    for path in ("/length", "/chunked"):
        streams = [client.request(fields("POST", path, ("content-length", str(len(body)))), body) for _ in range(2)]
        for stream in streams:
            assert client.wait(stream).body == body
        assert client.get(path, method="POST", body=body).body == body
    upstream.assert_sound()


@pytest.mark.parametrize("status", ["204 No", "304 Not"])
def test_answers_without_bodies(gateway, status):
    def script(connection):
        while connection.read_request():
            connection.send(f"HTTP/1.1 {status}\r\nX-A: b\r\n\r\n".encode())

    client = H2Client(gateway(Upstream(script)).port)
    for _ in range(2):
        got = client.get()
        assert got.status == int(status[:3]) and got.body == b"" and got.get("x-a") == "b"


def test_head_and_errors(gateway):
    client = H2Client(gateway(route={"paths": ["/here"]}).port)
    head = client.get("/here", method="HEAD")
    assert head.status == 200 and head.body == b"" and int(head.get("content-length")) > 0
    assert client.get("/nowhere").status == 404
    got = client.get("/nowhere", method="POST", body=b"x" * 300_000)
    assert got.status == 404 and got.body
    assert client.get("/here").status == 200  # the connection goes on
    down = H2Client(gateway(service={"port": 1, "retries": 0}).port)
    assert down.get().status == 502


@pytest.mark.parametrize("most", [100, 128])
def test_heads_full_of_fields(gateway, most):
    def script(connection):
        while request := connection.read_request():
            count = int(request.target[1:])
            connection.send(answer(b"x", fields="".join(f"X-{i}: {i}\r\n" for i in range(count - 1))))

    plane = gateway(Upstream(script), max_headers=most)
    one, two = Client(plane.port), H2Client(plane.port)
    for count in (most - 1, most):
        assert one.get(f"/{count}").get(f"x-{count - 2}") == str(count - 2)
        got = two.get(f"/{count}")
        assert got.status == 200 and got.body == b"x"
        assert [got.get(f"x-{i}") for i in range(count - 1)] == [str(i) for i in range(count - 1)]
    assert Client(plane.port).get(f"/{most + 1}").status == two.get(f"/{most + 1}").status == 502
    # As many of a request, which may say four things in pseudo-headers instead.
    more = [(f"x-{i}", str(i)) for i in range(most - 1)]
    assert two.get("/9", *more).status == 200
    assert two.get("/9", *more, ("x-y", "z")).status == 494


def test_interim_answers(gateway):
    def script(connection):
        request = connection.read_head()
        assert request.get("expect") is None
        connection.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        connection.read_body(request)
        connection.send(answer())

    upstream = Upstream(script)
    client = H2Client(gateway(upstream, route={"request_buffering": False}).port)
    stream = client.request(fields("POST", "/", ("expect", "100-continue"), ("content-length", "4")), end=False)
    while client.answers[stream].interim != [100, 103]:
        assert client.turn()
    client.send_body(stream, b"body")
    assert client.wait(stream).status == 200
    upstream.assert_sound()


@pytest.mark.parametrize("count, size", [(9, 8000), (20, 8000), (40, 2000), (500, 10)])
def test_many_interim_answers(gateway, count, size):
    def script(connection):
        while connection.read_request():
            for _ in range(count):
                connection.send(b"HTTP/1.1 103 Early Hints\r\nLink: <" + b"x" * size + b">\r\n\r\n")
            connection.send(answer(b"final"))

    client = H2Client(gateway(Upstream(script)).port)
    for _ in range(3):
        got = client.get()
        assert got.status == 200 and got.body == b"final" and got.interim == [103] * count


def test_an_empty_length_is_believed_when_nothing_follows(gateway):
    upstream = Upstream()
    client = H2Client(gateway(upstream).port, lawless=True)
    head = fields("POST", "/", ("content-length", "0"))
    stream = client.request(head, end=False)
    client.send_body(stream, b"")
    assert client.wait(stream).status == 200
    assert upstream.requests[-1].get("content-length") == "0"
    stream = client.request(head, end=False)
    seen = len(upstream.requests)
    time.sleep(0.3)
    assert len(upstream.requests) == seen  # it waits
    client.send_body(stream, b"smuggled")
    assert client.wait(stream).reset is not None
    assert len(upstream.requests) == seen


def test_resets_cancel_the_upstream(gateway):
    ended = []

    def script(connection):
        connection.read_request()
        ended.append(connection.fill())

    upstream = Upstream(script)
    plane = gateway(upstream)
    client = H2Client(plane.port)
    streams = [client.request() for _ in range(3)]
    assert eventually(lambda: len(upstream.requests) == 3)
    client.h2.reset_stream(streams[1], 8)
    client.flush()
    assert eventually(lambda: ended == [False])
    client.close()
    assert eventually(lambda: ended == [False] * 3)
    assert eventually(lambda: plane.counters()["active"] == 0)


def test_cut_answers_are_not_clean_ends(gateway):
    def script(connection):
        request = connection.read_request()
        if request is None:  # the test ends with its last request on the way
            return
        if request.target == "/length":
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        else:
            connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")

    client = H2Client(gateway(Upstream(script), service={"retries": 0}).port)
    for path in ("/length", "/chunked"):
        got = client.get(path)
        assert got.reset is not None and not got.ended
    assert client.request() and client.goaway is None


def test_slow_readers_wait_without_harm(gateway):
    size = 2 << 20
    plane = gateway(Upstream(lambda c: c.read_request() and c.send(answer(b"z" * size))))
    client = H2Client(plane.port)
    client.hold = True
    stream = client.request()
    while len(client.answers[stream].body) < 65_535:
        assert client.turn()
    assert plane.counters()["rss_kib"] < 400_000
    client.hold = False
    client.h2.increment_flow_control_window(size * 2)
    client.h2.increment_flow_control_window(size * 2, stream)
    client.flush()
    assert len(client.wait(stream).body) == size


def test_drain_says_goodbye(gateway):
    def script(connection):
        connection.read_request()
        eventually(lambda: plane.draining, 5)
        connection.send(answer())

    plane = gateway(Upstream(script))
    plane.draining = False
    client, idle = H2Client(plane.port), H2Client(plane.port)
    idle.turn()
    stream = client.request()
    assert eventually(lambda: plane.counters()["writing"] == 1)
    plane.child.stdin.write("drain 10000\n")
    plane.child.stdin.flush()
    while client.goaway is None:
        assert client.turn()
    late = client.request()  # taken: it may have been on its way
    plane.draining = True
    assert client.wait(stream).status == 200 and client.wait(late).status == 200
    client.run_to_end()
    idle.run_to_end()
    assert client.goaway == 0 and idle.goaway == 0
    assert "true" in plane.child.stdout.readline()


def test_idle_connections_end(gateway):
    client = H2Client(gateway(keepalive_timeout=300, header_timeout=300).port)
    assert client.get().status == 200
    client.run_to_end()
    assert client.goaway == 0


def test_connections_end_after_their_requests(gateway):
    client = H2Client(gateway(keepalive_requests=3).port)
    streams = [client.request() for _ in range(5)]  # those on their way are taken
    assert [client.wait(stream).status for stream in streams] == [200] * 5
    client.run_to_end()
    assert client.goaway == 0


def test_what_http1_cannot_carry_is_refused(gateway):
    upstream = Upstream()
    port = gateway(upstream).port
    for bad in (fields("GET", "/", ("connection", "close")), fields("GET", "/", ("transfer-encoding", "chunked")),
                fields("GET", "/", ("x", "a\r\nb: c")), fields("GET", "/", ("X-Upper", "1")), fields("GET", "/", ("x y", "1")),
                fields("GET", "/ HTTP/1.1\r\nx: y"), fields("GET", "http://b.test/"), fields("GET /", "/"), GET[:2] + GET[3:]):
        client = H2Client(port, lawless=True)
        got = client.wait(client.request(bad))
        assert got.reset == 1, bad
    for bad, status in ((fields("GET", "/", ("host", "b.test")), 400), (fields("GET", "/", ("content_length", "4")), 400),
                        (fields("GET", "/" + "a" * 9000), 414), (fields("GET", "/", *((f"x{n}", "1") for n in range(120))), 494),
                        (fields("GET", "/", ("cookie", "c" * 8192)), 494),
                        (GET[:3] + [(":authority", "u@a")], 400), (fields("TRACE"), 405),
                        ([(":method", "CONNECT"), (":authority", "a.test:443")], 405)):
        client = H2Client(port, lawless=True)
        got = client.wait(client.request(bad))
        assert got.status == status, (bad[-1], got.fields)
    # A length that the body denies, in one packet with it: nobody hears of the request.
    for length, body in (("3", b"abcGET /smuggled HTTP/1.1"), ("30", b"abc")):
        client = H2Client(port, lawless=True)
        stream = client.h2.get_next_available_stream_id()
        client.answers[stream] = Answer()
        client.h2.send_headers(stream, fields("POST", "/length", ("content-length", length)))
        client.h2.send_data(stream, body, end_stream=True)
        client.flush()
        assert client.wait(stream).reset == 1, length
    assert all(request.target == "/" for request in upstream.requests)


V2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes([192, 0, 2, 1, 192, 0, 2, 2]) + b"\x16\x2e\x01\xbb"
V1 = b"PROXY TCP4 192.0.2.1 192.0.2.2 5678 443\r\n"


@pytest.mark.parametrize("header", [V1, V2, b"PROXY UNKNOWN\r\n"])
@pytest.mark.parametrize("http2", [False, True])
def test_proxy_protocol(plane, header, http2):
    options = {"listeners": [{"http2": http2, "proxy_protocol": True}], "real_ip_header": "proxy_protocol"}
    for trusted, expected in ((["127.0.0.1"], "127.0.0.1" if b"UNKNOWN" in header else "192.0.2.1"), ([], "127.0.0.1")):
        port = plane(Upstream(), trusted_ips=trusted, **options).port
        client = Client(port)
        for part in (header[:5], header[5:20], header[20:]):
            client.send(part)
        got = client.get("/", "proxy_protocol: 1.2.3.4\r\n")
        assert got.upstream_saw("x-real-ip") == got.upstream_saw("x-forwarded-for") == [expected]
        if http2:
            assert saw(H2Client(port, prelude=header).get(), "x-real-ip") == [expected]


def test_broken_proxy_protocol(plane):
    gateway = plane(Upstream(), listeners=[{"proxy_protocol": True}], header_timeout=400)
    for wire in (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", V1[:-3], V2[:20], V2[:12] + b"\x21\xff" + V2[14:], b""):
        client = Client(gateway.port)
        client.send(wire)
        assert client.at_end()
    assert eventually(lambda: gateway.counters()["active"] == 0)
