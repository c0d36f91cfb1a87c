"""`sallyport quickstart`: killed at every step and completed, run again, moved, beside another, on a
full disk, without PostgreSQL, stopped and removed."""
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest

from cluster import free_port
from gateway import SALLYPORT, call, sallyport

STEPS = 8


def quickstart(prefix, *arguments, check=None):
    return sallyport("quickstart", "-p", str(prefix), *map(str, arguments), check=check)


def ports(prefix):
    with open(f"{prefix}/quickstart.json") as file:
        return json.load(file)


def pids(prefix):
    return [open(path).readline().strip() for path in (
        f"{prefix}/gateway/pids/sallyport.pid", f"{prefix}/echo/pids/sallyport.pid",
        f"{prefix}/postgres/data/postmaster.pid")]


def kill_in_step(step, prefix, *arguments):
    """Ends a run without mercy, a moment after it has begun that step."""
    child = subprocess.Popen([SALLYPORT, "quickstart", "-p", str(prefix), *map(str, arguments)],
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    seen = b""
    while f"[{step}/{STEPS}]".encode() not in seen:
        part = os.read(child.stdout.fileno(), 4096)
        assert part, seen.decode()
        seen += part
    time.sleep(random.random() * 0.3)
    child.kill()
    child.wait()
    child.stdout.close()


@pytest.fixture(scope="module")
def chosen():
    names = ("proxy", "admin", "status", "database", "echo")
    return [word for name in names for word in (f"--{name}-port", free_port())]


@pytest.fixture(scope="module")
def prefix(workspace, chosen):
    """Where a quickstart runs that was killed in each of its steps, and then was not."""
    path = os.path.join(workspace, "quickstart")
    try:
        for step in range(1, STEPS + 1):
            kill_in_step(step, path, *chosen)
        done = quickstart(path, check=0)
        assert "HTTP/1.1 200" in done.stdout and "CONNECTED as demanded" in done.stdout, done.stdout
        yield path
    finally:
        quickstart(path, "--reset", "--yes")
    assert not os.path.exists(path)


def test_a_killed_run_is_completed(prefix, chosen):
    assert list(ports(prefix).values()) and set(ports(prefix).values()) == {int(p) for p in chosen[1::2]}
    assert call(ports(prefix)["proxy"], "GET", "/hello/world")[0] == 200
    left = [name for _, _, names in os.walk(prefix) for name in names if re.search(r"\.[0-9a-f]{8}\.tmp$", name)]
    assert left == []
    assert not os.path.exists(prefix + "/postgres/data.new")


def test_a_second_run_reuses_what_is_there_and_takes_other_ports(prefix):
    before, running = ports(prefix), pids(prefix)
    again = quickstart(prefix, check=0)
    assert again.stdout.count("kept") == 2 and again.stdout.count("runs already") == 2
    assert (ports(prefix), pids(prefix)) == (before, running)
    # Ports that run already may be named again; others move what they belong to, and only that.
    moved = quickstart(prefix, "--admin-port", before["admin"], "--proxy-port", new := free_port(), check=0)
    assert "HTTP/1.1 200" in moved.stdout
    assert ports(prefix) == dict(before, proxy=new)
    assert pids(prefix)[1:] == running[1:] and pids(prefix)[0] != running[0]
    assert call(new, "GET", "/hello")[0] == 200


def test_ports_that_are_taken(prefix):
    now = ports(prefix)
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        refused = quickstart(prefix, "--proxy-port", taken, check=1)
        assert f"port {taken}" in refused.stderr and "--proxy-port" in refused.stderr
        refused = quickstart(prefix, "--echo-port", now["database"], check=1)
        assert f"port {now['database']}" in refused.stderr and "--echo-port" in refused.stderr
        # The port of the last run is somebody else's by now; the database moves meanwhile.
        os.kill(int(pids(prefix)[1]), signal.SIGKILL)
        with open(f"{prefix}/quickstart.json", "w") as out:
            json.dump(dict(now, echo=taken), out)
        done = quickstart(prefix, "--database-port", database := free_port(), check=0)
        assert f"port {taken} is taken, echo uses" in done.stdout and "HTTP/1.1 200" in done.stdout
        assert ports(prefix)["database"] == database
        answer = call(now["proxy"], "GET", "/hello")[1]
        assert answer["headers"]["Host"] == f"127.0.0.1:{ports(prefix)['echo']}"


def test_a_second_one_beside_it_by_an_unprivileged_user_in_a_path_with_spaces(prefix, workspace):
    home = os.path.join(workspace, "another user's"[:-2])
    os.mkdir(home)
    run_as = []
    if os.getuid() == 0:
        shutil.chown(home, "postgres", "postgres")
        run_as = ["runuser", "-u", "postgres", "--"]
    path = os.path.join(home, "quick start")

    def run(*arguments):
        return subprocess.run([*run_as, SALLYPORT, "quickstart", "-p", path, *arguments], capture_output=True,
                              text=True, cwd="/", stdin=subprocess.DEVNULL)

    done = run()
    if done.returncode == 126:
        pytest.skip("the binary is out of that user's reach")
    try:
        assert done.returncode == 0 and "HTTP/1.1 200" in done.stdout, done.stdout + done.stderr
        assert f"--prefix '{path}' --stop" in done.stdout
        assert not set(ports(path).values()) & set(ports(prefix).values())
        assert call(ports(path)["proxy"], "GET", "/hello")[0] == call(ports(prefix)["proxy"], "GET", "/hello")[0] == 200
        assert run("--stop").returncode == run("--stop").returncode == 0
        refused = run("--reset")
        assert refused.returncode == 1 and "--yes" in refused.stderr and os.path.exists(path)
    finally:
        removed = run("--reset", "--yes")
    assert removed.returncode == 0 and not os.path.exists(path)
    assert call(ports(prefix)["proxy"], "GET", "/hello")[0] == 200


def test_a_full_disk_is_named_and_the_next_run_goes_on(workspace):
    path = os.path.join(workspace, "small")
    os.mkdir(path)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "none", path], capture_output=True).returncode != 0:
        pytest.skip("no right to mount")
    try:
        refused = quickstart(path, check=1)
        assert "No space left" in refused.stderr and "free some space" in refused.stderr
        subprocess.check_call(["mount", "-o", "remount,size=300m", path])
        kill_in_step(4, path)
        quickstart(path, "--stop", check=0)
    finally:
        quickstart(path, "--stop")
        subprocess.call(["umount", path])


def test_without_postgresql(workspace):
    path = os.path.join(workspace, "nothing")
    refused = quickstart(path, "--postgres-bin", "/nonexistent", check=1)
    assert "no initdb in /nonexistent" in refused.stderr
    if os.getuid() == 0:
        hidden = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs none /usr/lib/postgresql && exec "$@"', "sh"]
        tried = subprocess.run([*hidden, SALLYPORT, "quickstart", "-p", path], capture_output=True, text=True)
        if "unshare" not in tried.stderr and "mount" not in tried.stderr:
            assert tried.returncode == 1 and "apt-get install postgresql-15" in tried.stderr
    quickstart(path, "--stop", check=0)


def test_prefixes_that_do_not_do(workspace):
    refused = quickstart("/proc/quickstart", check=1)
    assert "/proc/quickstart" in refused.stderr and "--prefix" in refused.stderr
    for path in ("a#b", "a,b", "a'b", "a$b"):
        assert "choose a path without" in quickstart(os.path.join(workspace, path), check=1).stderr
    assert "too long" in quickstart(os.path.join(workspace, "x" * 90), check=1).stderr
    os.makedirs(closed := os.path.join(workspace, "closed"), mode=0o700, exist_ok=True)
    if os.getuid() == 0:
        refused = quickstart(closed + "/in", check=1)
        assert "may not enter" in refused.stderr and "--prefix" in refused.stderr
    # Nothing of somebody else's is removed.
    os.makedirs(foreign := os.path.join(workspace, "foreign"), exist_ok=True)
    assert "was not made by quickstart" in quickstart(foreign, "--reset", "--yes", check=1).stderr
    assert os.path.isdir(foreign)
