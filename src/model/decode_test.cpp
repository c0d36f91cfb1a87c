#include <gtest/gtest.h>

#include "base/json.h"
#include "model/entities.h"
#include "model/schemas.h"
#include "model/test_rows.h"

namespace sallyport::model {
namespace {

TEST(Decode, Service) {
  auto service = decode_service(completed(
      services(), R"({"name":"s","url":"https://a.test:8443/x","retries":1,"read_timeout":7})"));
  ASSERT_TRUE(service) << service.error().text();
  EXPECT_EQ(service->name, "s");
  EXPECT_EQ(service->protocol, Protocol::https);
  EXPECT_EQ(service->host, "a.test");
  EXPECT_EQ(service->port, 8443);
  EXPECT_EQ(service->path, "/x");
  EXPECT_EQ(service->retries, 1);
  EXPECT_EQ(service->read_timeout_ms, 7);
  EXPECT_TRUE(service->enabled);
}

TEST(Decode, Route) {
  auto route = decode_route(completed(routes(), R"({
      "protocols":["https"],"hosts":["a"],"paths":["~/x"],"methods":["GET"],
      "headers":{"x":["1","2"]},"snis":["b"],"regex_priority":-3,"strip_path":false,
      "service":{"id":"7fca84d6-7d37-4a74-a7b0-93e576089a41"},"path_handling":"v1",
      "https_redirect_status_code":301,"request_buffering":false})"));
  ASSERT_TRUE(route) << route.error().text();
  EXPECT_EQ(route->service_id, "7fca84d6-7d37-4a74-a7b0-93e576089a41");
  ASSERT_EQ(route->protocols.size(), 1u);
  EXPECT_EQ(route->protocols[0], Protocol::https);
  ASSERT_EQ(route->headers.size(), 1u);
  EXPECT_EQ(route->headers[0].second.size(), 2u);
  EXPECT_EQ(route->regex_priority, -3);
  EXPECT_EQ(route->created_at, 1'700'000'000);
  EXPECT_EQ(route->path_handling, PathHandling::v1);
  EXPECT_EQ(route->https_redirect_status_code, 301);
  EXPECT_FALSE(route->strip_path);
  EXPECT_FALSE(route->request_buffering);
  EXPECT_TRUE(route->response_buffering);
}

TEST(Decode, RowsThatSqlBrokeAreNamed) {
  Json row = completed(services(), R"({"host":"a"})");
  row["port"] = 70000;
  auto service = decode_service(row);
  ASSERT_FALSE(service);
  EXPECT_EQ(service.error().code, "model.row");
  EXPECT_NE(service.error().detail.find("port"), std::string::npos);
  EXPECT_FALSE(decode_service(Json::object()));

  Json route = completed(routes(), R"({"paths":["/"]})");
  route["protocols"] = Json::array({"gopher"});
  EXPECT_FALSE(decode_route(route));
  route["protocols"] = nullptr;
  EXPECT_TRUE(decode_route(route));
  route["sources"] = Json::array({Json{{"port", "x"}}});
  EXPECT_FALSE(decode_route(route));
}

}  // namespace
}  // namespace sallyport::model
