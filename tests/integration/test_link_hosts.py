"""Several hosts: tried in turn by us, whatever went wrong with the one before, within one deadline."""
import socket

from cluster import free_port
from fake_server import FakeServer
from link_client import Link, demanding, open_once, write_conf


def start(clusters, pki, name, conf=None, hba=None, certificate=None):
    certificate = certificate or pki.server
    return clusters.start(name, {"ssl": "on", **(conf or {})}, hba,
                          {"server.crt": certificate.cert, "server.key": certificate.key})


def two_hosts(tmp_path, pki, first, second, **changes):
    """Two names on loopback addresses that share a port cannot be two servers; a relay on 127.0.0.2 can."""
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.2 first.test\n127.0.0.1 second.test\n")
    return write_conf(tmp_path, "c", **demanding(pki, second, **{"pg_host": "first.test, second.test",
                                                                 "pg_ssl_verify_host": "off",
                                                                 "dns_hostsfile": hosts, **changes}))


class Forward:
    """127.0.0.2:port -> 127.0.0.1:other, byte for byte."""

    def __init__(self, port, to):
        import threading
        self.listener = socket.create_server(("127.0.0.2", port))
        self.to, self.count = to, 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        import threading
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.count += 1
            server = socket.create_connection(("127.0.0.1", self.to))
            for a, b in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=(a, b), daemon=True).start()

    @staticmethod
    def _pump(a, b):
        try:
            while data := a.recv(65536):
                b.sendall(data)
            b.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def test_next_host_after_a_refused_connection(tls_server, pki, tmp_path):
    opened = open_once(two_hosts(tmp_path, pki, None, tls_server.port))
    assert opened["ok"] and opened["state"]["host"] == "second.test"
    assert opened["state"]["failed"][0][0] == "first.test" and "refused" in opened["state"]["failed"][0][3]


def test_next_host_after_a_tls_failure(tls_server, pki, tmp_path):
    """libpq's own list of hosts stops here."""
    with FakeServer(certificate=pki.other.issue("hosts-untrusted", san=pki.SAN)) as impostor, \
            Forward(tls_server.port, impostor.port):
        opened = open_once(two_hosts(tmp_path, pki, None, tls_server.port))
        assert opened["ok"] and opened["state"]["host"] == "second.test", opened
        assert "certificate verify failed" in opened["state"]["failed"][0][3]
        assert impostor.leaks() == []


def test_next_host_after_a_failed_authentication(clusters, tls_server, pki, tmp_path):
    closed = start(clusters, pki, "hosts-reject", hba=["host all all all reject"])
    with Forward(tls_server.port, closed.port):
        opened = open_once(two_hosts(tmp_path, pki, None, tls_server.port))
        assert opened["ok"] and "pg_hba.conf rejects connection" in opened["state"]["failed"][0][3], opened
    closed.stop()


def test_a_silent_host_leaves_time_for_the_next(tls_server, pki, tmp_path):
    with FakeServer(answer=None) as silent, Forward(tls_server.port, silent.port):
        opened = open_once(two_hosts(tmp_path, pki, None, tls_server.port, pg_timeout=2000))
        assert opened["ok"] and opened["state"]["host"] == "second.test", opened
        assert 0.8 < opened["seconds"] < 2.5


def test_all_hosts_fail(pki, tmp_path):
    port = free_port()
    opened = open_once(two_hosts(tmp_path, pki, None, port))
    assert opened["code"] == "link.refused" and "first.test" in opened["text"] and "second.test" in opened["text"]


def test_writes_want_a_primary(clusters, tls_server, pki, tmp_path):
    """After a failover the old primary may still answer: a host that takes writes is preferred."""
    standby = start(clusters, pki, "hosts-standby", {"default_transaction_read_only": "on"})
    with Forward(tls_server.port, standby.port) as forward:
        with Link(two_hosts(tmp_path, pki, None, tls_server.port)) as link:
            opened = link.open()
            assert opened["ok"] and opened["state"]["host"] == "second.test" and forward.count == 1
            assert not opened["state"]["read_only"]
        conf = two_hosts(tmp_path, pki, None, tls_server.port, pg_host="first.test")
        opened = open_once(conf)
        assert opened["ok"] and opened["state"]["read_only"], "better than nothing"
        settings = demanding(pki, tls_server.port, pg_ro_host="first.test, second.test", pg_ssl_verify_host="off",
                             dns_hostsfile=tmp_path / "hosts")
        with Link(write_conf(tmp_path, "ro", **settings), role="read_only") as link:
            assert link.open()["state"]["host"] == "first.test", "the read-only link takes what comes"
    standby.stop()


def test_dns_that_does_not_answer_is_bounded(pki, tmp_path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        resolver = f"127.0.0.1:{silent.getsockname()[1]}"
        conf = write_conf(tmp_path, "c", **demanding(pki, 5432, pg_host="db.example", dns_resolver=resolver,
                                                     dns_hostsfile="/dev/null", pg_timeout=700))
        opened = open_once(conf)
        assert opened["code"] == "link.timeout" and 0.6 < opened["seconds"] < 3, opened
        assert 'could not translate host name "db.example" to address' in opened["text"]
