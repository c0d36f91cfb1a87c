"""Nothing leaks in: no PG* variable, no service file, no passfile, no ~/.postgresql."""
import os
import shutil

from link_client import Link, demanding, open_once, with_identity, write_conf


def hostile_home(pki, path):
    """Everything that libpq would read from a home directory, and all of it wrong."""
    folder = path / ".postgresql"
    folder.mkdir(parents=True)
    shutil.copy(pki.other.cert, folder / "root.crt")
    shutil.copy(pki.other.crl("home.crl"), folder / "root.crl")
    stranger = pki.other.issue("stranger", cn="kong")
    shutil.copy(stranger.cert, folder / "postgresql.crt")
    shutil.copy2(stranger.key, folder / "postgresql.key")
    (path / ".pgpass").write_text("*:*:*:*:kongpass\n")
    (path / ".pgpass").chmod(0o600)
    (path / ".pg_service.conf").write_text("[evil]\nhost=127.0.0.9\npassword=kongpass\nsslmode=disable\n"
                                           "options=-c search_path=evil\n")
    return str(path)


def hostile_environment(pki, home):
    stranger = os.path.join(home, ".postgresql")
    return {
        "HOME": home, "PGSERVICE": "evil", "PGSERVICEFILE": home + "/.pg_service.conf", "PGHOST": "127.0.0.9",
        "PGHOSTADDR": "127.0.0.9", "PGPORT": "1", "PGDATABASE": "postgres", "PGUSER": "postgres",
        "PGPASSWORD": "kongpass", "PGPASSFILE": home + "/.pgpass", "PGCHANNELBINDING": "require",
        "PGOPTIONS": "-c search_path=evil -c statement_timeout=1", "PGAPPNAME": "evil", "PGSSLMODE": "disable",
        "PGREQUIRESSL": "1", "PGSSLCERT": stranger + "/postgresql.crt", "PGSSLKEY": stranger + "/postgresql.key",
        "PGSSLROOTCERT": stranger + "/root.crt", "PGSSLCRL": stranger + "/root.crl", "PGSSLCRLDIR": stranger,
        "PGSSLSNI": "0", "PGSSLMINPROTOCOLVERSION": "TLSv1.3", "PGSSLMAXPROTOCOLVERSION": "TLSv1.1",
        "PGREQUIREPEER": "nobody", "PGGSSENCMODE": "require", "PGKRBSRVNAME": "evil", "PGGSSLIB": "evil",
        "PGCONNECT_TIMEOUT": "1", "PGCLIENTENCODING": "SQL_ASCII", "PGTARGETSESSIONATTRS": "standby",
        "PGDATESTYLE": "SQL, DMY", "PGTZ": "Antarctica/Troll", "PGGEQO": "off", "PGSYSCONFDIR": home,
        "PGLOCALEDIR": home,
    }


def test_the_environment_changes_nothing(tls_server, pki, tmp_path):
    environment = hostile_environment(pki, hostile_home(pki, tmp_path / "home"))
    with Link(write_conf(tmp_path, "c", **demanding(pki, tls_server.port)), environment) as link:
        opened = link.open()
        assert opened["ok"] and opened["state"]["tls"] and opened["state"]["client"] == "", opened
        for name, value in (("search_path", '"$user", public'), ("datestyle", "ISO, MDY"), ("geqo", "on"),
                            ("application_name", "sallyport"), ("client_encoding", "UTF8")):
            assert link.query(f"show {name}")["rows"] == [[value]], name
        assert link.query("show timezone")["rows"] != [["Antarctica/Troll"]]
        assert link.query("select current_user, current_database()")["rows"] == [["kong", "kong"]]


def test_no_password_comes_from_elsewhere(tls_server, pki, tmp_path):
    environment = hostile_environment(pki, hostile_home(pki, tmp_path / "home"))
    opened = open_once(write_conf(tmp_path, "c", **demanding(pki, tls_server.port, pg_password=None)), environment)
    assert opened["code"] == "link.authentication" and "no password supplied" in opened["text"], opened


def test_no_certificate_comes_from_elsewhere(mtls_server, pki, tmp_path):
    """A home directory with a good certificate must not help either."""
    home = tmp_path / "home"
    (home / ".postgresql").mkdir(parents=True)
    shutil.copy(pki.client.cert, home / ".postgresql/postgresql.crt")
    shutil.copy2(pki.client.key, home / ".postgresql/postgresql.key")
    settings = demanding(pki, mtls_server.port, pg_password=None)
    opened = open_once(write_conf(tmp_path, "c", **settings), {"HOME": str(home)})
    assert not opened["ok"] and "requires a valid client certificate" in opened["text"], opened
    assert open_once(write_conf(tmp_path, "d", **with_identity(pki, mtls_server.port)), {"HOME": "/nonexistent"})["ok"]


def test_encryption_without_verification_does_not_read_a_root_file(tls_server, pki, tmp_path):
    """libpq would turn `require` into verify-ca when it finds one."""
    home = hostile_home(pki, tmp_path / "home")
    conf = write_conf(tmp_path, "c", **demanding(pki, tls_server.port, pg_ssl_verify="off"))
    opened = open_once(conf, {"HOME": home})
    assert opened["ok"] and not opened["state"]["verified"], opened
