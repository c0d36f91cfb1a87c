#include <gtest/gtest.h>

#include "admin/admin_api.h"
#include "admin/form_json.h"
#include "admin/status_api.h"
#include "admin/test_store.h"

namespace sallyport::admin {
namespace {

Json status(TestNode& node, std::string target, int expected = 200) {
  auto response = StatusApi(node).handle({.method = "GET", .target = std::move(target)});
  EXPECT_EQ(response.status, expected) << response.body;
  return parse_json(response.body);
}

TEST(Status, WritesBytesAsAsked) {
  TestNode node;
  Json memory = status(node, "/status")["memory"];
  EXPECT_EQ(memory["workers_lua_vms"][0]["http_allocated_gc"], "1.00 MiB");
  EXPECT_EQ(memory["workers_lua_vms"][1]["pid"], 12);
  EXPECT_EQ(memory["lua_shared_dicts"]["kong"]["capacity"], "1024.00 MiB");
  memory = status(node, "/status?unit=k&scale=3")["memory"];
  EXPECT_EQ(memory["workers_lua_vms"][1]["http_allocated_gc"], "1536.000 KiB");
  memory = status(node, "/status?unit=b")["memory"];
  EXPECT_EQ(memory["lua_shared_dicts"]["kong"]["allocated_slabs"], 5 << 20);
  EXPECT_EQ(status(node, "/status?unit=V", 400)["message"],
            "invalid unit 'V' (expected 'k/K', 'm/M', or 'g/G')");
  status(node, "/status?scale=x", 400);
}

TEST(Status, ShowsTheLink) {
  TestNode node;
  node.link_facts = LinkFacts{
      .connected = false,
      .since = 100,
      .host = "db.test",
      .address = "10.0.0.1",
      .port = 5432,
      .server_version = "15.8",
      .tls = true,
      .verified = true,
      .tls_version = "TLSv1.3",
      .cipher = "TLS_AES_256_GCM_SHA384",
      .certificates = {{.role = "server", .subject = "CN=db.test", .not_after = 4'000'000'000}},
      .last_error =
          Error{.code = "link.timeout", .detail = "db.test:5432 did not answer", .remedy = ""},
      .last_error_at = 200};
  Json all = status(node, "/status");
  EXPECT_EQ(all["database"]["reachable"], false);
  Json link = all["sallyport"]["link"];
  EXPECT_EQ(link["since"], 100);
  EXPECT_EQ(link["tls"]["version"], "TLSv1.3");
  EXPECT_EQ(link["tls"]["certificates"][0]["role"], "server");
  EXPECT_GT(link["tls"]["certificates"][0]["seconds_to_expiry"], 0);
  EXPECT_EQ(link["last_error"]["code"], "link.timeout");
  EXPECT_EQ(all["sallyport"]["configuration"]["sequence"], 42);
  EXPECT_EQ(all["server"]["total_requests"], 7);

  node.link_facts = std::nullopt;
  EXPECT_FALSE(status(node, "/status").contains("database"));
}

TEST(Status, SaysWhenTheNodeIsReady) {
  TestNode node;
  EXPECT_EQ(status(node, "/status/ready")["message"], "ready");
  node.waiting_for = "no configuration was read yet";
  EXPECT_EQ(status(node, "/status/ready", 503)["message"], "no configuration was read yet");
  status(node, "/services", 404);
  EXPECT_EQ(StatusApi(node).handle({.method = "POST", .target = "/status"}).status, 405);
}

TEST(Status, ShowsTheHealthOfUpstreamsAndChangesNothing) {
  TestNode node;
  std::vector<std::string> asked;
  StatusApi api(node, [&](const http::BufferedRequest& request) {
    asked.push_back(request.method + " " + request.target);
    return http::BufferedResponse{};
  });
  const std::vector<std::string> shown = {"GET /upstreams/u/health?balancer_health=1",
                                          "HEAD /upstreams/u/targets",
                                          "GET /upstreams/u/targets/all", "GET /status/dns"};
  for (const std::string& one : shown) {
    const size_t space = one.find(' ');
    api.handle({.method = one.substr(0, space), .target = one.substr(space + 1)});
  }
  EXPECT_EQ(asked, shown);
  for (const char* target : {"/upstreams", "/upstreams/u", "/upstreams/u/plugins",
                             "/services/s/health", "/upstreams/u/targets/t/healthy"}) {
    EXPECT_EQ(api.handle({.method = "GET", .target = target}).status, 404) << target;
  }
  EXPECT_EQ(api.handle({.method = "POST", .target = "/upstreams/u/targets"}).status, 404);
  EXPECT_EQ(asked, shown);
}

TEST(FormJson, TakesKeysApart) {
  struct Case {
    const char* form;
    const char* json;
  } cases[] = {
      {"a=1", R"({"a":"1"})"},
      {"a=1&a=2", R"({"a":["1","2"]})"},
      {"a[]=1&a[]=2", R"({"a":["1","2"]})"},
      {"a[2]=y&a[1]=x", R"({"a":["x","y"]})"},
      {"a.b.c=1&a.b.d=2", R"({"a":{"b":{"c":"1","d":"2"}}})"},
      {"a[1].ip=x&a[1].port=1&a[2].ip=y", R"({"a":[{"ip":"x","port":"1"},{"ip":"y"}]})"},
      {"h.x-y[1]=1", R"({"h":{"x-y":["1"]}})"},
      {"a[b]=1", R"({"a":{"b":"1"}})"},
      {"a", R"({"a":""})"},
      {"a[=1", R"({"a[":"1"})"},
      {"a.=1", R"({"a":{".":"1"}})"},
      {".=1", R"({".":"1"})"},
      {"", R"({})"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(to_text(form_json(*http::decode_form(c.form))), c.json) << c.form;
  }
}

}  // namespace
}  // namespace sallyport::admin
