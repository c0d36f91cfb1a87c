"""`sallyport check`: every fault at once, with its line, and nothing touched."""
import os
import re
import subprocess

import pytest

from gateway import SALLYPORT


class Check:
    """One run: exit code, and what was said."""

    def __init__(self, *arguments, environment=None, cwd=None):
        clean = {k: v for k, v in os.environ.items() if not k.startswith("KONG_")}
        done = subprocess.run([SALLYPORT, "check", *map(str, arguments)], capture_output=True, text=True,
                              env={**clean, **(environment or {})}, cwd=cwd, timeout=60)
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr
        self.errors = re.findall(r"^error: (.*)$", self.err, re.M)
        self.warnings = re.findall(r"^warning: (.*)$", self.err, re.M)


@pytest.fixture
def conf(tmp_path):
    def write(*lines):
        path = tmp_path / "kong.conf"
        path.write_text("".join(line + "\n" for line in lines))
        return path

    return write


def tls(pki, **changes):
    settings = {"pg_ssl": "on", "pg_ssl_required": "on", "pg_ssl_verify": "on",
                "lua_ssl_trusted_certificate": pki.root.cert, "pg_ssl_cert": pki.client.cert,
                "pg_ssl_cert_key": pki.client.key, **changes}
    return [f"{key} = {value}" for key, value in settings.items()]


@pytest.mark.parametrize("flag", ["ssl", "proxy_protocol"])
def test_what_udp_cannot_have(conf, flag):
    check = Check("-c", conf("database = off", f"stream_listen = 127.0.0.1:5353 udp {flag}"))
    assert check.code != 0
    assert any(f"udp and {flag} exclude each other" in error for error in check.errors), check.err


def test_a_good_file(conf, pki):
    check = Check("-c", conf(*tls(pki)))
    assert (check.code, check.errors, check.warnings) == (0, [], [])
    assert "is good" in check.out


def test_the_file_as_an_argument_as_kong_has_it(conf):
    assert Check(conf("pg_port = 1")).code == 0
    assert Check(conf("pg_port = x")).code == 1


def test_nothing_is_touched(tmp_path, conf, pki):
    prefix = tmp_path / "prefix"
    path = conf(f"prefix = {prefix}", "pg_host = 192.0.2.1", *tls(pki))
    before = sorted(os.listdir(tmp_path))
    check = Check("-c", path, cwd=tmp_path)
    assert check.code == 0
    assert sorted(os.listdir(tmp_path)) == before


def test_all_faults_at_once_with_their_lines(conf):
    path = conf("# a file with many faults", "pg_ssl = yes", "pg_port = 99999", "pg_hsot = db",
                "proxy_listen = 0.0.0.0:8000 ssll", "just words", "pg_ssl_version = tlsv1")
    check = Check("-c", path, environment={"KONG_LOG_LEVEL": "loud"})
    assert check.code == 1
    assert [e.split(": ")[0] for e in check.errors] == ["environment"] + [f"{path}:{n}" for n in range(2, 8)]
    assert f"{path}:2: pg_ssl: unknown word 'yes'; accepted: on, off, true, false" in check.errors
    assert f"{path}:4: pg_hsot: unknown key, did you mean pg_host?" in check.errors
    assert "7 errors" in check.out


@pytest.mark.parametrize("word", ["ON", "yes", "1", "enabled", "True"])
def test_an_unknown_boolean_word_never_means_off(conf, word):
    check = Check("-c", conf(f"pg_ssl = {word}"))
    assert check.code == 1 and "pg_ssl" in check.errors[0]


def test_the_environment_goes_before_the_file(conf):
    path = conf("pg_port = x")
    assert Check("-c", path).code == 1
    assert Check("-c", path, environment={"KONG_PG_PORT": "5432"}).code == 0


def test_no_secret_is_printed(conf):
    check = Check("-c", conf("pg_password = hunter2", "pg_port = {vault://env/port}", "ssl_cert_key = hunter2"),
                  environment={"PORT": "hunter2", "KONG_PROXY_SERVER": "hunter2"})
    assert check.code == 1 and len(check.errors) == 3
    assert "hunter2" not in check.out + check.err


def test_keys_without_effect_are_named_in_one_warning(conf):
    check = Check("-c", conf("lua_package_path = /x", "mem_cache_size = 1g", "nginx_http_gzip = on"))
    assert check.code == 0 and len(check.warnings) == 1
    for key in ("lua_package_path (line 1", "mem_cache_size (line 2", "nginx_http_gzip (line 3"):
        assert key in check.warnings[0]


@pytest.mark.parametrize("path", ["/nonexistent/kong.conf", "/tmp", "/dev/null"])
def test_what_is_no_file(path):
    check = Check("-c", path)
    assert check.code == 1 and path in check.errors[0]


def test_binary_and_other_files(tmp_path):
    for name, content, said in [("binary", b"\x7fELF\0\0", "NUL"), ("latin", b"pg_user = \xe4\n", "UTF-8"),
                                ("other", b"%PDF words\n" * 5000, "and 4900 more")]:
        (tmp_path / name).write_bytes(content)
        check = Check("-c", tmp_path / name)
        assert check.code == 1 and said in check.err, check.err


def test_the_files_of_the_link(tmp_path, conf, pki):
    junk, loose = tmp_path / "junk.pem", tmp_path / "loose.key"
    junk.write_text("nothing\n")
    loose.write_bytes(open(pki.client.key, "rb").read())
    loose.chmod(0o644)
    for changes, key in [({"lua_ssl_trusted_certificate": "/nonexistent/ca.pem"}, "lua_ssl_trusted_certificate"),
                         ({"lua_ssl_trusted_certificate": junk}, "lua_ssl_trusted_certificate"),
                         ({"pg_ssl_cert": "/nonexistent/c.crt"}, "pg_ssl_cert"),
                         ({"pg_ssl_cert": junk}, "pg_ssl_cert"),
                         ({"pg_ssl_cert_key": "/nonexistent/c.key"}, "pg_ssl_cert_key"),
                         ({"pg_ssl_cert_key": loose}, "pg_ssl_cert_key"),
                         ({"pg_ssl_cert_key": pki.server.key}, "pg_ssl_cert_key"),
                         ({"pg_ssl_crl": "/nonexistent/r.crl"}, "pg_ssl_crl"),
                         ({"pg_ssl_crl_dir": junk}, "pg_ssl_crl_dir")]:
        lines = tls(pki, **changes)
        line = 1 + next(i for i, text in enumerate(lines) if text.startswith(f"{key} ="))
        check = Check("-c", conf(*lines))
        assert check.code == 1 and len(check.errors) == 1, check.err
        assert f"kong.conf:{line}: {key}: " in check.errors[0], check.err
    # Quotes around a path are no part of it.
    assert Check("-c", conf(*tls(pki, pg_ssl_cert=f'"{pki.client.cert}"'))).code == 0
    # Of a link without TLS nobody reads them.
    assert Check("-c", conf(*tls(pki, pg_ssl="off", pg_ssl_cert="/nonexistent"))).code == 0


def test_several_bad_files_and_the_read_only_link(conf, pki):
    lines = tls(pki, lua_ssl_trusted_certificate="/nonexistent/ca", pg_ssl_cert="/nonexistent/c",
                pg_ro_host="replica", pg_ro_ssl_crl="/nonexistent/r")
    check = Check("-c", conf(*lines))
    assert sorted(e.split(": ")[1] for e in check.errors) == ["lua_ssl_trusted_certificate", "pg_ro_ssl_crl",
                                                              "pg_ssl_cert"], check.err


def test_the_files_of_listeners(conf, pki):
    pair = [f"ssl_cert = {pki.server.cert}", f"ssl_cert_key = {pki.server.key}"]
    assert Check("-c", conf(*pair)).code == 0
    check = Check("-c", conf(pair[0], f"ssl_cert_key = {pki.client.key}"))
    assert check.code == 1 and "kong.conf:2: ssl_cert_key: the key does not belong" in check.errors[0]
    check = Check("-c", conf("ssl_cert = /nonexistent/a", "ssl_cert_key = /nonexistent/b"))
    assert check.code == 1 and len(check.errors) == 2
    # Without a TLS listener nobody reads them.
    assert Check("-c", conf("proxy_listen = 127.0.0.1:8000", "ssl_cert = /none", "ssl_cert_key = /none")).code == 0


def test_what_openssl_refuses_of_listeners(tmp_path, conf):
    lines = ["ssl_cipher_suite = custom", "ssl_ciphers = NOPE", "ssl_protocols = TLSv9", "ssl_dhparam = ffdhe1",
             "nginx_http_lua_ssl_protocols = SSLv3"]
    check = Check("-c", conf(*lines))
    assert check.code == 1 and len(check.errors) == 4, check.err
    for line, key in enumerate(("ssl_ciphers", "ssl_protocols", "ssl_dhparam", "nginx_http_lua_ssl_protocols"), 2):
        assert sum(f"kong.conf:{line}: {key}: " in error for error in check.errors) == 1, check.err
    # As a start does: the suites have ciphers of their own, without a TLS listener nobody looks.
    assert Check("-c", conf(*lines[1:3])).code == 0
    assert Check("-c", conf("proxy_listen = 127.0.0.1:8000", "admin_listen = 127.0.0.1:8001", *lines[:4])).code == 0
    assert Check("-c", conf(lines[0], "ssl_ciphers = ECDHE-RSA-AES128-GCM-SHA256", "ssl_protocols = TLSv1.2")).code == 0
    junk = tmp_path / "junk.pem"
    junk.write_text("nothing\n")
    for dh in ("foo", "/nonexistent/dh.pem", junk):
        check = Check("-c", conf(lines[0], f"ssl_dhparam = {dh}", "ssl_ciphers = NOPE"))
        assert check.code == 1 and len(check.errors) == 2, check.err
        assert any("kong.conf:2: ssl_dhparam: " in error for error in check.errors), check.err


def test_the_default_file_is_good():
    root = os.path.join(os.path.dirname(__file__), "..", "..")
    check = Check("-c", os.path.join(root, "sallyport.conf.default"))
    assert (check.code, check.errors, check.warnings) == (0, [], [])
