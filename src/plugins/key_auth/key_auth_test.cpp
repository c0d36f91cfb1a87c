#include "plugins/key_auth/key_auth.h"

#include "plugin/exchange_for_test.h"

namespace sallyport::plugins::key_auth {
namespace {

using plugin::ExchangeForTest;
using plugin::made;

void add_key(ExchangeForTest& test) {
  test.consumer("c1", "alice");
  test.identities.add(
      std::make_shared<const model::KeyCredential>(model::KeyCredential{"k1", "c1", "secret"}));
}

TEST(KeyAuth, HeaderAndQuery) {
  const auto plugin = made(&make, R"({"key_names":["apikey","x-key"]})");
  ExchangeForTest by_header({{"X-Key", "secret"}, {"X-Consumer-ID", "forged"}});
  add_key(by_header);
  EXPECT_EQ(by_header.run(*plugin), 0);
  EXPECT_EQ(by_header.header("x-consumer-id"), "c1");
  EXPECT_EQ(by_header.header("x-consumer-username"), "alice");
  EXPECT_EQ(by_header.header("x-credential-identifier"), "k1");
  EXPECT_EQ(by_header.header("X-Key"), "secret");
  ExchangeForTest by_query({}, "a=1&apikey=secret&b=2");
  add_key(by_query);
  EXPECT_EQ(by_query.run(*made(&make, R"({"hide_credentials":true})")), 0);
  EXPECT_EQ(by_query.exchange.current_query(), "a=1&b=2");
}

TEST(KeyAuth, Refusals) {
  const auto plugin = made(&make, R"({"realm":"shop"})");
  ExchangeForTest none;
  EXPECT_EQ(none.run(*plugin), 401);
  EXPECT_EQ(none.response.body, R"({"message":"No API key found in request"})");
  EXPECT_EQ(none.response.headers.at(0).second, "Key realm=\"shop\"");
  ExchangeForTest wrong({{"apikey", "other"}});
  add_key(wrong);
  EXPECT_EQ(wrong.run(*plugin), 401);
  EXPECT_EQ(wrong.response.body, R"({"message":"Unauthorized"})");
  ExchangeForTest twice({{"apikey", "secret"}, {"apikey", "secret"}});
  add_key(twice);
  EXPECT_EQ(twice.run(*plugin), 401);
  EXPECT_EQ(twice.response.body, R"({"message":"Duplicate API key found"})");
}

TEST(KeyAuth, AnonymousAndBodies) {
  ExchangeForTest test;
  test.consumer("c9", "nobody");
  EXPECT_EQ(test.run(*made(&make, R"({"anonymous":"nobody"})")), 0);
  EXPECT_EQ(test.header("x-anonymous-consumer"), "true");
  EXPECT_EQ(test.header("x-consumer-username"), "nobody");
  EXPECT_EQ(ExchangeForTest().run(*made(&make, R"({"anonymous":"missing"})")), 500);
  ExchangeForTest body({{"Content-Type", "application/json"}});
  add_key(body);
  body.exchange.body = R"({"apikey":"secret","x":1})";
  const auto plugin = made(&make, R"({"key_in_body":true,"hide_credentials":true})");
  EXPECT_TRUE(plugin->reads_body(body.exchange));
  EXPECT_EQ(body.run(*plugin), 0);
  EXPECT_EQ(*body.exchange.body, R"({"x":1})");
}

TEST(KeyAuth, HidesEveryCopy) {
  const auto plugin =
      made(&make, R"({"key_names":["apikey","x-key"],"key_in_body":true,"hide_credentials":true})");
  ExchangeForTest test({{"X-Key", "secret"}, {"Content-Type", "application/json"}},
                       "x-key=secret&a=1&apikey=old");
  add_key(test);
  test.exchange.body = R"({"apikey":"old","n":1e400,"x-key":["secret"]})";
  EXPECT_EQ(test.run(*plugin), 401);  // "old"
  EXPECT_EQ(test.exchange.current_query(), "a=1");
  EXPECT_EQ(test.header("x-key"), "(none)");
  EXPECT_EQ(*test.exchange.body, R"({"n":1e400})");
  ExchangeForTest form(
      {{"apikey", "secret"}, {"Content-Type", "application/x-www-form-urlencoded"}}, "a=%41");
  add_key(form);
  form.exchange.body = "apikey=secret&b=%42";
  EXPECT_EQ(form.run(*plugin), 0);
  EXPECT_EQ(*form.exchange.body, "b=%42");
  EXPECT_FALSE(form.exchange.new_query);
}

TEST(KeyAuth, ReadsBodiesForWhatMayBeInThem) {
  auto reads = [](std::string_view config, std::vector<http::Header> fields) {
    return made(&make, config)->reads_body(ExchangeForTest(std::move(fields)).exchange);
  };
  const http::Header json{"Content-Type", "application/json"};
  constexpr const char* kInBody = R"({"key_in_body":true})";
  EXPECT_TRUE(reads(kInBody, {json}));
  EXPECT_FALSE(reads("{}", {json}));
  EXPECT_FALSE(reads(kInBody, {}));
  EXPECT_FALSE(reads(kInBody, {{"Content-Type", "text/plain"}}));
  EXPECT_FALSE(reads(kInBody, {json, {"apikey", "k"}}));
  EXPECT_TRUE(reads(R"({"key_in_body":true,"hide_credentials":true})", {json, {"apikey", "k"}}));
}

}  // namespace
}  // namespace sallyport::plugins::key_auth
