"""A hostile PostgreSQL server: answers SSLRequest as told, speaks TLS with any certificate, and keeps
everything that a client sent.

    with FakeServer(answer=b"S", certificate=cert) as server:
        ...
        server.leaks()        # startup packets, passwords, cancel requests that reached it
        server.raw            # all bytes from clients, as they were on the wire
"""
import socket
import ssl
import struct
import threading

SSL_REQUEST = struct.pack("!II", 8, 80877103)
CANCEL = struct.pack("!I", 80877102)
STARTUP = struct.pack("!I", 196608)


def error_packet(text, code=b"08006"):
    body = b"SFATAL\0VFATAL\0C" + code + b"\0M" + text + b"\0\0"
    return b"E" + struct.pack("!I", len(body) + 4) + body


class FakeServer:
    """`answer` goes out in one packet after SSLRequest (None: silence; b"": the connection is closed). With a
    certificate and an answer that begins with S, TLS follows. `then` is called with the session after a
    startup packet; by default it asks for a password in clear and refuses."""

    def __init__(self, answer=b"S", certificate=None, client_ca=None, versions=None, then=None, hold=False):
        self.answer, self.certificate, self.client_ca = answer, certificate, client_ca
        self.versions, self.then, self.hold = versions, then or ask_password, hold
        self.raw, self.events = b"", []
        self.stopping = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def leaks(self):
        return [event for event in self.events if event.split(":")[0] in ("startup", "password", "cancel")]

    def _accept(self):
        while not self.stopping.is_set():
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        connection.settimeout(15)
        with connection:
            try:
                self._talk(connection)
            except (OSError, ssl.SSLError) as error:
                self.events.append(f"end:{error}")

    def _talk(self, connection):
        plain = Session(self, connection)
        first = plain.read(8)
        if first != SSL_REQUEST:
            return self._startup(plain, first)
        self.events.append("sslrequest")
        if self.answer is None:
            return self._linger(connection)
        connection.sendall(self.answer)
        if not self.answer.startswith(b"S") or self.certificate is None:
            if self.hold or self.answer.startswith(b"N"):
                self._after_plain_answer(connection, plain)
            return None
        secure = TlsSession(self, connection)
        secure.handshake()
        self.events.append("tls:" + secure.tls.version())
        if self.hold:
            return self._linger(connection)
        return self._startup(secure, secure.read(8))

    def _after_plain_answer(self, connection, plain):
        if self.hold:
            return self._linger(connection)
        first = plain.read(8)
        return self._startup(plain, first) if first else None

    def _linger(self, connection):
        while not self.stopping.is_set():
            data = connection.recv(4096)
            if not data:
                return
            self.raw += data

    def _startup(self, session, first):
        if first[4:8] == CANCEL:
            self.events.append("cancel:")
        if first[4:8] != STARTUP:
            return
        rest = session.read(struct.unpack("!I", first[:4])[0] - 8)
        self.events.append("startup:" + rest.decode("latin1").replace("\0", " ").strip())
        self.then(self, session)

    def context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate.cert, self.certificate.key)
        if self.versions:
            context.minimum_version, context.maximum_version = self.versions
        if self.client_ca:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.client_ca)
        return context


class Session:
    def __init__(self, server, connection):
        self.server, self.connection = server, connection

    def read(self, size):
        data = b""
        while len(data) < size:
            more = self.connection.recv(size - len(data))
            if not more:
                break
            data += more
        self.server.raw += data
        return data

    def write(self, data):
        self.connection.sendall(data)


class TlsSession:
    """TLS over memory buffers, so that the bytes on the wire can be kept."""

    def __init__(self, server, connection):
        self.server, self.connection = server, connection
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = server.context().wrap_bio(self.incoming, self.outgoing, server_side=True)

    def handshake(self):
        self._pump(self.tls.do_handshake)

    def read(self, size):
        data = b""
        while len(data) < size:
            more = self._pump(lambda: self.tls.read(size - len(data)))
            if not more:
                break
            data += more
        return data

    def write(self, data):
        self._pump(lambda: self.tls.write(data))

    def _pump(self, step):
        while True:
            try:
                return self._flush(step())
            except ssl.SSLWantReadError:
                self._flush(None)
                data = self.connection.recv(16384)
                self.server.raw += data
                if data:
                    self.incoming.write(data)
                else:
                    self.incoming.write_eof()
            except ssl.SSLError:
                self._flush(None)  # the alert
                raise

    def _flush(self, result):
        data = self.outgoing.read()
        if data:
            self.connection.sendall(data)
        return result


def ask_password(server, session):
    session.write(b"R" + struct.pack("!II", 8, 3))
    head = session.read(5)
    if head[:1] == b"p":
        password = session.read(struct.unpack("!I", head[1:])[0] - 4).rstrip(b"\0").decode()
        server.events.append("password:" + password)
        session.write(error_packet(b"you sent " + password.encode() + b", enough"))


def silence(server, session):
    session.read(1 << 20)
