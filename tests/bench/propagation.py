#!/usr/bin/env python3
"""How long a write takes to reach every worker of every node.

    tests/bench/propagation.py --admin 127.0.0.1:8001 --proxy 127.0.0.1:8000 --proxy 127.0.0.1:9000

Adds routes through the Admin API of one node, and asks every proxy over several kept connections
(the kernel spreads them over the workers) until each of them knows the route. The time of one write
runs from the answer of the Admin API to the last connection that sees the route. Prints p50, p99 and
the worst; exit code 1 when p99 is above --limit. Everything that it adds it removes.
"""
import argparse
import http.client
import json
import socket
import sys
import time
import uuid


class Kept:
    """One kept HTTP/1.1 connection, with just enough of a client to be fast."""

    def __init__(self, address):
        self.host, _, port = address.rpartition(":")
        self.address = (self.host, int(port))
        self.sock = None

    def status(self, path):
        request = f"GET {path} HTTP/1.1\r\nHost: {self.host}\r\n\r\n".encode()
        for _ in range(2):  # the gateway may have closed a connection that was idle
            if self.sock is None:
                self.sock = socket.create_connection(self.address, timeout=10)
                self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                self.sock.sendall(request)
                return self.answer()
            except (ConnectionError, ValueError):
                self.sock.close()
                self.sock = None
        raise ConnectionError(f"{self.address} does not answer")

    def answer(self):
        data = b""
        while b"\r\n\r\n" not in data:
            more = self.sock.recv(65536)
            if not more:
                raise ConnectionError("closed")
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        if "content-length" in fields:
            missing = int(fields["content-length"]) - len(body)
            while missing > 0:
                missing -= len(self.sock.recv(65536))
        elif "transfer-encoding" in fields:
            while not body.endswith(b"0\r\n\r\n"):
                body += self.sock.recv(65536)
        if fields.get("connection", "").lower() == "close":
            self.sock.close()
            self.sock = None
        return int(lines[0].split()[1])


class Admin:
    def __init__(self, address):
        self.connection = http.client.HTTPConnection(address, timeout=30)

    def call(self, method, path, body=None):
        headers = {"Content-Type": "application/json"} if body is not None else {}
        self.connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        reply = self.connection.getresponse()
        text = reply.read()
        if reply.status >= 400:
            raise RuntimeError(f"{method} {path}: {reply.status} {text[:200]}")
        return json.loads(text) if text else None


def wait_for_all(connections, path, deadline):
    waiting = list(connections)
    while waiting:
        waiting = [c for c in waiting if c.status(path) == 404]
        if waiting and time.perf_counter() > deadline:
            raise RuntimeError(f"{path} did not reach {len(waiting)} connections in 10 s")


def percentile(sorted_values, share):
    return sorted_values[min(len(sorted_values) - 1, int(len(sorted_values) * share))]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--admin", required=True, metavar="HOST:PORT")
    parser.add_argument("--proxy", required=True, action="append", metavar="HOST:PORT")
    parser.add_argument("--upstream", default="127.0.0.1:9", help="where the service points; need not be up")
    parser.add_argument("--writes", type=int, default=1000)
    parser.add_argument("--connections", type=int, default=6, help="to each proxy")
    parser.add_argument("--limit", type=float, default=50, help="ms for p99")
    options = parser.parse_args()

    admin = Admin(options.admin)
    host, _, port = options.upstream.rpartition(":")
    run = uuid.uuid4().hex[:8]
    service = admin.call("POST", "/services", {"name": f"propagation-{run}", "host": host, "port": int(port),
                                               "retries": 0, "connect_timeout": 1000})
    connections = [Kept(proxy) for proxy in options.proxy for _ in range(options.connections)]
    routes, times, writes = [], [], []
    try:
        for i in range(options.writes):
            path = f"/propagation-{run}-{i}."  # the dot: prefixes match, and 1 is one of 10
            began = time.perf_counter()
            route = admin.call("POST", f"/services/{service['id']}/routes", {"paths": [path]})
            written = time.perf_counter()
            routes.append(route["id"])
            wait_for_all(connections, path, written + 10)
            times.append((time.perf_counter() - written) * 1000)
            writes.append((written - began) * 1000)
    finally:
        for route in routes:
            admin.call("DELETE", f"/routes/{route}")
        admin.call("DELETE", f"/services/{service['id']}")

    times.sort()
    writes.sort()
    p99 = percentile(times, 0.99)
    print(f"{len(times)} writes, {len(options.proxy)} nodes, {len(connections)} connections")
    print(f"Admin API:    p50 {percentile(writes, 0.5):.1f} ms, p99 {percentile(writes, 0.99):.1f} ms")
    print(f"propagation:  p50 {percentile(times, 0.5):.1f} ms, p99 {p99:.1f} ms, worst {times[-1]:.1f} ms")
    return 0 if p99 <= options.limit else 1


if __name__ == "__main__":
    sys.exit(main())
