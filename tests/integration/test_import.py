"""config db_import and db_export: a large configuration goes into the database and comes back the same."""
import json
import os

import pytest

from gateway import Node, call, link_settings, sallyport, write_conf

DATABASE = "imports"
COUNT = int(os.environ.get("SALLYPORT_IMPORT", 500))  # entities; 10000 takes half a minute with sanitizers


@pytest.fixture
def conf(mtls_server, pki, tmp_path):
    mtls_server.sql(f"drop database if exists {DATABASE} with (force)")
    mtls_server.sql(f"create database {DATABASE} owner kong")
    path = write_conf(tmp_path / "kong.conf", link_settings(mtls_server, pki, DATABASE))
    sallyport("migrations", "bootstrap", "-q", "-c", path, check=0)
    return path


def large(count):
    """`count` entities, nested and side by side, with the values that YAML likes to misread."""
    tags = ["yes", "3.0", "0x10", "~", "émoji-🎉", "1e3"]
    services = [{"name": f"service-{i}", "host": f"h{i}.test", "port": 1 + i % 65535, "tags": [tags[i % 6]],
                 "routes": [{"name": f"route-{i}-{j}", "paths": [f"/p{i}/{j}", f"~/r{i}/(?<x>[a-z]+)$"],
                             "headers": {"x-tenant": ["on", str(i)]}, "regex_priority": j}
                            for j in range(2)]} for i in range(count // 5)]
    consumers = [{"username": f"user {i}", "custom_id": str(i)} for i in range(count // 5)]
    upstreams = [{"name": f"up{i}.test", "targets": [{"target": "10.0.0.1:80", "weight": i % 100}]}
                 for i in range(count // 10)]
    return {"_format_version": "3.0", "services": services, "consumers": consumers, "upstreams": upstreams}


def lines(path):
    return [line for line in open(path) if not line.startswith("  updated_at:")]


def test_a_large_file_comes_back(mtls_server, conf, tmp_path):
    (tmp_path / "in.json").write_text(json.dumps(large(COUNT)))
    first, second = tmp_path / "first.yml", tmp_path / "second.yml"
    said = sallyport("config", "db_import", str(tmp_path / "in.json"), "-c", conf, check=0).stdout
    assert said == "parse successful, beginning import\nimport successful\n"
    sallyport("config", "db_export", str(first), "-c", conf, check=0)
    counts = {entity: int(mtls_server.sql(f"select count(*) from {entity}", database=DATABASE))
              for entity in ("services", "routes", "consumers", "upstreams", "targets")}
    tenth = COUNT // 10
    assert counts == {"services": 2 * tenth, "routes": 4 * tenth, "consumers": 2 * tenth, "upstreams": tenth,
                      "targets": tenth}
    assert mtls_server.sql("select tags from services where name in ('service-0', 'service-4') order by name",
                           database=DATABASE) == "{yes}\n{émoji-🎉}"

    mtls_server.sql("truncate services, consumers, upstreams cascade", database=DATABASE)
    sallyport("config", "db_import", str(first), "-c", conf, check=0)
    sallyport("config", "db_export", str(second), "-c", conf, check=0)
    assert lines(second) == lines(first)
    assert "already exists" in sallyport("config", "db_export", str(first), "-c", conf, check=1).stderr


def test_an_import_is_all_or_nothing(mtls_server, conf, tmp_path):
    (tmp_path / "a.yml").write_text("_format_version: '3.0'\nservices: [{name: a, host: a}]\n")
    sallyport("config", "db_import", str(tmp_path / "a.yml"), "-c", conf, check=0)
    sallyport("config", "db-import", str(tmp_path / "a.yml"), "-c", conf, check=0)  # the same again
    (tmp_path / "b.yml").write_text("_format_version: '3.0'\nservices: [{name: b, host: b}, "
                                    "{id: 55555555-5555-4555-8555-555555555555, name: a, host: a}]\n")
    said = sallyport("config", "db_import", str(tmp_path / "b.yml"), "-c", conf, check=1).stderr
    assert "services 'a'" in said and "nothing was changed" in said
    assert mtls_server.sql("select string_agg(name, ',') from services", database=DATABASE) == "a"


def test_config_is_refused_with_a_database(mtls_server, pki, conf, tmp_path):
    node = Node(str(tmp_path / "node"), link_settings(mtls_server, pki, DATABASE))
    try:
        message = {"message": "this endpoint is only available when Kong is configured to not use a database"}
        assert call(node.admin, "GET", "/config") == (400, message)
        assert call(node.admin, "POST", "/config", {"_format_version": "3.0"}) == (400, message)
        assert "configuration_hash" not in call(node.admin, "GET", "/status")[1]
    finally:
        node.stop()
