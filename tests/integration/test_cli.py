"""The command line: help, exit codes and files of every command that needs no database."""
import os
import re
import shutil
import signal
import subprocess

import pytest

from cluster import free_port, wait_until
from gateway import SALLYPORT, Node, call, sallyport, write_conf


def commands_of(help_text):
    part = help_text.split("Subcommands:\n")
    return re.findall(r"^  ([a-z_]+)[ ,]", part[1].split("\n\n")[0], re.M) if len(part) > 1 else []


def help_of_every_command(path=()):
    text = sallyport(*path, "--help", check=0).stdout
    found = {path: text}
    for name in commands_of(text):
        found.update(help_of_every_command((*path, name)))
    return found


def test_every_command_has_help_with_an_example():
    paths = help_of_every_command()
    for wanted in ["start", "stop", "quit", "restart", "reload", "prepare", "check", "health", "version",
                   "config db_import", "migrations finish", "hybrid gen_cert", "vault get", "drain", "completion"]:
        assert tuple(wanted.split()) in paths
    bare = [" ".join(path) for path, text in paths.items() if "xample" not in text]
    assert bare == []


def test_unknown_words_are_refused():
    for arguments in [["nonsense"], ["start", "--nonsense"], ["config"], ["config", "parse"], []]:
        assert sallyport(*arguments).returncode == 1, arguments  # Kong's scripts know 0 and 1
    assert "no command 'nonsense'" in sallyport("nonsense", check=1).stderr


def test_kongs_options_are_taken(tmp_path):
    assert "compiler" in sallyport("version", "--all", check=0).stdout
    conf = write_conf(tmp_path / "kong.conf", {"database": "off", "prefix": tmp_path / "prefix"})
    said = sallyport("prepare", "-c", conf, "--nginx-conf", "/etc/nginx.template", check=0).stderr
    assert "--nginx-conf /etc/nginx.template is not read" in said


def test_verbosity_may_stand_anywhere():
    for flag in ["-v", "--v", "-vv", "--vv"]:
        assert sallyport("version", flag, check=0).stdout == sallyport(flag, "version", check=0).stdout


def test_config_init_and_parse(tmp_path):
    sallyport("config", "init", check=0, cwd=tmp_path)
    assert "already exists" in sallyport("config", "init", check=1, cwd=tmp_path).stderr
    assert sallyport("config", "parse", "kong.yml", check=0, cwd=tmp_path).stdout == "parse successful\n"
    # What the example shows in comments works too.
    text = (tmp_path / "kong.yml").read_text().replace("\n# ", "\n").replace("\n#\n", "\n")
    text = text[text.index("_format_version"):]
    text = "\n".join(line for line in text.split("\n") if not re.match(r"(Entities|each) ", line))
    (tmp_path / "full.yml").write_text(text)
    sallyport("config", "parse", "full.yml", check=0, cwd=tmp_path)
    (tmp_path / "bad.yml").write_text("_format_version: '9'\nservices: [{port: 1}]\n")
    said = sallyport("config", "parse", "bad.yml", check=1, cwd=tmp_path).stderr
    assert "Failed parsing" in said and "in '_format_version': expected one of" in said and "in 'host'" in said
    assert "missing.yml" in sallyport("config", "parse", "missing.yml", check=1, cwd=tmp_path).stderr
    assert "database" in sallyport("config", "db_import", "full.yml", check=1, cwd=tmp_path,
                                   env={"KONG_DATABASE": "off"}).stderr


def test_hybrid_gen_cert(tmp_path):
    said = sallyport("hybrid", "gen_cert", check=0, cwd=tmp_path).stdout
    assert "'cluster.crt' and 'cluster.key'" in said
    assert os.stat(tmp_path / "cluster.key").st_mode & 0o777 == 0o600
    shown = subprocess.check_output(["openssl", "x509", "-in", tmp_path / "cluster.crt", "-noout", "-subject",
                                     "-ext", "extendedKeyUsage", "-pubkey"], text=True)
    key = subprocess.check_output(["openssl", "pkey", "-in", tmp_path / "cluster.key", "-pubout"], text=True)
    assert "kong_clustering" in shown and "Server Authentication" in shown and "Client Authentication" in shown
    assert key.strip() in shown
    assert "exists" in sallyport("hybrid", "gen_cert", check=1, cwd=tmp_path).stderr
    sallyport("hybrid", "gen_cert", "-d", "10", "a.crt", "a.key", check=0, cwd=tmp_path)


def test_vault_get():
    env = {"MY_SECRET": "plain", "MY_JSON": '{"user": "alice"}'}
    assert sallyport("vault", "get", "env/my-secret", check=0, env=env).stdout == "plain\n"
    assert sallyport("vault", "get", "{vault://env/my-json/user}", check=0, env=env).stdout == "alice\n"
    assert "NOT_THERE" in sallyport("vault", "get", "env/not-there", check=1, env=env).stderr


def test_prepare_makes_the_prefix(tmp_path):
    prefix = tmp_path / "new" / "prefix"
    sallyport("prepare", "-p", str(prefix), check=0, env={"KONG_DATABASE": "off"})
    assert (prefix / "logs").is_dir() and (prefix / "pids").is_dir()
    sallyport("prepare", "-p", str(prefix), check=1, env={"KONG_LOG_LEVEL": "nonsense"})


def test_the_admin_api_names_the_nodes_files(tmp_path):
    prefix = str(tmp_path / "prefix")
    settings = {"database": "off", "declarative_config_string": '_format_version: "3.0"', "ssl_cipher_suite": "modern",
                "proxy_error_log": "logs/mine.log"}
    node = Node(prefix, settings)
    try:
        shown = call(node.admin, "GET", "/")[1]["configuration"]
        with open(shown["nginx_pid"]) as file:
            assert int(file.read()) == node.process.pid
        assert shown["nginx_err_logs"] == prefix + "/logs/mine.log" and os.path.isfile(shown["nginx_err_logs"])
        assert "nginx_acc_logs" not in shown and "nginx_conf" not in shown
        assert shown["nginx_http_ssl_protocols"] == shown["nginx_stream_ssl_protocols"] == "TLSv1.3"
        assert shown["ssl_ciphers"].startswith("TLS_AES_128_GCM_SHA256:") and "ssl_dhparam" not in shown
        assert not [key for key in shown if key.endswith("_default")]  # no listener needs a certificate
    finally:
        node.stop()
    node = Node(prefix, dict(settings, admin_flags=f", 127.0.0.1:{free_port()} ssl"))
    try:
        shown = call(node.admin, "GET", "/")[1]["configuration"]
        assert shown["ssl_cert_default"] == shown["admin_ssl_cert_default"] == prefix + "/ssl/kong-default.crt"
        for key in ("ssl_cert_key_default", "ssl_cert_default_ecdsa", "status_ssl_cert_key_default_ecdsa"):
            assert os.path.isfile(shown[key]), key
        assert "PRIVATE KEY" not in str(shown)
    finally:
        node.stop()


def test_drain_makes_the_node_unready_and_no_more(tmp_path):
    prefix = str(tmp_path / "prefix")
    text = '_format_version: "3.0"'
    node = Node(prefix, {"database": "off", "declarative_config_string": text})
    try:
        assert sallyport("drain", "-p", prefix, check=0).stdout.startswith("Sallyport's status")
        wait_until(lambda: call(node.status_port, "GET", "/status/ready") == (503, {"message": "draining"}),
                   "the node to say that it drains")
        assert call(node.proxy, "GET", "/")[0] == 404
        assert call(node.status_port, "POST", "/status/ready", {"status": "ready"})[0] == 204
        assert call(node.status_port, "GET", "/status/ready")[0] == 200
        assert call(node.status_port, "POST", "/status/ready", {"status": "x"})[0] == 400
        assert call(node.status_port, "POST", "/status/ready", {"status": "draining"})[0] == 204
        assert call(node.status_port, "GET", "/status/ready")[0] == 503
        sallyport("health", "-p", prefix, check=0)
        sallyport("quit", "-p", prefix, check=0)
        sallyport("health", "-p", prefix, check=1)
        sallyport("drain", "-p", prefix, check=1)
    finally:
        node.stop()


def bash_offers(line):
    words = line.split(" ")
    script = (f"source <({SALLYPORT} completion bash)\n"
              f"COMP_WORDS=({' '.join(repr(w) for w in words)}); COMP_CWORD={len(words) - 1}\n"
              "_sallyport; printf '%s\\n' \"${COMPREPLY[@]}\"\n")
    return subprocess.check_output(["bash", "-c", script], text=True).split()


def test_bash_completes_commands_and_options():
    assert "start" in bash_offers("sallyport ") and "generate" not in bash_offers("sallyport ")
    assert bash_offers("sallyport migr") == ["migrations"]
    assert set(bash_offers("sallyport migrations ")) == {"bootstrap", "up", "finish", "list", "status", "reset"}
    assert "--lock-timeout" in bash_offers("sallyport migrations up --")
    assert bash_offers("sallyport start -c ") == []  # a file: the shell's own completion


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_take_their_script(shell):
    script = sallyport("completion", shell, check=0).stdout
    assert "migrations up" in script and "--lock-timeout" in script or "lock-timeout" in script
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=script, text=True, check=True)
    assert sallyport("completion", "tcsh").returncode != 0


def test_a_foreground_node_ends_with_its_signal(tmp_path):
    node = Node(str(tmp_path / "p"), {"database": "off", "declarative_config_string": '_format_version: "3.0"'})
    node.process.send_signal(signal.SIGINT)
    assert node.process.wait(20) == 0
