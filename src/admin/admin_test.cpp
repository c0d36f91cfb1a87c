// The Admin API over a store in memory: every method on every kind of path.
#include <gtest/gtest.h>

#include "admin/admin_api.h"
#include "admin/test_store.h"
#include "base/text.h"
#include "base/uuid.h"
#include "base/version.h"
#include "model/shared_dictionaries.h"

namespace sallyport::admin {
namespace {

class Admin : public ::testing::Test {
 protected:
  struct Reply {
    int status;
    Json json;  // null when there is no body
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers;

    std::string header(std::string_view name) const {
      for (const auto& [key, value] : headers) {
        if (key == name) return value;
      }
      return "-";
    }
  };

  Reply send(std::string method, std::string target, std::string body = "", std::string type = "") {
    http::BufferedRequest request{.method = std::move(method), .target = std::move(target)};
    if (!type.empty()) request.headers.emplace_back("Content-Type", type);
    request.body = std::move(body);
    return send(request);
  }
  Reply send(const http::BufferedRequest& request) {
    auto response = api.handle(request);
    Json json = response.body.empty() ? Json(nullptr) : parse_json(response.body);
    return {response.status, std::move(json), response.body, response.headers};
  }
  Reply json(std::string method, std::string target, std::string body) {
    return send(std::move(method), std::move(target), std::move(body), "application/json");
  }
  Reply form(std::string method, std::string target, std::string body) {
    return send(std::move(method), std::move(target), std::move(body),
                "application/x-www-form-urlencoded");
  }

  std::string add_service(const std::string& name) {
    Reply r = json("POST", "/services", R"({"host":"a.test","name":")" + name + R"("})");
    EXPECT_EQ(r.status, 201) << r.body;
    return r.json["id"];
  }
  std::string add_route(const std::string& name, const std::string& service_id) {
    Reply r = json("POST", "/services/" + service_id + "/routes",
                   R"({"paths":["/x"],"name":")" + name + R"("})");
    EXPECT_EQ(r.status, 201) << r.body;
    return r.json["id"];
  }

  MemoryStore store;
  TestNode node;
  AdminApi api{store, node};
};

TEST_F(Admin, CreatesAndShowsAService) {
  Reply made = json("POST", "/services", R"({"url":"http://a.test/x","name":"s","tags":["t"]})");
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.json["host"], "a.test");
  EXPECT_EQ(made.json["retries"], 5);
  EXPECT_TRUE(made.json["client_certificate"].is_null());
  for (const std::string& key : {std::string("s"), made.json["id"].get<std::string>()}) {
    Reply got = send("GET", "/services/" + key);
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.json, made.json);
  }
  EXPECT_EQ(send("GET", "/services/s/").status, 200);
  EXPECT_EQ(send("GET", "/services/nobody").body, R"({"message":"Not found"})");
  EXPECT_EQ(send("GET", "/services/" + new_uuid()).status, 404);
}

TEST_F(Admin, NamesMayBeUtf8InThePath) {
  json("POST", "/services", R"({"host":"a","name":"円"})");
  EXPECT_EQ(send("GET", "/services/円").status, 200);
  EXPECT_EQ(send("GET", "/services/%E5%86%86").status, 200);
}

TEST_F(Admin, BodiesMayBeForms) {
  std::string id = add_service("s");
  Reply r = form("POST", "/routes",
                 "service.name=s&hosts[1]=a.test&hosts[2]=b.test&methods[]=GET&methods[]=PUT&"
                 "paths=%2Fx&headers.x-y[1]=1&strip_path=false&regex_priority=7&name=");
  ASSERT_EQ(r.status, 201) << r.body;
  EXPECT_EQ(to_text(r.json["hosts"]), R"(["a.test","b.test"])");
  EXPECT_EQ(to_text(r.json["methods"]), R"(["GET","PUT"])");
  EXPECT_EQ(to_text(r.json["paths"]), R"(["/x"])");
  EXPECT_EQ(to_text(r.json["headers"]), R"({"x-y":["1"]})");
  EXPECT_EQ(r.json["strip_path"], false);
  EXPECT_EQ(r.json["regex_priority"], 7);
  EXPECT_TRUE(r.json["name"].is_null());
  EXPECT_EQ(r.json["service"]["id"], id);

  Reply multipart = send("PATCH", "/services/s",
                         "--b\r\nContent-Disposition: form-data; name=\"port\"\r\n\r\n81\r\n--b--",
                         "multipart/form-data; boundary=b");
  EXPECT_EQ(multipart.status, 200) << multipart.body;
  EXPECT_EQ(multipart.json["port"], 81);
  EXPECT_EQ(send("POST", "/services", "", "multipart/form-data").json["fields"]["host"],
            "required field missing");
}

TEST_F(Admin, RefusesBodiesThatItCannotRead) {
  struct Case {
    const char* type;
    const char* body;
    int status;
    const char* message;  // null pointer: any
  } cases[] = {
      {"application/json", R"({"a":)", 400, "Cannot parse JSON body"},
      {"application/json", "", 400, "Cannot parse JSON body"},
      {"application/json", "[]", 400, "Cannot parse JSON body"},
      {"application/json; charset=utf-8", R"({"host":"a"})", 201, nullptr},
      {"text/plain", "x", 415, nullptr},
      {"", "x", 415, nullptr},
      {"multipart/form-data", "x", 400, nullptr},
      {"multipart/form-data; boundary=b", "x", 400, nullptr},
  };
  for (const Case& c : cases) {
    Reply r = send("POST", "/services", c.body, c.type);
    EXPECT_EQ(r.status, c.status) << c.type << " " << c.body << " " << r.body;
    if (c.message != nullptr) {
      EXPECT_EQ(r.json["message"], c.message);
    }
  }
  http::BufferedRequest packed{.method = "POST", .target = "/services", .body = "\x1f\x8b"};
  packed.headers = {{"Content-Type", "application/json"}, {"Content-Encoding", "gzip"}};
  EXPECT_EQ(send(packed).status, 415);
  packed.headers[1].second = "identity";
  EXPECT_EQ(send(packed).status, 400);
  std::string many = "a=1", keys = "{\"a\":1";
  for (int i = 0; i < 1000; ++i) many += "&a=1";
  EXPECT_EQ(to_text(form("POST", "/services", many).json), R"({"message":"Too many arguments"})");
  EXPECT_EQ(send("GET", "/services?" + many).status, 400);
  for (int i = 0; i < 20000; ++i) keys += ",\"" + std::to_string(i) + "\":1";
  EXPECT_EQ(json("POST", "/services", keys + "}").status, 400);
  EXPECT_EQ(json("POST", "/services", std::string(100000, '[')).status, 400);
  EXPECT_EQ(send("POST", "/services").json["fields"]["host"], "required field missing");
  EXPECT_EQ(send("GET", "/services", "not read", "application/json").status, 200);
}

TEST_F(Admin, NamesEveryFaultAtOnce) {
  Reply r = json("POST", "/services", R"({"port":-1,"protocol":"foo","nmae":"x"})");
  EXPECT_EQ(r.status, 400);
  EXPECT_EQ(r.json["code"], 2);
  EXPECT_EQ(r.json["name"], "schema violation");
  EXPECT_EQ(r.json["message"],
            "4 schema violations (host: required field missing; nmae: unknown field; port: value "
            "should be between 0 and 65535; protocol: expected one of: grpc, grpcs, http, https, "
            "tcp, tls, tls_passthrough, udp)");
  EXPECT_EQ(r.json["fields"].size(), 4u);
  EXPECT_EQ(json("PUT", "/services/s", R"({"url":7})").json["fields"]["url"], "expected a string");
}

TEST_F(Admin, AnswersConflicts) {
  std::string id = add_service("s");
  Reply r = json("POST", "/services", R"({"host":"a","name":"s"})");
  EXPECT_EQ(r.status, 409);
  EXPECT_EQ(to_text(r.json),
            R"({"message":"UNIQUE violation detected on '{name=\"s\"}'",)"
            R"("name":"unique constraint violation","fields":{"name":"s"},"code":5})");
  r = json("POST", "/services", R"({"host":"a","id":")" + id + R"("})");
  EXPECT_EQ(r.status, 400);
  EXPECT_EQ(r.json["code"], 3);
  EXPECT_EQ(r.json["message"], "primary key violation on key '{id=\"" + id + "\"}'");
}

TEST_F(Admin, FollowsReferences) {
  std::string nobody = new_uuid();
  Reply r = json("POST", "/routes", R"({"paths":["/"],"service":{"id":")" + nobody + R"("}})");
  EXPECT_EQ(r.status, 400);
  EXPECT_EQ(r.json["code"], 4);
  EXPECT_EQ(r.json["message"], "the foreign key '{id=\"" + nobody +
                                   "\"}' does not reference an existing 'services' entity.");
  EXPECT_EQ(r.json["fields"]["service"]["id"], nobody);

  r = json("POST", "/routes", R"({"paths":["/"],"service":{"name":"nobody"}})");
  EXPECT_EQ(r.status, 400);
  EXPECT_EQ(r.json["code"], 13);
  EXPECT_EQ(r.json["message"],
            "foreign key unresolved (service.name: the foreign key cannot be resolved with "
            "'{name=\"nobody\"}' for an existing 'services' entity)");

  std::string id = add_service("s");
  r = json("POST", "/routes", R"({"paths":["/"],"service":{"name":"s"}})");
  EXPECT_EQ(r.status, 201);
  EXPECT_EQ(to_text(r.json["service"]), R"({"id":")" + id + R"("})");
}

TEST_F(Admin, PutCreatesAndReplaces) {
  std::string id = new_uuid();
  Reply made = json("PUT", "/services/" + id, R"({"host":"a","name":"s","port":81})");
  ASSERT_EQ(made.status, 200) << made.body;
  EXPECT_EQ(made.json["id"], id);
  store.rows["services"][0]["created_at"] = 5;
  Reply replaced = json("PUT", "/services/s", R"({"host":"b"})");
  ASSERT_EQ(replaced.status, 200) << replaced.body;
  EXPECT_EQ(replaced.json["id"], id);
  EXPECT_EQ(replaced.json["name"], "s");
  EXPECT_EQ(replaced.json["port"], 80);
  EXPECT_EQ(replaced.json["created_at"], 5);
  EXPECT_EQ(json("PUT", "/services/t", R"({"host":"b"})").json["name"], "t");
  EXPECT_EQ(store.rows["services"].size(), 2u);

  Reply r = json("PUT", "/services/a%20b", R"({"host":"b"})");
  EXPECT_EQ(r.status, 400);
  EXPECT_EQ(r.json["code"], 10);
  EXPECT_EQ(r.json["name"], "invalid unique name");
}

TEST_F(Admin, PatchChangesWhatItNames) {
  std::string id = add_service("s");
  Reply r = json("PATCH", "/services/s", R"({"url":"https://b.test:8443","tags":["x"]})");
  ASSERT_EQ(r.status, 200) << r.body;
  EXPECT_EQ(r.json["id"], id);
  EXPECT_EQ(r.json["name"], "s");
  EXPECT_EQ(r.json["host"], "b.test");
  EXPECT_EQ(r.json["port"], 8443);
  EXPECT_TRUE(json("PATCH", "/services/s", R"({"tags":null})").json["tags"].is_null());
  EXPECT_EQ(json("PATCH", "/services/s", R"({"port":"x"})").status, 400);
  EXPECT_EQ(json("PATCH", "/services/s", R"({"id":")" + new_uuid() + R"("})").status, 400);
  EXPECT_EQ(json("PATCH", "/services/nobody", R"({"port":1})").status, 404);
}

TEST_F(Admin, DeletesWhatNobodyNeeds) {
  std::string id = add_service("s");
  add_route("r", id);
  Reply refused = send("DELETE", "/services/s");
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(to_text(refused.json),
            R"({"message":"an existing 'routes' entity references this 'services' entity",)"
            R"("name":"foreign key violation","fields":{"@referenced_by":"routes"},"code":4})");
  EXPECT_EQ(send("DELETE", "/routes/r").status, 204);
  EXPECT_EQ(send("DELETE", "/services/" + id).status, 204);
  EXPECT_EQ(send("DELETE", "/services/" + id).status, 204);
  EXPECT_EQ(send("DELETE", "/services/s").body, "");
}

TEST_F(Admin, NestedPathsStayBelowTheirParent) {
  std::string mine = add_service("mine"), other = add_service("other");
  std::string route = add_route("r", mine);
  EXPECT_EQ(send("GET", "/services/mine/routes").json["data"].size(), 1u);
  EXPECT_EQ(send("GET", "/services/other/routes").json["data"].size(), 0u);
  EXPECT_EQ(send("GET", "/services/nobody/routes").status, 404);
  EXPECT_EQ(send("GET", "/services/mine/routes/r").status, 200);
  EXPECT_EQ(send("GET", "/services/other/routes/r").status, 404);
  EXPECT_EQ(json("PATCH", "/services/other/routes/r", R"({"paths":["/y"]})").status, 404);
  EXPECT_EQ(json("PUT", "/services/other/routes/r", R"({"paths":["/y"]})").status, 404);
  EXPECT_EQ(send("DELETE", "/services/other/routes/r").status, 404);
  EXPECT_EQ(json("PATCH", "/services/mine/routes/r", R"({"paths":["/y"]})").status, 200);
  Reply put = json("PUT", "/services/mine/routes/q", R"({"paths":["/y"]})");
  EXPECT_EQ(put.status, 200) << put.body;
  EXPECT_EQ(put.json["service"]["id"], mine);
  EXPECT_EQ(send("DELETE", "/services/mine/routes/" + route).status, 204);
}

TEST_F(Admin, TheServiceOfARoute) {
  std::string id = add_service("s");
  add_route("r", id);
  EXPECT_EQ(send("GET", "/routes/r/service").json["id"], id);
  EXPECT_EQ(json("PATCH", "/routes/r/service", R"({"port":9})").json["port"], 9);
  Reply put = json("PUT", "/routes/r/service", R"({"url":"http://c.test"})");
  EXPECT_EQ(put.json["id"], id);
  EXPECT_EQ(put.json["host"], "c.test");
  EXPECT_EQ(to_text(send("DELETE", "/routes/r/service").json),
            R"({"message":"Method not allowed"})");
  EXPECT_EQ(send("DELETE", "/routes/nobody/service").status, 404);
  json("POST", "/routes", R"({"paths":["/"],"name":"alone"})");
  EXPECT_EQ(send("GET", "/routes/alone/service").status, 404);
}

TEST_F(Admin, DisabledPathsAreListedAndNotFound) {
  const Json certificate = {{"id", new_uuid()}};
  store.rows["certificates"].push_back(certificate);
  store.rows["snis"].push_back(
      Json{{"id", new_uuid()}, {"name", "a.test"}, {"certificate", certificate}});
  for (const char* path : {"/snis/a.test/certificate", "/targets", "/targets/x/upstream"}) {
    for (const char* method : {"GET", "PATCH", "PUT", "DELETE"}) {
      Reply r = send(method, path);
      EXPECT_EQ(r.status, 404) << method << path;
      EXPECT_EQ(r.json["message"], "Not found");
    }
  }
  Json listed = send("GET", "/endpoints").json["data"];
  EXPECT_NE(std::ranges::find(listed, Json("/snis/{snis}/certificate")), listed.end());
}

TEST_F(Admin, MalformedIdsWhereThereIsNoName) {
  for (const char* entity : {"/ca_certificates/x", "/acls/x", "/acme_storage/x"}) {
    for (const char* method : {"GET", "PATCH", "PUT", "DELETE"}) {
      Reply r = send(method, entity);
      EXPECT_EQ(r.status, 400) << method << entity;
      EXPECT_EQ(r.json["code"], 1);
      EXPECT_EQ(r.json["name"], "invalid primary key");
      EXPECT_EQ(r.json["message"], R"(invalid primary key: '{id="expected a valid UUID"}')");
      EXPECT_EQ(to_text(r.json["fields"]), R"({"id":"expected a valid UUID"})");
    }
  }
  EXPECT_EQ(send("GET", "/ca_certificates/" + new_uuid()).status, 404);
  EXPECT_EQ(send("GET", "/certificates/x").status, 404) << "the name of an SNI";
  EXPECT_EQ(send("GET", "/services/x").status, 404);
  json("PUT", "/consumers/c", "{}");
  EXPECT_EQ(send("GET", "/consumers/c/acls/g").status, 404);
  EXPECT_EQ(json("PUT", "/consumers/c/acls/g", "{}").status, 200);
}

TEST_F(Admin, PagesAndFilters) {
  for (const char* name : {"a", "b", "c"}) add_service(name);
  json("PATCH", "/services/a", R"({"tags":["x","corp_ a"]})");
  json("PATCH", "/services/b", R"({"tags":["x"]})");
  Reply page = send("GET", "/services?size=2&tags=");
  EXPECT_EQ(page.json["message"], "invalid option (tags: cannot be null)");
  page = send("GET", "/services?size=2");
  EXPECT_EQ(page.json["data"].size(), 2u);
  EXPECT_EQ(page.json["next"], "/services?offset=2&size=2");
  page = send("GET", page.json["next"]);
  EXPECT_EQ(page.json["data"].size(), 1u);
  EXPECT_TRUE(page.json["next"].is_null());
  EXPECT_FALSE(page.json.contains("offset"));
  EXPECT_EQ(send("GET", "/services?tags=x").json["data"].size(), 2u);
  EXPECT_EQ(send("GET", "/services?tags=x,corp_%20a").json["data"].size(), 1u);
  EXPECT_EQ(send("GET", "/services?tags=y/corp_%20a").json["data"].size(), 1u);
  EXPECT_EQ(send("GET", "/services?tags=x&size=1").json["next"],
            "/services?offset=1&size=1&tags=x");
  EXPECT_EQ(send("GET", "/services?tags=a,b/c").json["code"], 11);
  EXPECT_EQ(send("GET", "/services?unknown=1").json["data"].size(), 3u);
  for (const char* size : {"0", "1001", "1.5", "-1"}) {
    Reply r = send("GET", std::string("/services?size=") + size);
    EXPECT_EQ(r.status, 400);
    EXPECT_EQ(r.json["code"], 9);
    EXPECT_EQ(r.json["message"], "size must be an integer between 1 and 1000");
  }
  EXPECT_EQ(send("GET", "/services?size=x").json["message"], "size must be a number");
  EXPECT_EQ(send("GET", "/services?offset=x").json["code"], 7);
  EXPECT_EQ(send("GET", "/routes").body, R"({"data":[],"next":null})");
}

TEST_F(Admin, MethodsAndUnknownPaths) {
  Reply r = send("OPTIONS", "/routes/test");
  EXPECT_EQ(r.status, 204);
  EXPECT_EQ(r.body, "");
  EXPECT_EQ(r.header("Allow"), "DELETE, GET, HEAD, OPTIONS, PATCH, PUT");
  EXPECT_EQ(r.header("Access-Control-Allow-Methods"), "DELETE, GET, HEAD, OPTIONS, PATCH, PUT");
  EXPECT_EQ(r.header("Access-Control-Allow-Headers"), "Content-Type");
  EXPECT_EQ(r.header("Access-Control-Allow-Origin"), "*");
  EXPECT_NE(r.header("X-Kong-Admin-Latency"), "-");
  EXPECT_EQ(r.header("Content-Type"), "-");
  EXPECT_EQ(send("OPTIONS", "/services").header("Allow"), "GET, HEAD, OPTIONS, POST");
  EXPECT_EQ(send("DELETE", "/services").status, 405);
  EXPECT_EQ(send("BREW", "/services").status, 405);
  for (const char* method : {"GET", "POST", "OPTIONS", "DELETE"}) {
    EXPECT_EQ(send(method, "/nowhere").body, R"({"message":"Not found"})");
  }
  for (const char* path : {"/workspaces", "/workspaces/default", "//services", "/services//", "*",
                           "/services/a/routes/b/c"}) {
    EXPECT_EQ(send("GET", path).status, 404) << path;
  }
  EXPECT_EQ(send("HEAD", "/services").body, send("GET", "/services").body);
}

TEST_F(Admin, EveryAnswerHasItsHeaders) {
  Reply r = send("GET", "/services");
  EXPECT_EQ(r.header("Server"), kServerToken);
  EXPECT_EQ(r.header("Content-Type"), "application/json; charset=utf-8");
  EXPECT_EQ(r.header("Access-Control-Allow-Origin"), "*");
  EXPECT_EQ(r.header("Access-Control-Allow-Credentials"), "true");
  node.origins = {"https://a.test", "https://b.test"};
  http::BufferedRequest request{
      .method = "GET", .target = "/", .headers = {{"Origin", "https://b.test"}}};
  EXPECT_EQ(send(request).header("Access-Control-Allow-Origin"), "https://b.test");
  request.headers = {{"Origin", "https://evil.test"}};
  EXPECT_EQ(send(request).header("Access-Control-Allow-Origin"), "https://a.test");
}

TEST_F(Admin, SaysThatTheDatabaseIsAway) {
  add_service("s");
  store.up = false;
  for (const char* method : {"GET", "POST", "PUT", "PATCH", "DELETE"}) {
    std::string path = std::string(method) == "POST" ? "/services" : "/services/s";
    Reply r = json(method, path, R"({"host":"a"})");
    EXPECT_EQ(r.status, 503) << method;
    EXPECT_NE(r.json["message"].get<std::string>().find("127.0.0.1:5432 refuses connections"),
              std::string::npos);
  }
  EXPECT_EQ(send("GET", "/services").status, 503);
  EXPECT_EQ(send("GET", "/status").status, 200);
}

TEST_F(Admin, KeepsTheDatabasesWordsToItself) {
  store.broken = model::StoreFault{
      .error = {.code = "sql.22003", .detail = "ERROR: integer out of range", .remedy = ""}};
  Reply r = send("GET", "/services");
  EXPECT_EQ(r.status, 500);
  EXPECT_EQ(r.body, R"({"message":"An unexpected error occurred"})");
  store.broken->error = {.code = "sql.42P01",
                         .detail = "ERROR: relation \"services\" does not exist",
                         .remedy = "Run `sallyport migrations list`"};
  r = send("GET", "/services");
  EXPECT_EQ(r.status, 500);
  EXPECT_EQ(r.json["code"], 8);
  EXPECT_EQ(r.json["message"], "Run `sallyport migrations list`");
}

TEST_F(Admin, NullIsTheDefaultWhereTheColumnTakesNone) {
  Reply r = json("POST", "/upstreams", R"({"name":"u","slots":null})");
  ASSERT_EQ(r.status, 201) << r.body;
  EXPECT_EQ(r.json["slots"], 10000);
  json("PATCH", "/upstreams/u", R"({"slots":20})");
  EXPECT_EQ(form("PATCH", "/upstreams/u", "slots=").json["slots"], 10000);
  EXPECT_EQ(json("PUT", "/upstreams/v", R"({"slots":null})").json["slots"], 10000);
  const std::string targets = "/upstreams/u/targets";
  r = json("POST", targets, R"({"target":"a.test:80","weight":null})");
  ASSERT_EQ(r.status, 201) << r.body;
  EXPECT_EQ(r.json["weight"], 100);
  json("PATCH", targets + "/a.test:80", R"({"weight":5})");
  EXPECT_EQ(json("PATCH", targets + "/a.test:80", R"({"weight":null})").json["weight"], 100);
  EXPECT_EQ(json("PUT", targets + "/a.test:80", R"({"weight":null})").json["weight"], 100);
}

TEST_F(Admin, SchemasAndTheirValidation) {
  Reply r = send("GET", "/schemas/routes");
  EXPECT_EQ(r.status, 200);
  EXPECT_EQ(r.json["fields"][0]["id"]["type"], "string");
  for (const char* name : {"clustering_data_planes", "parameters", "filter_chains",
                           "ratelimiting_metrics", "session_metadatas", "workspaces", "tags"}) {
    EXPECT_GT(send("GET", std::string("/schemas/") + name).json["fields"].size(), 2u) << name;
  }
  EXPECT_EQ(json("POST", "/schemas/parameters/validate", R"({"key":"k"})").json["fields"]["value"],
            "required field missing");
  r = json("POST", "/schemas/workspaces/validate", R"({"name":"services"})");
  EXPECT_EQ(r.status, 400);
  EXPECT_TRUE(r.json["fields"]["name"].get<std::string>().starts_with(
      "must not be one of: workspaces, consumers, certificates, services, "));
  EXPECT_EQ(json("POST", "/schemas/workspaces/validate", R"({"name":"team"})").status, 200);
  r = send("GET", "/schemas/workspaces");
  EXPECT_EQ(r.json["fields"][1]["name"]["not_one_of"].size(), 17u);
  r = send("GET", "/schemas/upstreams");
  EXPECT_EQ(r.json["shorthand_fields"].size(), 2u);
  EXPECT_EQ(send("GET", "/schemas/nothing").json["message"], "No entity named 'nothing'");
  EXPECT_EQ(send("GET", "/schemas/plugins/nothing").json["message"], "No plugin named 'nothing'");
  EXPECT_EQ(send("GET", "/schemas/vaults/nothing").json["message"], "No vault named 'nothing'");
  r = json("POST", "/schemas/services/validate", R"({"host":"a"})");
  EXPECT_EQ(r.status, 200);
  EXPECT_EQ(r.json["message"], "schema validation successful");
  EXPECT_EQ(json("POST", "/schemas/services/validate", "{}").status, 400);
  r = json("POST", "/schemas/plugins/validate", R"({"name":"x"})");
  EXPECT_EQ(r.json["fields"]["name"],
            "plugin 'x' not enabled; add it to the 'plugins' configuration property");
  EXPECT_TRUE(store.rows["services"].empty());
}

TEST_F(Admin, APluginOfAnotherNameNeedsAConfigOfItsOwn) {
  Reply r = json("POST", "/plugins", R"({"name":"key-auth","config":{"key_names":["k"]}})");
  const std::string path = "/plugins/" + r.json["id"].get<std::string>();
  r = json("PATCH", path, R"({"name":"cors"})");
  EXPECT_EQ(r.status, 400) << r.body;
  EXPECT_EQ(r.json["code"], 2);
  EXPECT_EQ(r.json["fields"]["config"]["key_names"], "unknown field");
  EXPECT_FALSE(r.json["fields"]["config"].contains("max_age"));
  EXPECT_EQ(send("GET", path).json["name"], "key-auth");

  r = json("PATCH", path, R"({"name":"key-auth","config":{"hide_credentials":true}})");
  EXPECT_EQ(r.json["config"]["key_names"], Json::array({"k"})) << "the same name: merged";
  r = json("PATCH", path, R"({"name":"cors","config":{"max_age":5}})");
  ASSERT_EQ(r.status, 200) << r.body;
  EXPECT_EQ(r.json["config"]["max_age"], 5);
  EXPECT_FALSE(r.json["config"].contains("key_names"));
  EXPECT_EQ(r.json["config"]["preflight_continue"], false);
}

TEST_F(Admin, PluginsThatAreNotThereAreRefused) {
  std::string id = add_service("s");
  EXPECT_EQ(to_text(json("POST", "/services/s/plugins", "{}").json["fields"]),
            R"({"name":"required field missing"})");
  EXPECT_EQ(json("POST", "/plugins/", R"({"name":"x"})").status, 400);
  EXPECT_EQ(send("GET", "/plugins").status, 200);
  EXPECT_EQ(send("GET", "/plugins/enabled").body, R"({"enabled_plugins":["key-auth"]})");
}

TEST_F(Admin, SessionsHaveARandomSecret) {
  auto shown = [&] {
    Json fields = send("GET", "/schemas/plugins/session").json["fields"];
    for (const Json& field : fields) {
      if (!field.contains("config")) continue;
      for (const Json& inside : field["config"]["fields"]) {
        if (inside.contains("secret")) return inside["secret"];
      }
    }
    return Json();
  };
  Json secret = shown()["default"];
  ASSERT_TRUE(secret.is_string());
  auto bytes = text::from_base64(secret.get<std::string>());
  ASSERT_TRUE(bytes);
  EXPECT_EQ(bytes->size(), 32u);
  EXPECT_NE(*bytes, std::string(32, '\0'));
  EXPECT_EQ(json("POST", "/plugins", R"({"name":"session"})").json["config"]["secret"], secret);
  EXPECT_EQ(shown()["default"], secret);
}

TEST_F(Admin, SharedDictionariesMustBeKnown) {
  auto cache = [&](const std::string& config) {
    return json("POST", "/schemas/plugins/validate",
                R"({"name":"proxy-cache","config":{"strategy":"memory")" + config + "}}");
  };
  EXPECT_EQ(cache("").status, 200);
  EXPECT_EQ(cache(R"(,"memory":{"dictionary_name":"kong_locks"})").status, 200);
  Reply r = cache(R"(,"memory":{"dictionary_name":"nope"})");
  EXPECT_EQ(r.status, 400);
  EXPECT_EQ(to_text(r.json["fields"]), R"({"@entity":["missing shared dict 'nope'"]})");

  auto acme = [&](const std::string& name) {
    return json("POST", "/schemas/plugins/validate",
                R"({"name":"acme","config":{"account_email":"a@b.test","tos_accepted":true,)"
                R"("storage_config":{"shm":{"shm_name":")" +
                    name + R"("}}}})");
  };
  EXPECT_EQ(acme("kong").status, 200) << acme("kong").body;
  r = acme("nope");
  EXPECT_EQ(r.status, 400);
  EXPECT_EQ(r.json["fields"]["config"]["storage_config"]["shm"]["shm_name"],
            "missing shared dict 'nope'");

  model::know_shared_dictionaries("mine 12m; lua_shared_dict other 1m");
  for (const char* name : {"mine", "other"}) EXPECT_EQ(acme(name).status, 200) << name;
  EXPECT_EQ(acme("12m").status, 400);
}

TEST_F(Admin, TheLogLevelHoldsForAWhile) {
  const std::string level = "/debug/node/log-level";
  EXPECT_EQ(send("GET", level).json["message"], "log level: notice");
  EXPECT_EQ(send("PUT", level + "/notice").json["message"], "log level is already notice");
  EXPECT_EQ(node.level_seconds, -1);
  EXPECT_EQ(send("PUT", level + "/debug").json["message"], "log level changed");
  EXPECT_EQ(node.level_seconds, 60);
  EXPECT_EQ(form("PUT", level + "/debug", "timeout=7").status, 200);
  EXPECT_EQ(node.level_seconds, 7);
  EXPECT_EQ(json("PUT", level + "/debug", R"({"timeout":0.5})").status, 200);
  EXPECT_EQ(node.level_seconds, 1);
  EXPECT_EQ(send("PUT", level + "/debug?timeout=3600").status, 200);
  EXPECT_EQ(node.level_seconds, 3600);
  for (const char* timeout : {"-1", "soon", "1e99"}) {
    EXPECT_EQ(form("PUT", level + "/debug", std::string("timeout=") + timeout).status, 400);
  }
  EXPECT_EQ(send("PUT", level + "/loud").json["message"], "unknown log level: loud");
}

TEST_F(Admin, TellsAboutTheNode) {
  Reply r = send("GET", "/");
  EXPECT_EQ(r.json["version"], "3.10.0");
  EXPECT_EQ(r.json["edition"], "community");
  EXPECT_EQ(r.json["tagline"], "Welcome to kong");
  EXPECT_EQ(r.json["sallyport"]["version"], kVersion);
  EXPECT_EQ(r.json["pids"]["master"], 10);
  EXPECT_EQ(r.json["configuration"]["database"], "postgres");
  EXPECT_EQ(r.json["configuration"]["loaded_plugins"]["key-auth"], true);
  EXPECT_EQ(r.json["plugins"]["available_on_server"]["key-auth"]["priority"], 1250);
  Json list = send("GET", "/endpoints").json["data"];
  for (const char* pattern : {"/", "/routes/{routes}/service",
                              "/services/{services}/routes/{routes}", "/schemas/{name}"}) {
    EXPECT_NE(std::ranges::find(list, Json(pattern)), list.end()) << pattern;
  }
}

}  // namespace
}  // namespace sallyport::admin
