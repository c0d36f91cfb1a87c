"""The data plane alone (gateway_fixture) and an upstream that does what a test tells it to."""
import json
import os
import pathlib
import socket
import struct
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIXTURE = os.environ.get("SALLYPORT_GATEWAY_FIXTURE", str(ROOT / "build/dev/tests/gateway_fixture"))


# Besides services and routes.
ENTITIES = ["upstreams", "targets", "certificates", "snis", "ca_certificates", "consumers", "plugins"]


class Wire:
    """A socket with a buffer in front of it."""

    def __init__(self, sock):
        self.sock, self.buffer = sock, bytearray()

    def fill(self):
        data = self.sock.recv(1 << 18)
        self.buffer += data
        return bool(data)

    def until(self, mark):
        """What comes before `mark`, which is taken too; EOFError when it never comes."""
        start = 0
        while (at := self.buffer.find(mark, start)) < 0:
            start = max(0, len(self.buffer) - len(mark))
            if not self.fill():
                raise EOFError(bytes(self.buffer[:200]))
        part = bytes(self.buffer[:at])
        del self.buffer[:at + len(mark)]
        return part

    def exactly(self, size):
        while len(self.buffer) < size:
            if not self.fill():
                raise EOFError(f"{len(self.buffer)} of {size} bytes")
        part = bytes(self.buffer[:size])
        del self.buffer[:size]
        return part

    def chunks(self):
        body = bytearray()
        while size := int(self.until(b"\r\n"), 16):
            body += self.exactly(size)
            assert self.exactly(2) == b"\r\n"
        assert self.exactly(2) == b"\r\n"
        return bytes(body)

    def close(self):
        self.sock.close()


class Connection(Wire):
    """A connection that an upstream has accepted: reads requests, sends what the script wants."""

    def __init__(self, sock, upstream):
        super().__init__(sock)
        self.upstream = upstream

    def read_head(self):
        try:
            lines = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        except EOFError:
            return None
        request = Request(lines[0], [tuple(line.split(": ", 1)) for line in lines[1:]])
        self.upstream.requests.append(request)
        return request

    def read_exactly(self, size):
        return self.exactly(size)

    def read_body(self, request):
        if request.get("transfer-encoding") == "chunked":
            return self.chunks()
        return self.exactly(int(request.get("content-length") or 0))

    def read_request(self):
        request = self.read_head()
        if request is not None:
            request.body = self.read_body(request)
        return request

    def send(self, data):
        self.sock.sendall(data)

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


class Request:
    def __init__(self, line, fields):
        self.line, self.fields, self.body = line, fields, b""
        self.method, self.target, self.version = line.split(" ")

    def get(self, name):
        values = [value for field, value in self.fields if field.lower() == name.lower()]
        return ", ".join(values) if values else None


def answer(body=b"ok", status="200 OK", fields=""):
    if isinstance(body, str):
        body = body.encode()
    return f"HTTP/1.1 {status}\r\n{fields}Content-Length: {len(body)}\r\n\r\n".encode() + body


def echo(connection):
    """Answers every request with what it was."""
    while (request := connection.read_request()) is not None:
        body = json.dumps({"line": request.line, "target": request.target, "method": request.method,
                           "fields": request.fields, "size": len(request.body)})
        connection.send(answer(body, fields="Content-Type: application/json\r\nServer: up\r\n"))


class Upstream:
    """Listens on a free port; every connection is given to `script`, in its own thread."""

    def __init__(self, script=echo):
        self.script, self.requests, self.connections, self.faults = script, [], 0, []
        self.sock = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.sock.getsockname()[1]
        self.closing = False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.sock.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections += 1
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        try:
            self.script(Connection(sock, self))
        except (OSError, EOFError):
            pass
        except Exception as fault:  # a bug in the script fails its test, see assert_sound()
            self.faults.append(fault)
        finally:
            sock.close()

    def assert_sound(self):
        assert self.faults == [], self.faults

    def close(self):
        try:
            self.sock.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        except OSError:
            pass
        self.sock.close()


class DataPlane:
    """gateway_fixture as a child process, with one service to `upstream` unless told otherwise."""

    def __init__(self, directory, backend, upstream=None, services=None, routes=None, **options):
        self.directory, self.errors = directory, ""
        service = {"id": uuid(1), "host": "127.0.0.1", "port": upstream.port if upstream else 1}
        service.update(options.pop("service", {}))
        route = {"id": uuid(2), "paths": ["/"], "strip_path": False, "service": {"id": uuid(1)}}
        route.update(options.pop("route", {}))
        self.config = {"services": services or [service], "routes": routes or [route],
                       **{name: options.pop(name) for name in (*ENTITIES, "router_flavor") if name in options},
                       "options": {"backend": backend, "linger_timeout": 500, **options}}
        self.path = os.path.join(directory, f"plane-{id(self):x}.json")
        self.log_path = self.path + ".log"
        self.write()
        with open(self.log_path, "w") as log:
            self.child = subprocess.Popen([FIXTURE, self.path], stdin=subprocess.PIPE,
                                          stdout=subprocess.PIPE, stderr=log, text=True)
        self.ports = self.command("ports")
        assert self.ports, self.log()
        self.port = (self.ports["proxy"] or [None])[0]

    def write(self):
        with open(self.path, "w") as file:
            json.dump(self.config, file)

    def command(self, text):
        self.child.stdin.write(text + "\n")
        self.child.stdin.flush()
        line = self.child.stdout.readline()
        return json.loads(line) if line else None

    def counters(self):
        return self.command("counters")

    def load(self, services=None, routes=None, **entities):
        self.config.update(entities)
        if services is not None:
            self.config.update(services=services, routes=routes)
        self.write()
        return self.command("load " + self.path)

    def log(self):
        with open(self.log_path) as file:
            return file.read()

    def connect(self, port=None):
        return Client(port or self.port)

    def refuses(self, port=None):
        """Nobody listens any more."""
        try:
            self.connect(port).close()
            return False
        except ConnectionRefusedError:
            return True

    def close(self):
        """Ends it; a sanitizer's finding or a crash fails the test."""
        if self.child.poll() is None:
            self.child.stdin.close()
        status = self.child.wait(timeout=30)
        assert status == 0, self.log()[-4000:]


class Client(Wire):
    """A raw client connection."""

    def __init__(self, port):
        super().__init__(socket.create_connection(("127.0.0.1", port), timeout=20))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, data):
        self.sock.sendall(data.encode("latin-1") if isinstance(data, str) else data)
        return self

    def get(self, target="/", fields="", method="GET", version="1.1"):
        self.send(f"{method} {target} HTTP/{version}\r\nHost: a.test\r\n{fields}\r\n")
        return self.read(head_only=method == "HEAD")

    def read_interim(self):
        """The status of an interim response that is awaited before anything more is sent."""
        return Response(self.until(b"\r\n\r\n").decode("latin-1").split("\r\n"), []).status

    def read(self, head_only=False):
        """One response; interim ones end up in `interim`."""
        interim = []
        while True:
            lines = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
            response = Response(lines, interim)
            if response.status >= 200:
                break
            interim.append(response)
        if head_only or response.status in (204, 304):
            return response
        if response.get("transfer-encoding") == "chunked":
            response.body = self.chunks()
        elif response.get("content-length") is not None:
            response.body = self.exactly(int(response.get("content-length")))
        else:
            response.body = self.read_to_end()
        return response

    def read_to_end(self):
        while self.fill():
            pass
        rest, self.buffer = bytes(self.buffer), bytearray()
        return rest

    def at_end(self):
        """The gateway has closed, and nothing came before that."""
        try:
            return self.read_to_end() == b""
        except ConnectionResetError:
            return True


class Response:
    def __init__(self, lines, interim):
        version, status, *reason = lines[0].split(" ", 2)
        assert version == "HTTP/1.1"
        self.status, self.reason = int(status), (reason or [""])[0]
        self.fields = [tuple(line.split(": ", 1)) for line in lines[1:]]
        self.body, self.interim = b"", interim

    def get(self, name):
        values = [value for field, value in self.fields if field.lower() == name.lower()]
        return ", ".join(values) if values else None

    def json(self):
        return json.loads(self.body)

    def upstream_saw(self, name):
        return [value for field, value in self.json()["fields"] if field.lower() == name.lower()]


def exchange_time(sock, size, count=40):
    """Seconds that a message of `size` bytes takes to an echo and back, of the quicker quarter of them."""
    body, times = os.urandom(size), []
    for _ in range(count):
        began, left = time.monotonic(), size
        sock.sendall(body)
        while left:
            got = len(sock.recv(left))
            assert got, f"ended with {left} of {size} bytes to come"
            left -= got
        times.append(time.monotonic() - began)
    return sorted(times)[count // 4]


def uuid(number):
    return f"{number:08x}-0000-4000-8000-000000000000"


def eventually(condition, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return bool(condition())
