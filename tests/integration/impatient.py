"""Clients that never retry, each a process of its own: what they lose, somebody has lost.

    impatient.py HOW PORT PATH

HOW is `new` (a connection for each request), `kept`, `idle` (kept, and silent for longer than a drain lasts),
`tls` (kept, and new every tenth request) or `h2`. Nobody was promised anything before a connection is there.
Says `ready`, works until its standard input ends, then prints {"done": requests, "lost": [what went wrong]}.
"""
import json
import select
import socket
import ssl
import subprocess
import sys
import threading
import time


class Impatient:
    """The clients of one test, one process for each of `hows`; `ports` by the name of the listener."""

    def __init__(self, ports, hows, path="/a"):
        self.hows = hows
        self.processes = [subprocess.Popen([sys.executable, __file__, how, str(ports.get(how, ports["plain"])), path],
                                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for how in hows]

    def __enter__(self):
        for process in self.processes:
            assert process.stdout.readline() == "ready\n"
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        """By kind of client, what it did."""
        for process in self.processes:
            if not process.stdin.closed:
                process.stdin.close()
        if not hasattr(self, "ends"):
            self.ends = {}
            for how, process in zip(self.hows, self.processes):
                self.ends[how] = json.loads(process.stdout.read())
                process.wait()
        return self.ends


class Gone(Exception):
    """Nobody listens."""


class Client:
    def __init__(self, how, port, path):
        self.how, self.port, self.path = how, port, path
        self.done, self.lost = 0, []
        self.ending = threading.Event()
        self.request = (f"GET {path} HTTP/1.1\r\nHost: a\r\n" + ("Connection: close\r\n" if how == "new" else "") +
                        "\r\n").encode()

    def connect(self):
        while True:
            if self.ending.is_set():
                raise Gone
            try:
                sock = socket.create_connection(("127.0.0.1", self.port), timeout=30)
            except ConnectionRefusedError:
                time.sleep(0.01)
                continue
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.how == "tls":
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                sock = context.wrap_socket(sock)
            return sock

    def ask(self, sock):
        """Whether the connection stays."""
        sock.sendall(self.request)
        head, mark, body = b"", b"", b""
        while not mark:
            part = sock.recv(65536)
            if not part:
                raise EOFError(f"no answer, {len(head)} bytes")
            head, mark, body = (head + part).partition(b"\r\n\r\n")
        lines = head.decode("latin-1").lower().split("\r\n")
        fields = dict(line.split(": ", 1) for line in lines[1:])
        assert lines[0] == "http/1.1 200 ok", lines[0]
        while len(body) < int(fields["content-length"]):
            part = sock.recv(65536)
            if not part:
                raise EOFError("a cut answer")
            body += part
        self.done += 1
        return fields.get("connection") != "close"

    def serve_connection(self):
        sock = self.connect()
        try:
            asked = 0
            while self.ask(sock) and not self.ending.is_set():
                asked += 1
                if self.how == "tls" and asked == 10:
                    break
                if self.how == "idle":
                    self.ending.wait(2.5)
        finally:
            sock.close()

    def run(self):
        connection = self.h2_connection if self.how == "h2" else self.serve_connection
        while not self.ending.is_set():
            try:
                connection()
            except Gone:
                break
            except Exception as fault:
                self.lost.append(repr(fault))

    def h2_connection(self):
        import h2.config
        import h2.connection
        import h2.events

        # RFC 9113 section 6.8: what had begun goes on after GOAWAY; the library thinks it does not.
        opened, machine = h2.connection.ConnectionState.CLIENT_OPEN, h2.connection.H2ConnectionStateMachine
        machine._transitions[(opened, h2.connection.ConnectionInputs.RECV_GOAWAY)] = (None, opened)
        sock = self.connect()
        side = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
        side.initiate_connection()
        open_streams, leaving = set(), False
        try:
            while not (leaving or self.ending.is_set()) or open_streams:
                while not leaving and len(open_streams) < 4 and not self.ending.is_set():
                    stream = side.get_next_available_stream_id()
                    side.send_headers(stream, [(":method", "GET"), (":scheme", "http"), (":path", self.path),
                                               (":authority", "a")], end_stream=True)
                    open_streams.add(stream)
                sock.sendall(side.data_to_send())
                data = sock.recv(65536)
                if not data:
                    if open_streams:
                        raise EOFError(f"{len(open_streams)} streams without an answer")
                    return
                for event in side.receive_data(data):
                    if isinstance(event, h2.events.ResponseReceived):
                        assert dict(event.headers)[":status"] == "200", event.headers
                    elif isinstance(event, h2.events.DataReceived):
                        side.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                    elif isinstance(event, h2.events.StreamEnded):
                        open_streams.discard(event.stream_id)
                        self.done += 1
                    elif isinstance(event, h2.events.StreamReset):
                        raise EOFError(f"stream reset: {event.error_code}")
                    elif isinstance(event, h2.events.ConnectionTerminated):
                        leaving = True
                        after = [stream for stream in open_streams if stream > event.last_stream_id]
                        assert not after, f"streams {after} are not served"
        finally:
            sock.close()


def main():
    how, port, path = sys.argv[1:]
    client = Client(how, int(port), path)
    worker = threading.Thread(target=client.run)
    worker.start()
    deadline = time.monotonic() + 30
    while client.done == 0 and not client.lost and time.monotonic() < deadline:
        time.sleep(0.01)
    print("ready", flush=True)
    select.select([0], [], [])
    client.ending.set()
    worker.join()
    print(json.dumps({"done": client.done, "lost": client.lost[:20]}), flush=True)


if __name__ == "__main__":
    main()
