"""start, stop, quit, reload, restart and health as an operator uses them, under traffic."""
import http.client
import os
import signal
import socket
import subprocess
import threading
import time

import pytest

from cluster import as_postgres, free_port, wait_until
from gateway import SALLYPORT, Upstream, call, link_settings, sallyport, write_conf


class Daemon:
    """A node started in the background by its configuration file, and ended by its pid."""

    def __init__(self, prefix, settings):
        os.makedirs(prefix, exist_ok=True)
        self.prefix, self.admin, self.proxy = str(prefix), free_port(), free_port()
        self.settings = dict(settings, prefix=prefix, workers=2, admin_listen=f"127.0.0.1:{self.admin}",
                             proxy_listen=f"127.0.0.1:{self.proxy}", status_listen="off", admin_gui_listen="off",
                             proxy_access_log="off")
        self.conf = os.path.join(self.prefix, "kong.conf")
        self.write()

    def write(self, **changes):
        self.settings.update(changes)
        return write_conf(self.conf, self.settings)

    def run(self, command, *arguments, check=0):
        return sallyport(command, "-c", self.conf, *arguments, check=check)

    def pid(self):
        try:
            return int(open(self.prefix + "/pids/sallyport.pid").read())
        except (OSError, ValueError):
            return None

    def log(self):
        return open(self.prefix + "/logs/error.log").read()

    def end(self):
        if (pid := self.pid()) and sallyport("health", "-p", self.prefix).returncode == 0:
            os.kill(pid, signal.SIGKILL)


class Load:
    """Clients that keep their connections, and one that makes a new one for each request."""

    def __init__(self, port, path="/a"):
        self.port, self.path, self.done, self.lost, self.ended = port, path, 0, [], threading.Event()
        self.threads = [threading.Thread(target=self.client, args=(kept,)) for kept in (True, True, True, False)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        time.sleep(0.1)
        return self

    def __exit__(self, *_):
        time.sleep(0.2)
        self.stop()

    def stop(self):
        self.ended.set()
        for thread in self.threads:
            thread.join()

    def client(self, kept):
        while not self.ended.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
            try:
                connection.connect()
            except ConnectionRefusedError:
                if self.ended.wait(0.01):
                    return
                continue  # nobody was promised anything
            try:
                while not self.ended.is_set():
                    connection.request("GET", self.path, headers={} if kept else {"Connection": "close"})
                    reply = connection.getresponse()
                    assert reply.status == 200, reply.status
                    reply.read()
                    self.done += 1
                    if reply.will_close:
                        break
            except Exception as fault:  # whatever it is, a request is lost
                self.lost.append(repr(fault))
            finally:
                connection.close()


@pytest.fixture(scope="module")
def database(clusters, pki, request):
    return clusters.start(request.module.__name__, {"ssl": "on", "ssl_ca_file": "ca.crt"}, ["hostssl all all all cert"],
                          {"server.crt": pki.server.cert, "server.key": pki.server.key, "ca.crt": pki.root.cert})


@pytest.fixture(scope="module")
def upstream():
    made = Upstream()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def settings(database, pki, workspace):
    made = link_settings(database, pki)
    conf = write_conf(os.path.join(workspace, "lifecycle.conf"), made)
    sallyport("migrations", "bootstrap", "-c", conf, check=0)
    return made


@pytest.fixture
def node(settings, upstream, tmp_path):
    daemon = Daemon(tmp_path / "node", settings)
    daemon.run("start")
    assert call(daemon.admin, "PUT", "/services/a", {"url": f"http://127.0.0.1:{upstream.port}"})[0] == 200
    assert call(daemon.admin, "PUT", "/services/a/routes/a", {"paths": ["/a"], "strip_path": False})[0] == 200
    wait_until(lambda: all(call(daemon.proxy, "GET", "/a")[0] == 200 for _ in range(6)), "the route")
    yield daemon
    daemon.end()


def test_commands(node):
    first = node.pid()
    assert "is running" in node.run("health").stdout
    again = node.run("start", check=1)
    assert f"already running in {node.prefix} (pid {first})" in again.stderr
    assert call(node.proxy, "GET", "/a")[0] == 200
    assert "reloaded" in node.run("reload").stdout
    assert "reloaded" in sallyport("reload", "-p", node.prefix, check=0).stdout
    with open(node.prefix + "/other.conf", "w") as file:
        file.write(f"prefix = {node.prefix}\n")
    assert "which it was started with, and not from" in sallyport(
        "reload", "-c", node.prefix + "/other.conf", check=1).stderr
    assert node.pid() == first
    node.run("restart")
    assert node.pid() not in (None, first)
    assert call(node.proxy, "GET", "/a")[0] == 200
    assert "stopped" in sallyport("stop", "-p", node.prefix, check=0).stdout
    for command in ("stop", "quit", "health", "reload"):
        assert f"not running in {node.prefix}" in node.run(command, check=1).stderr
    node.run("restart")  # starts what does not run
    assert "gracefully" in node.run("quit").stdout
    assert node.pid() is None


def test_another_node_is_not_let_in_on_the_same_ports(node, settings, tmp_path):
    other = Daemon(tmp_path / "other", settings)
    other.write(proxy_listen=f"0.0.0.0:{node.proxy}")
    refused = other.run("start", check=1)
    assert f"cannot listen on 0.0.0.0:{node.proxy}: Address already in use" in refused.stderr
    assert other.pid() is None
    for _ in range(3):
        node.run("restart")
    assert call(node.proxy, "GET", "/a")[0] == 200
    other.write(proxy_listen=f"127.0.0.1:{other.proxy}")
    other.run("start")
    other.end()


def test_a_killed_node_leaves_nothing_in_the_way(node):
    os.kill(node.pid(), signal.SIGKILL)
    wait_until(lambda: sallyport("health", "-p", node.prefix).returncode == 1, "the node to be gone")
    assert os.path.exists(node.prefix + "/pids/sallyport.pid")
    node.run("stop", check=1)
    node.run("start")
    assert call(node.proxy, "GET", "/a")[0] == 200


def test_a_pid_file_with_the_number_of_another_process_harms_nobody(node):
    node.run("stop")
    bystander = subprocess.Popen(["sleep", "60"])
    with open(node.prefix + "/pids/sallyport.pid", "w") as out:
        out.write(f"{bystander.pid}\n")
    node.run("stop", check=1)
    node.run("quit", check=1)
    assert bystander.poll() is None
    node.run("start")
    bystander.kill()
    bystander.wait()


def test_asking_for_health_never_prevents_a_start(node):
    node.run("stop")
    ended = threading.Event()

    def ask():
        while not ended.is_set():
            sallyport("health", "-p", node.prefix)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        for _ in range(2):
            node.run("start")
            node.run("stop")
    finally:
        ended.set()
        asking.join()


def test_reload_under_traffic_loses_nothing(node, database):
    with Load(node.proxy) as load:
        for change in ({}, {"pg_timeout": 4000}, {"workers": 1}, {"workers": 3}, {"db_update_frequency": 2},
                       {"pg_host": "127.0.0.1"}, {"workers": 2, "io_backend": "epoll"}):
            before = load.done
            node.write(**change)
            node.run("reload")
            wait_until(lambda: load.done > before + 20, "traffic to go on")
    assert load.lost == []
    # The Admin API and the change feed work on the new link.
    assert call(node.admin, "PUT", "/services/a/routes/b", {"paths": ["/b"], "strip_path": False})[0] == 200
    wait_until(lambda: call(node.proxy, "GET", "/b")[0] == 200, "the new route")
    assert call(node.admin, "DELETE", "/routes/b")[0] == 204


def listening(port):
    """The sockets that listen on a port, by inode."""
    rows = [line.split() for line in open("/proc/net/tcp").readlines()[1:]]
    return {row[9] for row in rows if row[3] == "0A" and int(row[1].split(":")[1], 16) == port}


def test_reload_closes_no_socket(node):
    """Closing one resets the client that connects just then, however much waits in its queue is taken in."""
    before = listening(node.proxy)
    assert len(before) == 2
    for workers in (2, 1, 2):
        node.write(workers=workers)
        node.run("reload")
        assert listening(node.proxy) == before
    node.write(workers=3, io_backend="epoll")
    node.run("reload")
    assert listening(node.proxy) > before
    assert all(call(node.proxy, "GET", "/a")[0] == 200 for _ in range(20))


def test_reload_moves_the_listeners(node):
    former, node.proxy = node.proxy, free_port()
    with Load(former) as load:
        node.write(proxy_listen=f"127.0.0.1:{former}, 127.0.0.1:{node.proxy}")
        node.run("reload")
        assert call(node.proxy, "GET", "/a")[0] == 200
        node.write(proxy_listen=f"127.0.0.1:{node.proxy}")
        node.run("reload")
        wait_until(lambda: socket.socket().connect_ex(("127.0.0.1", former)) != 0, "the former port to close")
    assert load.lost == []
    assert load.done > 20
    assert call(node.proxy, "GET", "/a")[0] == 200


def test_reload_keeps_unix_sockets(node):
    path, ended, lost, done = node.prefix + "/proxy.sock", threading.Event(), [], [0]

    def ask():
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(15)
            client.connect(path)
            client.sendall(b"GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            answer = b""
            while part := client.recv(65536):
                answer += part
        assert answer.startswith(b"HTTP/1.1 200"), answer

    def load():
        while not ended.is_set():
            try:
                ask()
                done[0] += 1
            except Exception as fault:
                lost.append(repr(fault))

    node.write(proxy_listen=f"127.0.0.1:{node.proxy}, unix:{path}")
    node.run("reload")
    threads = [threading.Thread(target=load) for _ in range(2)]
    for thread in threads:
        thread.start()
    for change in ({}, {"io_backend": "epoll"}, {"workers": 1}, {"io_backend": "io_uring", "workers": 2}):
        before = done[0]
        node.write(**change)
        reloaded = node.run("reload", check=None)
        assert reloaded.returncode == 0 or "io_uring" in reloaded.stderr  # refused by some containers
        wait_until(lambda: done[0] > before + 10, "traffic to go on")
    node.write(proxy_listen=f"127.0.0.1:{node.proxy}, 127.0.0.1:99999")
    node.run("reload", check=1)
    ended.set()
    for thread in threads:
        thread.join()
    assert lost == []
    ask()
    assert "cannot accept" not in node.log()
    node.write(proxy_listen=f"127.0.0.1:{node.proxy}")
    node.run("reload")
    wait_until(lambda: not os.path.exists(path), "the socket to go")


@pytest.mark.parametrize("change, words", [
    ({"pg_ssl": "yes"}, "pg_ssl"),
    ({"no_such_key": "1"}, "no_such_key"),
    ({"pg_port": 1}, "refused"),
    ({"pg_database": "nosuch"}, "nosuch"),
    ({"pg_database": "postgres"}, "migrations bootstrap"),
    ({"lua_ssl_trusted_certificate": "/nonexistent/ca.crt"}, "/nonexistent/ca.crt"),
    ({"pg_ssl_cert_key": "/nonexistent/client.key"}, "/nonexistent/client.key"),
    ({"proxy_access_log": "/nonexistent/access.log"}, "/nonexistent/access.log"),
    ({"proxy_listen": "TAKEN"}, "cannot listen on"),
    ({"proxy_listen": "192.0.2.1:80"}, "192.0.2.1"),
    ({"ssl_cert": "/nonexistent/s.crt", "ssl_cert_key": "/nonexistent/s.key", "proxy_listen": "SSL"}, "s.crt"),
])
def test_a_bad_file_changes_nothing(node, change, words):
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    taken.listen()
    former = dict(node.settings)
    pid = node.pid()
    if change.get("proxy_listen") == "TAKEN":
        change = {"proxy_listen": "127.0.0.1:%d, 127.0.0.1:%d" % (node.proxy, taken.getsockname()[1])}
    elif change.get("proxy_listen") == "SSL":
        change = dict(change, proxy_listen="127.0.0.1:%d, 127.0.0.1:%d ssl" % (node.proxy, free_port()))
    with Load(node.proxy) as load:
        node.write(**change)
        refused = node.run("reload", check=1)
        assert words in refused.stderr
        # What the command itself cannot know is said by the node, in its log too.
        os.kill(pid, signal.SIGHUP)
        wait_until(lambda: "the former configuration stays in use" in node.log(), "the log to say so")
        assert words in node.log()
    taken.close()
    assert load.lost == [] and load.done > 10
    assert node.pid() == pid
    assert call(node.admin, "GET", "/services/a")[0] == 200
    node.settings = former
    node.write()
    node.run("reload")
    assert call(node.proxy, "GET", "/a")[0] == 200


class SlowUpstream:
    """Answers when it is told to."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.asked, self.release = threading.Semaphore(0), threading.Event()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.answer, args=(client,), daemon=True).start()

    def answer(self, client):
        if client.recv(65536):
            self.asked.release()
            self.release.wait(30)
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nslow")
        client.close()

    def stop(self):
        self.release.set()
        self.socket.close()


@pytest.fixture
def slow(node):
    made = SlowUpstream()
    assert call(node.admin, "PUT", "/services/slow", {"url": f"http://127.0.0.1:{made.port}"})[0] == 200
    assert call(node.admin, "PUT", "/services/slow/routes/slow", {"paths": ["/slow"]})[0] == 200
    time.sleep(0.3)  # for every worker to know the route
    yield made
    made.stop()


def ask_slowly(node, slow):
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(call(node.proxy, "GET", "/slow", timeout=30)))
               for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert slow.asked.acquire(timeout=10)
    return answers, threads


def test_quit_drains_what_has_begun_before_and_after_a_reload(node, slow):
    before, first = ask_slowly(node, slow)
    node.run("reload")
    after, second = ask_slowly(node, slow)
    quitting = subprocess.Popen([SALLYPORT, "quit", "-c", node.conf, "-t", "20"], stdout=subprocess.PIPE, text=True)
    wait_until(lambda: "draining" in node.log(), "the drain to begin")
    wait_until(lambda: socket.socket().connect_ex(("127.0.0.1", node.proxy)) != 0, "the port to close")
    assert quitting.poll() is None
    slow.release.set()
    for thread in first + second:
        thread.join()
    assert before == after == [(200, "slow")] * 4
    assert "gracefully" in quitting.communicate(timeout=20)[0]


def test_quit_that_takes_too_long_ends_forcefully(node, slow):
    answers, threads = ask_slowly(node, slow)
    node.run("reload")  # the requests are the retired data plane's now
    began = time.monotonic()
    assert "forcefully" in node.run("quit", "-t", "1").stdout
    assert time.monotonic() - began < 25  # not the 30 s of a drain
    assert node.pid() is None
    for thread in threads:
        thread.join()


def test_quit_under_load_loses_nothing(node):
    with Load(node.proxy) as load:
        node.run("quit", "-t", "20")
    assert load.lost == [] and load.done > 10


def test_upgrade_under_traffic_loses_nothing(node):
    path = node.prefix + "/proxy.sock"
    node.write(proxy_listen=f"127.0.0.1:{node.proxy}, unix:{path}")
    node.run("reload")

    def ask():
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
            client.sendall(b"GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            assert client.recv(65536).startswith(b"HTTP/1.1 200")

    with Load(node.proxy) as load:
        for _ in range(3):
            former, before = node.pid(), load.done
            assert "upgraded" in node.run("upgrade").stdout
            assert node.pid() not in (None, former)
            ask()
            wait_until(lambda: not os.path.exists(f"/proc/{former}"), "the former process to end")
            wait_until(lambda: load.done > before + 20, "traffic to go on")
            ask()
            assert sallyport("health", "-p", node.prefix).returncode == 0
    assert load.lost == []
    # The new one obeys like any other.
    node.run("reload")
    assert call(node.admin, "GET", "/services/a")[0] == 200
    node.run("quit")
    assert node.pid() is None and not os.path.exists(path)


def test_an_upgrade_that_fails_changes_nothing(node):
    pid = node.pid()
    port = node.settings["pg_port"]
    with Load(node.proxy) as load:
        node.write(pg_port=1)
        assert node.run("upgrade", check=1).stderr
        node.write(pg_port=port, proxy_listen=f"127.0.0.1:{node.proxy}, 192.0.2.1:80")
        assert "192.0.2.1" in node.run("upgrade", check=1).stderr
    assert load.lost == [] and node.pid() == pid
    assert os.listdir(node.prefix + "/pids") == ["sallyport.pid"]
    node.write(proxy_listen=f"127.0.0.1:{node.proxy}")
    node.run("quit")
    assert "`sallyport start`" in node.run("upgrade", check=1).stderr


def test_many_reloads_leave_nothing_behind(node):
    def threads_and_files():
        pid = node.pid()
        return len(os.listdir(f"/proc/{pid}/task")), len(os.listdir(f"/proc/{pid}/fd"))

    node.run("reload")
    time.sleep(0.5)
    before = threads_and_files()
    for _ in range(5):
        node.run("reload")
    wait_until(lambda: threads_and_files() <= before, "the former threads and descriptors to be gone")


def test_signals_to_a_node_of_somebody_else_are_refused(node):
    if os.getuid() != 0:
        pytest.skip("needs root")
    os.chmod(os.path.dirname(node.prefix), 0o755)
    for command in ("stop", "quit"):
        tried = as_postgres(SALLYPORT, command, "-p", node.prefix)
        if "Permission denied" in tried.stdout and tried.returncode == 126:
            pytest.skip("the binary is out of that user's reach")
        assert tried.returncode == 1
        assert "run the command as" in tried.stdout
    assert sallyport("health", "-p", node.prefix).returncode == 0


def test_start_says_what_it_cannot_write(settings, workspace):
    daemon = Daemon(os.path.join(workspace, "unstarted"), settings)
    refused = sallyport("start", "-c", daemon.conf, "-p", daemon.conf, check=1)
    assert daemon.conf in refused.stderr and "with -p" in refused.stderr
    if os.getuid() == 0:
        refused = as_postgres(SALLYPORT, "start", "-c", daemon.conf)
        if refused.returncode != 126:  # the binary itself is in that user's reach
            assert refused.returncode == 1
            assert daemon.prefix in refused.stdout and "with -p" in refused.stdout
    daemon.write(pg_port=1)
    refused = daemon.run("start", check=1)
    assert "refused" in refused.stderr and "sallyport doctor" in refused.stderr
    assert daemon.pid() is None
