"""What clients that never retry see of reloads, certificates, listeners that go, upgrades and quits: nothing."""
import os
import socket
import time

import pytest

from cluster import free_port, wait_until
from gateway import call
from impatient import Impatient
from test_lifecycle import database, node, settings, upstream  # noqa: F401  (fixtures)

EVERYBODY = ("new", "kept", "idle", "tls", "h2")


@pytest.fixture
def crowd(node, pki, backend):  # noqa: F811
    """Listeners of all kinds, and the ports of those that clients of impatient.py use."""
    ports = {"plain": node.proxy, "tls": free_port(), "h2": free_port()}
    listen = f"127.0.0.1:{ports['plain']}, 127.0.0.1:{ports['tls']} ssl, 127.0.0.1:{ports['h2']} http2"
    node.write(proxy_listen=listen, io_backend=backend, ssl_cert=pki.server.cert, ssl_cert_key=pki.server.key)
    reloaded = node.run("reload", check=None)
    if "io_uring" in reloaded.stderr:
        pytest.skip("io_uring is refused here")
    assert reloaded.returncode == 0, reloaded.stderr
    return ports


def assert_nothing_lost(ends):
    assert {how: end["lost"] for how, end in ends.items() if end["lost"]} == {}
    assert all(end["done"] > 0 for end in ends.values()), ends


def test_twenty_reloads_lose_nothing(node, crowd, pki):  # noqa: F811
    """Whoever never retries does not notice: workers come and go, and certificates change."""
    server, deep = pki.server, pki.deep
    changes = [{"workers": 1}, {"workers": 4}, {"ssl_cert": deep.cert, "ssl_cert_key": deep.key}, {"workers": 2},
               {"ssl_cert": server.cert, "ssl_cert_key": server.key}]
    with Impatient(crowd, EVERYBODY) as clients:
        for _ in range(4):
            for change in changes:
                node.write(**change)
                node.run("reload")
        assert_nothing_lost(clients.end())


def test_certificates_that_change_lose_nothing(node, crowd, pki):  # noqa: F811
    rows = [{name: open(path).read() for name, path in (("cert", pair.cert), ("key", pair.key))}
            for pair in (pki.server, pki.deep)]
    with Impatient(crowd, ("tls", "kept")) as clients:
        for turn in range(20):
            changed = call(node.admin, "PUT", "/certificates/5a11b0a2-0000-4000-8000-000000000001",
                           dict(rows[turn % 2], snis=["a.test"]))
            assert changed[0] == 200, changed
            time.sleep(0.1)
        assert_nothing_lost(clients.end())


def test_a_listener_that_goes_loses_nothing(node, crowd):  # noqa: F811
    """Who has got a connection gets an answer, and everybody else is refused."""
    for _ in range(4):
        former, node.proxy = node.proxy, free_port()
        with Impatient({"plain": former}, ("new", "kept")) as clients:
            node.write(proxy_listen=f"127.0.0.1:{node.proxy}")
            node.run("reload")
            wait_until(lambda: socket.socket().connect_ex(("127.0.0.1", former)) != 0, "the former port to close")
            assert_nothing_lost(clients.end())


def test_quit_loses_nothing(node, crowd):  # noqa: F811
    for turn in range(3):
        with Impatient(crowd, ("new", "kept", "tls", "h2")) as clients:
            assert "gracefully" in node.run("quit", "-t", "20").stdout
            assert_nothing_lost(clients.end())
        node.run("start")


def test_upgrade_loses_nothing(node, crowd):  # noqa: F811
    """The former process has as long for silent clients as former workers have after a reload."""
    with Impatient(crowd, EVERYBODY) as clients:
        for _ in range(3):
            former = node.pid()
            assert "upgraded" in node.run("upgrade").stdout
            wait_until(lambda: not os.path.exists(f"/proc/{former}"), "the former process to end", 60)
        assert_nothing_lost(clients.end())
