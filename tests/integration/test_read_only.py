"""pg_ro_*: what the Admin API reads comes from there, and from the main link when it is away."""
import json

from cluster import PASSWORD, wait_until
from gateway import Node, call, sallyport, write_conf


def names(node):
    return sorted(row["name"] for row in call(node.admin, "GET", "/services")[1]["data"])


def test_reads_go_to_the_read_only_link(clusters, tmp_path):
    server = clusters.start("read-only")
    settings = {"database": "postgres", "pg_host": "127.0.0.1", "pg_port": server.port, "pg_user": "kong",
                "pg_password": PASSWORD}
    sallyport("migrations", "bootstrap", "-c", write_conf(tmp_path / "kong.conf", settings), check=0)
    # A replica that has fallen behind for good.
    server.sql("create database behind template kong owner kong")
    node = Node(str(tmp_path / "node"), dict(settings, pg_ro_host="127.0.0.1", pg_ro_database="behind"))
    try:
        status, service = call(node.admin, "POST", "/services", {"name": "new", "host": "a.test"})
        assert status == 201
        assert server.sql("select name from services", database="kong") == "new"
        assert names(node) == [] and call(node.admin, "GET", "/services/new")[0] == 404
        server.sql("insert into services select * from json_populate_record(null::services, "
                   + f"""'{json.dumps({"id": service["id"], "name": "old", "host": "b.test"})}'::json)""",
                   database="behind")
        server.sql("update services set ws_id = (select id from workspaces), protocol = 'http', port = 80, "
                   "created_at = now(), updated_at = now()", database="behind")
        assert names(node) == ["old"]
        server.sql("alter database behind allow_connections off")
        server.sql("select pg_terminate_backend(pid) from pg_stat_activity where datname = 'behind'")
        wait_until(lambda: names(node) == ["new"], "the main link to be read")
        server.sql("alter database behind allow_connections on")
        wait_until(lambda: names(node) == ["old"], "the replica to be read again")
    finally:
        node.stop()
        server.stop()
