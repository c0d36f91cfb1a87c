"""A relay in front of a real server that cuts, slows or strips what goes through it."""
import select
import socket
import struct
import threading
import time

from fake_server import CANCEL, SSL_REQUEST


class Relay:
    """`cut_after`: bytes from the server after which the connection ends (None: never), with a reset when `reset`.
    `strip`: answers N to SSLRequest itself. All of them may be changed while it runs."""

    def __init__(self, port, cut_after=None, reset=False, strip=False):
        self.to, self.cut_after, self.reset, self.strip = port, cut_after, reset, strip
        self.connections = []  # the first eight bytes of each
        self.plain_bytes = 0   # from clients that went on after a stripped N, or never asked for TLS
        self.stalled = threading.Event()
        self.stopping = False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.stopping = True
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def cancels(self):
        return [first for first in self.connections if first[4:8] == CANCEL]

    def _accept(self):
        while not self.stopping:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with client, socket.create_connection(("127.0.0.1", self.to)) as server:
            try:
                self._pump(client, server)
            except OSError:
                pass

    def _pump(self, client, server):
        first = client.recv(8, socket.MSG_WAITALL)
        self.connections.append(first)
        encrypted = first == SSL_REQUEST and not self.strip
        if first == SSL_REQUEST and self.strip:
            client.sendall(b"N")
        else:
            server.sendall(first)
        sent = 0
        while not self.stopping:
            for source in select.select([client, server], [], [], 0.2)[0]:
                if self.stalled.is_set():
                    time.sleep(0.05)
                    continue
                limit = 65536 if source is client or self.cut_after is None else self.cut_after - sent
                data = source.recv(min(65536, max(limit, 1)))
                if not data:
                    return None
                if source is client:
                    self.plain_bytes += 0 if encrypted else len(data)
                    server.sendall(data)
                    continue
                client.sendall(data)
                sent += len(data)
                if self.cut_after is not None and sent >= self.cut_after:
                    return self._cut(client)

    def _cut(self, client):
        if self.reset:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
