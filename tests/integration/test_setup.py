"""`sallyport postgres setup` against real clusters: running, stopped, Debian's layout, managed; every
method; what the server would refuse; what defeats the files; and runs that are cut off."""
import glob
import os
import shutil
import subprocess
import time

import pytest

from certificates import openssl
from cluster import PASSWORD, as_postgres, free_port
from gateway import SALLYPORT, sallyport

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="setting a server up needs its user or root")


SERVER_NAMES = [word for name in ("localhost", "127.0.0.1", "::1") for word in ("--server-name", name)]


class Hierarchies:
    def __init__(self, directory):
        self.directory = directory
        os.makedirs(directory, exist_ok=True)

    def make(self, name, *arguments):
        path = os.path.join(self.directory, name)
        if not os.path.exists(path):
            sallyport("pki", "init", "--dir", path, *SERVER_NAMES, "--user", "kong",
                      *arguments, check=0)
        return path


@pytest.fixture(scope="module")
def hierarchies(workspace):
    return Hierarchies(os.path.join(workspace, "setup-pki"))


@pytest.fixture(scope="module")
def tree(hierarchies):
    return hierarchies.make("intermediate")


@pytest.fixture(scope="module")
def password(workspace):
    path = os.path.join(workspace, "password")
    with open(path, "w") as out:
        out.write(PASSWORD + "\n")
    return path


@pytest.fixture(scope="module")
def shared(clusters):
    """A running server that has never heard of TLS."""
    return clusters.start("setup", hba=["host all all all scram-sha-256"])


@pytest.fixture
def server(shared):
    """It again, as it was before anybody set it up."""
    before = {name: open(f"{shared.data}/{name}").read()
              for name in ("postgresql.conf", "pg_hba.conf", "pg_ident.conf", "postgresql.auto.conf")}
    yield shared
    for name, content in before.items():
        with open(f"{shared.data}/{name}", "w") as out:
            out.write(content)
    shutil.rmtree(shared.data + "/tls", ignore_errors=True)
    for path in glob.glob(shared.data + "/*sallyport*"):
        os.unlink(path)
    shared.reload()


def set_up(server, *arguments, check=0):
    return sallyport("postgres", "setup", "-D", server.data, "--yes", *map(str, arguments), check=check)


def state(data):
    """Every file that a setup may touch: content, owner, mode."""
    found = {}
    for path in [*glob.glob(data + "/*conf*"), *glob.glob(data + "/tls/**", recursive=True)]:
        if not os.path.exists(path):
            continue  # glob names "tls/" of no tls
        status = os.stat(path)
        content = open(path).read() if os.path.isfile(path) else ""
        found[path] = (content, status.st_uid, status.st_mode)
    return found


def psql(server, **settings):
    words = " ".join(f"{name}={value}" for name, value in settings.items())
    done = subprocess.run(["psql", "-XAt", f"host=localhost port={server.port} user=kong dbname=kong {words}",
                           "-c", "select ssl from pg_stat_ssl where pid = pg_backend_pid()"],
                          capture_output=True, text=True, env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"})
    return done.stdout.strip() if done.returncode == 0 else done.stderr


def with_client(tree, **more):
    return dict(sslmode="verify-full", sslrootcert=f"{tree}/chain.crt", sslcert=f"{tree}/client.crt",
                sslkey=f"{tree}/client.key", **more)


@pytest.mark.parametrize("method, needs", [
    ("cert", "certificate"), ("trust-verify-full", "certificate"), ("scram-verify-full", "both"),
    ("scram-verify-ca", "both"), ("scram", "password")])
def test_every_method_is_written_and_proved(server, tree, password, method, needs):
    extra = [] if needs == "certificate" else ["--password-file", password]
    done = set_up(server, "--pki", tree, "--method", method, *extra)
    assert "must connect): connected, TLSv1.3" in done.stdout
    assert "WRONG" not in done.stdout and "unclear" not in done.stdout and "Not proved" not in done.stdout
    assert done.stdout.count("  ok ") == (3 if needs == "certificate" else 4 if needs == "both" else 3)
    # What another client sees.
    secret = {} if needs == "certificate" else {"password": PASSWORD}
    tls = with_client(tree, **secret) if needs != "password" else dict(
        sslmode="verify-full", sslrootcert=f"{tree}/chain.crt", **secret)
    assert psql(server, **tls) == "t"
    assert "no encryption" in psql(server, sslmode="disable", **secret)
    for name in ("server.key", "server.crt"):
        status = os.stat(f"{server.data}/tls/{name}")
        assert status.st_uid == os.stat(server.data).st_uid and status.st_mode & 0o777 == 0o600


@pytest.mark.parametrize("chain, key", [("root", "rsa:2048"), ("self-signed", "ec"), ("intermediate", "ed25519")])
def test_every_hierarchy(server, hierarchies, chain, key):
    tree = hierarchies.make(f"{chain}-{key.replace(':', '')}", "--chain", chain, "--key", key)
    done = set_up(server, "--pki", tree)
    assert done.stdout.count("  ok ") == 3, done.stdout


def test_a_second_run_changes_nothing_and_a_changed_method_replaces_the_block(server, tree, password):
    first = set_up(server, "--pki", tree)
    assert "+hostssl kong kong all cert" in first.stdout and "Backup: " in first.stdout
    assert "PRIVATE KEY" not in first.stdout
    before = state(server.data)
    mark = server.mark()
    again = set_up(server, "--pki", tree)
    assert "Nothing to change" in again.stdout and again.stdout.count("  ok ") == 3
    assert state(server.data) == before and "SIGHUP" not in server.log_since(mark)
    set_up(server, "--pki", tree, "--method", "scram-verify-full", "--password-file", password)
    access = open(server.data + "/pg_hba.conf").read()
    assert access.count("sallyport") == 3 and "all cert" not in access
    assert access.splitlines()[1] == "hostssl kong kong all scram-sha-256 clientcert=verify-full"
    assert "local all all trust\nhost all all all scram-sha-256\n" in access
    assert len(glob.glob(server.data + "/pg_hba.conf.sallyport-*")) == 2


def test_maps(server, tree, hierarchies):
    sallyport("pki", "issue", "client", "--dir", tree, "--user", "gw-1", "--name", "gw-1", check=0)
    done = set_up(server, "--pki", tree, "--map", "/^gw-[0-9]+$=kong", "--client-cert", f"{tree}/gw-1.crt",
                 "--client-key", f"{tree}/gw-1.key")
    assert done.stdout.count("  ok ") == 3, done.stdout
    assert psql(server, **with_client(tree)) == "t"  # CN = role has its own line
    # A regular expression that is none is the server's to judge; all is as before.
    before = state(server.data)
    refused = set_up(server, "--pki", tree, "--map", "/^gw-(=kong", check=1)
    assert "pg_ident.conf line" in refused.stderr and "put back" in refused.stderr
    assert state(server.data) == before
    refused = set_up(server, "--pki", tree, "--method", "trust-verify-full", "--map", "a=kong", check=1)
    assert "map" in refused.stderr and state(server.data) == before


def test_revocation(server, tree, pki, workspace):
    files = ["--cert", pki.server.cert, "--key", pki.server.key, "--ca", pki.root.cert, "--trust", pki.root.cert,
             "--client-cert", pki.client.cert, "--client-key", pki.client.key]
    current, expired = pki.root.crl("setup.crl"), pki.root.crl("setup-expired.crl", expired=True)
    assert set_up(server, *files, "--crl", current).stdout.count("  ok ") == 3
    assert "ssl_crl_file" in open(server.data + "/sallyport.conf").read()
    assert "is outdated" in set_up(server, *files, "--crl", expired, check=1).stderr
    assert "no CRL of the authority" in set_up(server, "--pki", tree, "--crl", current, check=1).stderr

    directory = os.path.join(workspace, "setup-crls")
    os.mkdir(directory)
    shutil.copy(current, directory + "/root.crl")
    refused = set_up(server, *files, "--crl-dir", directory, check=1)
    assert "openssl rehash" in refused.stderr
    openssl("rehash", directory)
    done = set_up(server, *files, "--crl-dir", directory)
    assert done.stdout.count("  ok ") == 3
    assert [len(name) for name in os.listdir(server.data + "/tls/crl")] == [11]

    # Lists that are named elsewhere must suit the authorities that come now.
    server.sql(f"alter system set ssl_crl_file = '{server.data}/tls/ca.crl'")
    refused = set_up(server, "--pki", tree, check=1)
    assert "no CRL of the authority" in refused.stderr and "outside of" in refused.stderr


def test_versions(server, tree):
    assert set_up(server, "--pki", tree, "--min-tls", "TLSv1.3").stdout.count("  ok ") == 3
    assert "alert protocol version" in psql(server, ssl_max_protocol_version="TLSv1.2", **with_client(tree))
    server.sql("alter system set ssl_max_protocol_version = 'TLSv1.2'")
    refused = set_up(server, "--pki", tree, "--min-tls", "TLSv1.3", check=1)
    assert "ssl_max_protocol_version" in refused.stderr and "postgresql.auto.conf:" in refused.stderr


def bad_files(tree, pki, work):
    """Name -> options, and a word of what must be said: the table of what PostgreSQL refuses."""
    def write(name, content, mode=0o600):
        path = f"{work}/{name}"
        with open(path, "wb") as out:
            out.write(content)
        os.chmod(path, mode)
        return path

    cert, key, ca = f"{tree}/server.crt", f"{tree}/server.key", f"{tree}/chain.crt"
    chain = open(cert).read()
    parts = ["-----BEGIN" + part for part in chain.split("-----BEGIN")[1:]]
    openssl("pkey", "-in", key, "-aes256", "-passout", "pass:secret", "-out", f"{work}/encrypted.key")
    openssl("x509", "-in", cert, "-outform", "DER", "-out", f"{work}/server.der")
    for name, options in (("weak", ["-newkey", "rsa:1024"]), ("sha1", ["-newkey", "rsa:2048", "-sha1"])):
        openssl("req", "-x509", "-nodes", "-subj", f"/CN={name} authority", "-days", "30", "-newkey", "rsa:2048",
                "-keyout", f"{work}/{name}-ca.key", "-out", f"{work}/{name}-ca.crt")
        openssl("req", "-new", "-nodes", *options, "-subj", "/CN=localhost", "-keyout", f"{work}/{name}.key", "-out",
                f"{work}/{name}.csr")
        openssl("x509", "-req", "-in", f"{work}/{name}.csr", "-CA", f"{work}/{name}-ca.crt", "-CAkey",
                f"{work}/{name}-ca.key", "-CAcreateserial", "-days", "30", "-out", f"{work}/{name}.crt",
                "-sha1" if name == "sha1" else "-sha256")
    return [
        (["--cert", "/nonexistent/a.crt", "--key", key, "--ca", ca], "ssl_cert_file: cannot open /nonexistent/a.crt"),
        (["--cert", cert, "--key", "/nonexistent/a.key", "--ca", ca], "ssl_key_file: cannot open /nonexistent/a.key"),
        (["--cert", cert, "--key", pki.server.key, "--ca", ca], "key values mismatch"),
        (["--cert", write("reversed.crt", "".join(reversed(parts)).encode()), "--key", key, "--ca", ca],
         "key values mismatch"),
        (["--cert", cert, "--key", f"{work}/encrypted.key", "--ca", ca], "is encrypted"),
        (["--cert", cert, "--key", key, "--ca", "/nonexistent/ca.crt"], "ssl_ca_file: cannot open"),
        (["--cert", cert, "--key", key, "--ca", ca, "--crl", "/nonexistent/a.crl"], "/nonexistent/a.crl"),
        (["--cert", cert, "--key", key, "--ca", ca, "--crl", write("junk.crl", b"junk")], "junk.crl"),
        (["--cert", f"{work}/sha1.crt", "--key", f"{work}/sha1.key", "--ca", ca], "ca md too weak"),
        (["--cert", f"{work}/weak.crt", "--key", f"{work}/weak.key", "--ca", ca], "ee key too small"),
        (["--cert", f"{work}/server.der", "--key", key, "--ca", ca], "is not PEM"),
        (["--cert", write("empty.crt", b""), "--key", key, "--ca", ca], "is not PEM"),
        (["--cert", cert, "--key", key, "--ca", write("empty-ca.crt", b"")], "ssl_ca_file"),
        (["--cert", cert, "--key", key, "--ca", write("junk-ca.crt", b"-----BEGIN CERTIFICATE-----\nx\n")],
         "ssl_ca_file"),
        (["--cert", cert, "--key", write("empty.key", b""), "--ca", ca], "ssl_key_file"),
        (["--cert", cert, "--key", key], "no authority"),
        (["--cert", f"{tree}/client.crt", "--key", f"{tree}/client.key", "--ca", ca], "not for servers"),
        (["--cert", str(work), "--key", key, "--ca", ca], "not a regular file"),
        (["--cert", cert], "certificate and its key"),
    ]


def test_what_the_server_would_refuse_is_refused_before_anything_is_written(server, tree, pki, tmp_path):
    before = state(server.data)
    for options, words in bad_files(tree, pki, tmp_path):
        refused = set_up(server, *options, check=1)
        assert words in refused.stderr, (options, refused.stderr)
        assert state(server.data) == before, options
    for options, words in (
            (["--method", "md5"], "unknown method"), (["--address", "10.0.0.1"], "10.0.0.1"),
            (["--map", "x"], "no '='"), (["--user", "a\nb"], "control character"),
            (["--config-file", "/nonexistent/postgresql.conf"], "")):
        refused = set_up(server, "--pki", tree, *options, check=None)
        if words:
            assert refused.returncode == 1 and words in refused.stderr, (options, refused.stderr)
            assert state(server.data) == before, options
    missing = sallyport("postgres", "setup", "-D", tree, "--pki", tree, check=1)
    assert "is not a PostgreSQL data directory" in missing.stderr


def test_in_place_keys(server, tree, tmp_path):
    work = server.root + "/in-place"
    os.mkdir(work)
    os.chmod(work, 0o755)
    for name in ("server.crt", "server.key", "ca.crt"):
        shutil.copy(f"{tree}/{'chain.crt' if name == 'ca.crt' else name}", work)
    shutil.move(f"{work}/chain.crt", f"{work}/ca.crt")
    for name in ("server.crt", "ca.crt"):
        os.chmod(f"{work}/{name}", 0o644)
    key = f"{work}/server.key"
    files = ["--cert", f"{work}/server.crt", "--key", key, "--ca", f"{work}/ca.crt", "--in-place", "--trust",
             f"{tree}/chain.crt", "--client-cert", f"{tree}/client.crt", "--client-key", f"{tree}/client.key"]
    # root's own with 0640, readable for the server's group: left alone.
    shutil.chown(key, "root", "postgres")
    os.chmod(key, 0o640)
    assert set_up(server, *files).stdout.count("  ok ") == 3
    assert (os.stat(key).st_uid, os.stat(key).st_mode & 0o777) == (0, 0o640)
    # Readable for all, or root's alone: made the server's.
    for mode in (0o644, 0o600):
        shutil.chown(key, "root", "root")
        os.chmod(key, mode)
        done = set_up(server, *files)
        assert f"chmod 0600 {key}" in done.stdout and done.stdout.count("  ok ") == 3
        assert os.stat(key).st_uid == os.stat(server.data).st_uid and os.stat(key).st_mode & 0o777 == 0o600
    # Behind a door that the server cannot open.
    os.chmod(work, 0o700)
    refused = set_up(server, *files, check=1)
    assert "may not enter" in refused.stderr and "--in-place" in refused.stderr
    os.chmod(work, 0o755)


def test_lines_and_settings_that_win(server, tree):
    with open(server.data + "/pg_hba.conf", "w") as out:
        out.write("local all all trust\nhost all all all trust\n")
    done = set_up(server, "--pki", tree)
    assert "weaker" in done.stdout and done.stdout.count("  ok ") == 3
    # Somebody puts a line above ours.
    ours = open(server.data + "/pg_hba.conf").read()
    with open(server.data + "/pg_hba.conf", "w") as out:
        out.write("host kong all all trust\n" + ours)
    done = set_up(server, "--pki", tree)
    assert "move to the top" in done.stdout and done.stdout.count("  ok ") == 3
    assert open(server.data + "/pg_hba.conf").readline().startswith("# >>> sallyport")

    before = state(server.data)
    server.sql("alter system set ssl = off")
    refused = set_up(server, "--pki", tree, check=1)
    assert "postgresql.auto.conf" in refused.stderr and "ALTER SYSTEM RESET ssl" in refused.stderr
    server.sql("alter system reset ssl")
    with open(server.data + "/postgresql.conf", "a") as out:
        out.write("SSL_CERT_FILE = 'other.crt'  # last\n")
    refused = set_up(server, "--pki", tree, check=1)
    assert "sets ssl_cert_file = 'other.crt'" in refused.stderr
    with open(server.data + "/postgresql.conf", "w") as out:
        out.write(before[server.data + "/postgresql.conf"][0])
    assert state(server.data) == before

    # A file that the server does not load as it is.
    with open(server.data + "/pg_hba.conf", "a") as out:
        out.write("hostssl all all all nosuch\n")
    refused = set_up(server, "--pki", tree, "--method", "trust-verify-full", check=1)
    assert "does not load its files as they are now" in refused.stderr and "pg_hba.conf line" in refused.stderr


def test_dry_run_print_and_refusal_without_a_terminal(server, tree, workspace):
    before = state(server.data)
    shown = sallyport("postgres", "setup", "-D", server.data, "--pki", tree, "--dry-run", check=0)
    assert "+hostssl kong kong all cert" in shown.stdout and "PRIVATE KEY" not in shown.stdout
    asked = subprocess.run([SALLYPORT, "postgres", "setup", "-D", server.data, "--pki", tree], capture_output=True,
                           text=True, stdin=subprocess.DEVNULL)
    assert asked.returncode == 1 and "--yes" in asked.stderr
    # Nobody here can prove what holds elsewhere.
    elsewhere = set_up(server, "--pki", tree, "--address", "10.0.0.0/8")
    assert "Not proved" in elsewhere.stdout and "loopback" in elsewhere.stdout
    before = state(server.data)
    printed = sallyport("postgres", "setup", "--print", "--pki", tree, "--method", "cert", "--map", "gw=kong", check=0)
    for line in ("ssl = on", "hostssl kong kong all cert map=sallyport", "sallyport gw kong", "pg_reload_conf"):
        assert line in printed.stdout
    assert state(server.data) == before


def test_a_reload_that_the_server_rejects_is_taken_back(server, tree, hierarchies):
    set_up(server, "--pki", tree)
    # Something of the operator's own that only the attempt shows: ciphers that do not exist.
    server.sql("alter system set ssl_ciphers = 'NONSENSE'")
    before = state(server.data)
    other = hierarchies.make("root-rsa2048", "--chain", "root", "--key", "rsa:2048")
    refused = set_up(server, "--pki", other, check=1)
    assert "did not take them" in refused.stderr and "put back" in refused.stderr
    assert state(server.data) == before
    assert psql(server, **with_client(tree)) == "t"
    server.sql("alter system reset ssl_ciphers")
    assert set_up(server, "--pki", other).stdout.count("  ok ") == 3


def test_links_are_not_followed_out_of_the_servers_files(server, tree, tmp_path):
    target = tmp_path / "victim"
    target.write_text("root's own")
    os.mkdir(server.data + "/tls")
    os.symlink(target, server.data + "/tls/server.key")
    for path in (server.data + "/tls", server.data + "/tls/server.key"):
        os.lchown(path, os.stat(server.data).st_uid, os.stat(server.data).st_gid)
    refused = set_up(server, "--pki", tree, check=1)
    assert "is a link" in refused.stderr and target.read_text() == "root's own"


def test_killed_at_any_moment_then_run_again(server, tree):
    command = [SALLYPORT, "postgres", "setup", "-D", server.data, "--pki", tree, "--yes"]
    began = time.monotonic()
    set_up(server, "--pki", tree)
    whole = time.monotonic() - began
    for part in (1, 3, 5, 7):
        for path in ("/sallyport.conf", "/tls"):
            path = server.data + path
            shutil.rmtree(path) if os.path.isdir(path) else os.path.exists(path) and os.unlink(path)
        for name in ("postgresql.conf", "pg_hba.conf"):
            newest = sorted(glob.glob(f"{server.data}/{name}.sallyport-*"))
            text = open(f"{server.data}/{name}").read()
            head, _, rest = text.partition("# >>> sallyport")
            with open(f"{server.data}/{name}", "w") as out:
                out.write(head + rest.partition("# <<< sallyport\n")[2])
            assert newest
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(whole * part / 8)
        child.kill()
        child.wait()
        done = set_up(server, "--pki", tree)
        assert done.stdout.count("  ok ") == 3, (part, done.stdout)
    assert not glob.glob(server.data + "/*.tmp") and not glob.glob(server.data + "/tls/*.tmp")


def test_cut_off_between_writing_and_owning_or_reloading(server, tree, hierarchies):
    set_up(server, "--pki", tree)
    key = server.data + "/tls/server.key"
    shutil.chown(key, "root", "root")
    done = set_up(server, "--pki", tree)
    assert f"chmod 0600 {key}" in done.stdout and done.stdout.count("  ok ") == 3
    assert os.stat(key).st_uid == os.stat(server.data).st_uid
    # Written, never read.
    other = hierarchies.make("root-rsa2048", "--chain", "root", "--key", "rsa:2048")
    for source, target in (("server.crt", "server.crt"), ("server.key", "server.key"), ("root.crt", "ca.crt")):
        server.put("tls/" + target, f"{other}/{source}")
    done = set_up(server, "--pki", other)
    assert "Nothing to change" in done.stdout and "had not read them yet" in done.stdout
    assert done.stdout.count("  ok ") == 3


def test_a_server_that_does_not_run(clusters, tree):
    server = clusters.start("setup-stopped")
    server.stop("fast")
    done = set_up(server, "--pki", tree)
    assert "does not run" in done.stdout and "Nothing was proved" in done.stdout
    with open(server.data + "/postgresql.auto.conf", "a") as out:
        out.write("ssl_ca_file = 'x'\n")
    refused = set_up(server, "--pki", tree, check=1)
    assert "postgresql.auto.conf:" in refused.stderr and "ssl_ca_file" in refused.stderr
    with open(server.data + "/postgresql.auto.conf", "w") as out:
        out.write("")
    # A pid file of a server that was killed, its number in other hands.
    bystander = subprocess.Popen(["sleep", "60"])
    with open(server.data + "/postmaster.pid", "w") as out:
        out.write(f"{bystander.pid}\n{server.data}\n1\n{server.port}\n{server.root}\nlocalhost\n")
    assert "Nothing was proved" in set_up(server, "--pki", tree).stdout
    bystander.kill()
    bystander.wait()
    os.unlink(server.data + "/postmaster.pid")
    assert server.run(), server.log_since()
    done = set_up(server, "--pki", tree)
    assert "Nothing to change" in done.stdout and done.stdout.count("  ok ") == 3
    server.stop()


def test_the_servers_user_needs_no_root_and_others_are_told(shared, server, tree, workspace):
    files = server.root + "/files"
    shutil.copytree(tree, files)
    subprocess.check_call(["chown", "-R", "postgres:postgres", files])
    command = [SALLYPORT, "postgres", "setup", "-D", server.data, "--pki", files, "--yes"]
    done = as_postgres(*command)
    if done.returncode == 126:
        pytest.skip("the binary is out of that user's reach")
    assert done.returncode == 0 and done.stdout.count("  ok ") == 3, done.stdout
    before = state(server.data)
    refused = subprocess.run(["runuser", "-u", "nobody", "--", *command], capture_output=True, text=True, cwd="/")
    assert refused.returncode == 1 and server.root in refused.stderr
    assert state(server.data) == before


def test_a_directory_that_cannot_be_written(server, tree):
    before = state(server.data)
    mount = server.data + "/tls"
    os.mkdir(mount)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k,mode=0700", "none", mount]).returncode != 0:
        pytest.skip("no right to mount")
    try:
        refused = set_up(server, "--pki", tree, check=1)
        assert "No space left" in refused.stderr and mount in refused.stderr
    finally:
        subprocess.check_call(["umount", mount])
        os.rmdir(mount)
    assert state(server.data) == before


def test_debian_layout(tree):
    if not shutil.which("pg_createcluster"):
        pytest.skip("postgresql-common is not installed")
    name, port = f"sallyport{os.getpid()}", free_port()
    run = lambda *command: subprocess.run(command, capture_output=True, text=True, cwd="/")
    made = run("pg_createcluster", "15", name, "-p", str(port), "--", "--no-sync")
    assert made.returncode == 0, made.stderr
    data, conf = f"/var/lib/postgresql/15/{name}", f"/etc/postgresql/15/{name}"
    try:
        stopped = sallyport("postgres", "setup", "-D", data, "--pki", tree, "--yes", check=0)
        assert f"{conf}/conf.d/sallyport.conf" in stopped.stdout
        with open(conf + "/postgresql.conf", "a") as out:
            out.write("listen_addresses = '127.0.0.1'\nfsync = off\n")
        started = run("pg_ctlcluster", "15", name, "start")
        assert started.returncode == 0, started.stderr + started.stdout
        done = sallyport("postgres", "setup", "-D", data, "--pki", tree, "--yes", check=0)
        assert "Nothing to change" in done.stdout and done.stdout.count("  ok ") == 3, done.stdout
        changed = sallyport("postgres", "setup", "-D", data, "--pki", tree, "--yes", "--method", "trust-verify-full",
                            check=0)
        assert f"Backup: {conf}/pg_hba.conf.sallyport-" in changed.stdout and changed.stdout.count("  ok ") == 3
        status = os.stat(conf + "/pg_hba.conf")
        assert status.st_mode & 0o777 == 0o640 and status.st_uid == os.stat(data).st_uid
        # A later file of conf.d wins.
        with open(conf + "/conf.d/zz.conf", "w") as out:
            out.write("ssl_key_file = '/etc/ssl/private/ssl-cert-snakeoil.key'\n")
        os.chmod(conf + "/conf.d/zz.conf", 0o644)
        refused = sallyport("postgres", "setup", "-D", data, "--pki", tree, "--yes", check=1)
        assert "conf.d/zz.conf:1" in refused.stderr
    finally:
        run("pg_dropcluster", "--stop", "15", name)
        shutil.rmtree(conf, ignore_errors=True)  # it leaves files that it does not know
        assert not os.path.exists(data)
