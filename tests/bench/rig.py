"""What tests/bench/run and tests/bench/table measure with: an upstream, nginx, HAProxy, the bare relay and
gateways, each pinned to its cores, and the loads that are put on them one after the other.

One proxy has core 0; load and upstream are on core 1. Rounds alternate A B C, C B A, and medians are
compared, so that a machine that slows down slows all of them. CPU is read from the scheduler
(/proc/PID/task/*/schedstat). The gateways are real ones: their configuration comes from a PostgreSQL
behind mutual TLS, made by `sallyport quickstart` in a temporary directory.
"""
import json
import pathlib
import re
import resource
import shutil
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
PEERS = ROOT / "tests/bench/peers"
RELEASE = ROOT / "build/release"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, what):
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    sys.exit(f"{what} does not listen on {port}")


class Rig:
    """`options`: connections, path, streams, and h2 or tls for the clients' side."""

    def __init__(self, options, binary=RELEASE / "sallyport"):
        self.options = options
        self.binary = binary
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="sallyport-bench-"))
        self.work.chmod(0o755)
        self.children = []
        self.peers = {}  # name -> (port, [pids])
        self.prefixes = {}  # name -> what its path begins with
        self.upstream = free_port()
        self.second_upstream = free_port()

    def start(self, cores, *command):
        child = subprocess.Popen(["taskset", "-c", str(cores), *map(str, command)],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                 stdin=subprocess.DEVNULL)
        self.children.append(child)
        return child

    def template(self, name, port, http2, tls):
        text = (PEERS / name).read_text()
        more = http2 if self.options.h2 else tls if self.options.tls else ""
        for key, value in (("WORK", self.work), ("PORT", port), ("UPSTREAM", self.upstream), ("MORE", more)):
            text = text.replace(f"@{key}@", str(value))
        path = self.work / name.removesuffix(".in")
        path.write_text(text)
        return path

    def add(self, name, port, child):
        wait_for(port, name)
        pids = [child.pid]
        for pid in pids:
            for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
                pids += [int(p) for p in task.read_text().split() if int(p) not in pids]
        self.peers[name] = (port, pids)

    def nginx_tls(self):
        return f" ssl; ssl_protocols TLSv1.3; ssl_certificate {self.work}/tls.pem; ssl_certificate_key {self.work}/tls.pem"

    def make_certificate(self):
        base = self.work / "tls"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", f"{base}.key", "-out", f"{base}.crt", "-days", "2", "-subj", "/CN=localhost"],
                       check=True, capture_output=True)
        pathlib.Path(f"{base}.pem").write_text(pathlib.Path(f"{base}.crt").read_text() +
                                               pathlib.Path(f"{base}.key").read_text())

    def bring_up_upstreams(self, cores=1):
        if self.options.tls:
            self.make_certificate()
        for port in (self.upstream, self.second_upstream):
            self.start(cores, RELEASE / "bench/wire", "upstream", port)
            wait_for(port, "upstream")

    def bring_up_peers(self):
        port = free_port()
        self.add("nginx", port, self.start(0, "nginx", "-c", self.template("nginx.conf.in", port, " http2", self.nginx_tls())))
        port = free_port()
        self.add("haproxy", port,
                 self.start(0, "haproxy", "-db", "-f", self.template("haproxy.cfg.in", port, " proto h2", f" ssl crt {self.work}/tls.pem")))

    def bring_up_relays(self):
        for kind in ("io_uring", "epoll"):
            port = free_port()
            self.add(f"relay_{kind}", port, self.start(0, RELEASE / "bench/relay", kind, port, self.upstream))

    def call(self, method, path, body):
        return urllib.request.urlopen(urllib.request.Request(
            f"http://127.0.0.1:{self.ports['admin']}{path}", json.dumps(body).encode(),
            {"Content-Type": "application/json"}, method=method)).read()

    def bring_up_store(self):
        prefix = self.work / "store"
        self.ports = {name: free_port() for name in ("proxy", "admin", "status", "database", "echo")}
        done = subprocess.run([self.binary, "quickstart", "--prefix", prefix,
                               *(x for n, p in self.ports.items() for x in (f"--{n}-port", str(p)))],
                              capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"quickstart failed:\n{done.stdout}{done.stderr}")
        self.conf = (prefix / "sallyport.conf").read_text()

    def add_single_route(self):
        self.call("PUT", "/services/bench", {"url": f"http://127.0.0.1:{self.upstream}"})
        self.call("PUT", "/services/bench/routes/all", {"paths": ["/"]})

    def add_many_routes(self, count):
        """Routes of many kinds; the one that is asked for balances over two targets."""
        self.call("PUT", "/upstreams/pair", {"algorithm": "round-robin"})
        for port in (self.upstream, self.second_upstream):
            self.call("POST", "/upstreams/pair/targets", {"target": f"127.0.0.1:{port}"})
        self.call("PUT", "/services/bench", {"host": "pair"})
        operations = []
        for i in range(count - 1):
            body = {"name": f"r{i}", "paths": [f"/api/v{i % 7}/thing-{i}"]}
            if i % 3 == 0:
                body["hosts"] = [f"h{i % 500}.example.com", "api.example.com"]
            if i % 20 == 0:
                body["paths"] = [f"~/re{i}/(?<id>\\d+)$"]
            if i % 10 == 0:
                body["methods"] = ["GET", "POST"]
            if i % 50 == 0:
                body["headers"] = {"x-tenant": [f"t{i}"]}
            operations.append({"method": "POST", "path": "/services/bench/routes", "body": body})
        self.call("POST", "/_batch", {"operations": operations})
        self.call("PUT", "/services/bench/routes/real",
                  {"hosts": ["api.example.com"], "paths": ["/shop/v2"], "methods": ["GET", "POST"]})

    def add_gateway(self, name, backend, workers=1, cores=0, access_log=False, prefix=""):
        port = free_port()
        word = " http2" if self.options.h2 else " ssl" if self.options.tls else ""
        own = re.sub(r"^proxy_listen = .*", f"proxy_listen = 127.0.0.1:{port}{word}", self.conf, flags=re.M)
        if self.options.tls:
            own += f"\nssl_cert = {self.work}/tls.crt\nssl_cert_key = {self.work}/tls.key\n"
        own = re.sub(r"^(admin|status)_listen = .*", r"\1_listen = off", own, flags=re.M)
        own = re.sub(r"^prefix = .*", f"prefix = {self.work}/{name}", own, flags=re.M)
        log = f"{self.work}/{name}.access.log" if access_log else "off"
        own += f"\nworkers = {workers}\nio_backend = {backend}\nproxy_access_log = {log}\n"
        own += "nginx_http_keepalive_requests = 0\nupstream_keepalive_max_requests = 0\n"
        path = self.work / f"{name}.conf"
        path.write_text(own)
        self.prefixes[name] = prefix
        self.add(name, port, self.start(cores, self.binary, "start", "--foreground", "-c", path))

    def bring_up(self):
        """nginx, HAProxy and a gateway for each back end, on one plain route."""
        self.bring_up_upstreams()
        self.bring_up_peers()
        self.bring_up_store()
        self.add_single_route()
        for backend in self.options.backends.split(","):
            self.add_gateway(backend, backend)

    def take_down(self):
        for child in self.children:
            child.send_signal(signal.SIGTERM)
        for child in self.children:
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
        subprocess.run([self.binary, "quickstart", "--prefix", self.work / "store",
                        "--reset", "--yes"], capture_output=True)
        shutil.rmtree(self.work, ignore_errors=True)

    @staticmethod
    def cpu_ns(pids):
        total = 0
        for pid in pids:
            for stat in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"):
                total += int(stat.read_text().split()[0])
        return total

    def measure(self, name, seconds):
        port, pids = self.peers[name]
        path = self.prefixes.get(name, "") + self.options.path
        before = self.cpu_ns(pids)
        if self.options.h2:
            result = self.h2load(port, path, seconds)
            result["cpu_us"] = (self.cpu_ns(pids) - before) / 1000 / max(1, result["requests"])
            return result
        if self.options.tls:
            result = self.wrk(port, path, seconds)
            result["cpu_us"] = (self.cpu_ns(pids) - before) / 1000 / max(1, result["requests"])
            return result
        out = subprocess.run(["taskset", "-c", "1", RELEASE / "bench/wire", "load", str(port),
                              str(self.options.connections), str(seconds), path],
                             capture_output=True, text=True).stdout
        result = json.loads(out)
        result["cpu_us"] = (self.cpu_ns(pids) - before) / 1000 / max(1, result["requests"])
        result["rps"] = result["requests"] / result["seconds"]
        return result

    def measure_at_once(self, names, seconds):
        """One load for each name, both at the same time and on any core, as one result. A name may come twice."""
        pids = {pid for name in names for pid in self.peers[name][1]}
        before = self.cpu_ns(pids)
        loads = [subprocess.Popen([RELEASE / "bench/wire", "load", str(self.peers[name][0]),
                                   str(self.options.connections // len(names)), str(seconds), self.options.path],
                                  stdout=subprocess.PIPE, text=True) for name in names]
        results = [json.loads(load.communicate()[0]) for load in loads]
        requests = sum(r["requests"] for r in results)
        return {"requests": requests, "errors": sum(r["errors"] for r in results),
                "cpu_us": (self.cpu_ns(pids) - before) / 1000 / max(1, requests),
                "rps": sum(r["requests"] / r["seconds"] for r in results),
                "p50_us": statistics.mean(r["p50_us"] for r in results),
                "p99_us": max(r["p99_us"] for r in results)}

    def h2load(self, port, path, seconds):
        out = subprocess.run(["taskset", "-c", "1", "h2load", "-c", str(self.options.connections),
                              "-m", str(self.options.streams), "-D", str(max(1, round(seconds))),
                              f"http://127.0.0.1:{port}{path}"],
                             capture_output=True, text=True).stdout
        done, bad = re.search(r"(\d+) succeeded, (\d+) failed", out).groups()
        mean = re.search(r"time for request: +\S+ +\S+ +([\d.]+)(us|ms|s)", out).groups()
        mean_us = float(mean[0]) * {"us": 1, "ms": 1e3, "s": 1e6}[mean[1]]
        return {"requests": int(done), "errors": int(bad), "rps": int(done) / max(1, round(seconds)),
                "p50_us": mean_us, "p99_us": float("nan")}  # h2load tells the mean only

    def wrk(self, port, path, seconds):
        seconds = max(1, round(seconds))
        out = subprocess.run(["taskset", "-c", "1", "wrk", "-t1", f"-c{self.options.connections}", f"-d{seconds}s",
                              "--latency", f"https://127.0.0.1:{port}{path}"],
                             capture_output=True, text=True).stdout
        units = {"us": 1, "ms": 1e3, "s": 1e6}
        at = {share: float(number) * units[unit] for share, number, unit in
              re.findall(r"^ +(50|99)% +([\d.]+)(us|ms|s)$", out, flags=re.M)}
        bad = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
        bad = int(bad[1]) if bad else 0
        if broken := re.search(r"connect (\d+), read (\d+), write (\d+), timeout (\d+)", out):
            bad += sum(map(int, broken.groups()))
        done = int(re.search(r"(\d+) requests in", out)[1])
        return {"requests": done, "errors": bad, "rps": done / seconds, "p50_us": at["50"], "p99_us": at["99"]}

    def rounds(self, groups=None):
        """`groups`: what is loaded at once, by the name of its result; each peer alone without."""
        names = list(groups or self.peers)

        def measure(name, seconds):
            return self.measure_at_once(groups[name], seconds) if groups else self.measure(name, seconds)

        results = {name: [] for name in names}
        for name in names:
            measure(name, 1)
        for turn in range(self.options.rounds):
            for name in names if turn % 2 == 0 else names[::-1]:
                results[name].append(measure(name, self.options.seconds))
        return results

    def idle_bytes(self, name, count):
        port, pids = self.peers[name]
        request = b"GET /128 HTTP/1.1\r\nHost: a.example\r\nAccept: */*\r\n\r\n"

        def resident():
            return sum(int(re.search(r"Rss:\s+(\d+)", pathlib.Path(f"/proc/{p}/smaps_rollup")
                                     .read_text())[1]) for p in pids) * 1024

        def one(connection):
            connection.sendall(request)
            data = b""
            while b"\r\n\r\n" not in data or len(data.split(b"\r\n\r\n", 1)[1]) < 128:
                chunk = connection.recv(4096)
                if not chunk:
                    raise ConnectionError(name)
                data += chunk

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

        def connect():
            plain = socket.create_connection(("127.0.0.1", port))
            return context.wrap_socket(plain) if self.options.tls else plain

        first = connect()
        one(first)
        before = resident()
        connections = []
        for _ in range(count):
            connections.append(connect())
            one(connections[-1])
        time.sleep(0.5)
        used = (resident() - before) / count
        for connection in [first, *connections]:
            connection.close()
        time.sleep(0.5)
        return used


def build():
    subprocess.run([ROOT / "packaging/install", "build", "run", "bench"], check=True)
    subprocess.run(["cmake", "--preset", "release"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", "--preset", "release", "--target", "sallyport", "wire", "relay", "router_bench"],
                   cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def medians(results):
    return {name: {key: statistics.median(r[key] for r in runs) for key in ("rps", "cpu_us", "p50_us", "p99_us")} |
            {"errors": sum(r["errors"] for r in runs)} for name, runs in results.items()}
