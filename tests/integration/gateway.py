"""Gateways for tests: a node of `sallyport start` over mutual TLS, and an upstream to proxy to."""
import http.client
import http.server
import json
import os
import subprocess
import threading
import time

from cluster import free_port, wait_until

SALLYPORT = os.path.abspath(os.environ.get("SALLYPORT", "build/dev/sallyport"))


def link_settings(server, pki, database="kong"):
    """kong.conf's lines for a database behind mutual TLS."""
    return {
        "database": "postgres", "pg_host": "localhost", "pg_port": server.port, "pg_user": "kong",
        "pg_database": database, "pg_ssl": "on", "pg_ssl_required": "on", "pg_ssl_verify": "on",
        "lua_ssl_trusted_certificate": pki.root.cert, "pg_ssl_cert": pki.client.cert,
        "pg_ssl_cert_key": pki.client.key, "pg_timeout": 5000,
    }


def write_conf(path, settings):
    with open(path, "w") as out:
        out.writelines(f"{key} = {value}\n" for key, value in settings.items())
    return str(path)


def sallyport(*arguments, check=None, timeout=120, env=None, **options):
    done = subprocess.run([SALLYPORT, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=timeout, env=dict(os.environ, **(env or {})), **options)
    assert check is None or done.returncode == check, (done.returncode, done.stdout, done.stderr)
    return done


class Upstream:
    """Answers every request with 200 and its path."""

    def __init__(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 1 << 16  # one packet: the client's kernel delays its word on the first of two by 40 ms

            def do_GET(self):
                body = self.path.encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def call(port, method, path, body=None, headers=None, timeout=15):
    """(status, decoded JSON or text) of one request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        text = json.dumps(body) if body is not None else None
        headers = dict(headers or {}, **({"Content-Type": "application/json"} if text else {}))
        connection.request(method, path, text, headers)
        reply = connection.getresponse()
        data = reply.read().decode()
        kind = reply.getheader("Content-Type", "")
        return reply.status, json.loads(data) if data and kind.startswith("application/json") else data
    finally:
        connection.close()


class Node:
    def __init__(self, prefix, settings, workers=2, wait=True):
        os.makedirs(prefix, exist_ok=True)
        self.admin, self.proxy, self.status_port = free_port(), free_port(), free_port()
        settings = dict(settings)
        flags = settings.pop("admin_flags", "")
        settings = dict(settings, prefix=prefix, workers=workers, admin_listen=f"127.0.0.1:{self.admin}{flags}",
                        proxy_listen=f"127.0.0.1:{self.proxy}", status_listen=f"127.0.0.1:{self.status_port}",
                        admin_gui_listen="off", proxy_access_log="off")
        self.conf = write_conf(os.path.join(prefix, "kong.conf"), settings)
        self.log = os.path.join(prefix, "stderr.log")
        with open(self.log, "w") as log:
            self.process = subprocess.Popen([SALLYPORT, "start", "--foreground", "-c", self.conf], stderr=log,
                                            stdout=log)
        if not wait:
            return
        try:
            wait_until(self.ready, "the node to be ready", 60)
        except AssertionError:
            self.stop()
            raise AssertionError(open(self.log).read()) from None

    def ready(self):
        if self.process.poll() is not None:
            raise AssertionError(open(self.log).read())
        try:
            return call(self.status_port, "GET", "/status/ready")[0] == 200
        except OSError:
            return False

    def knows(self, path):
        """Whether every worker routes the path, as far as a few connections can tell."""
        return all(call(self.proxy, "GET", path)[0] != 404 for _ in range(6))

    def sees(self, path, within=5):
        began = time.monotonic()
        wait_until(lambda: self.knows(path), f"{path} to be routed", within)
        return time.monotonic() - began

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
