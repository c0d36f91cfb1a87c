#include "plugins/basic_auth/basic_auth.h"

#include "base/text.h"
#include "plugin/exchange_for_test.h"

namespace sallyport::plugins::basic_auth {
namespace {

using plugin::ExchangeForTest;
using plugin::made;

// What Kong stores for "secret" of consumer "c1": SHA-1 of "secretc1".
constexpr const char* kStored = "8a6b7cf9f8dca3370be893c1cc42ce5281a843f8";

int ask(const std::string& field, ExchangeForTest& test, const std::string& config = "{}") {
  test.exchange.headers.set("Authorization", field);
  return test.run(*made(&make, config));
}

TEST(BasicAuth, TakesWhatKongStored) {
  ExchangeForTest test;
  test.consumer("c1", "alice");
  test.identities.add(std::make_shared<const model::BasicCredential>(
      model::BasicCredential{"b1", "c1", "al", kStored}));
  EXPECT_EQ(ask("basic " + text::base64("al:secret"), test, R"({"hide_credentials":true})"), 0);
  EXPECT_EQ(test.header("x-credential-identifier"), "al");
  EXPECT_EQ(test.header("x-consumer-username"), "alice");
  EXPECT_EQ(test.header("authorization"), "(none)");
}

TEST(BasicAuth, HidesTheSameInBothFields) {
  ExchangeForTest test;
  test.consumer("c1", "alice");
  test.identities.add(std::make_shared<const model::BasicCredential>(
      model::BasicCredential{"b1", "c1", "al", kStored}));
  const std::string field = "Basic " + text::base64("al:secret");
  test.exchange.headers.set("Proxy-Authorization", field);
  EXPECT_EQ(ask(field, test, R"({"hide_credentials":true})"), 0);
  EXPECT_EQ(test.header("authorization"), "(none)");
  EXPECT_EQ(test.header("proxy-authorization"), "(none)");
  test.exchange.headers.set("Proxy-Authorization", field);
  EXPECT_EQ(ask("Bearer upstream", test, R"({"hide_credentials":true})"), 0);
  EXPECT_EQ(test.header("authorization"), "Bearer upstream");
}

TEST(BasicAuth, Refusals) {
  ExchangeForTest test;
  test.consumer("c1", "alice");
  test.identities.add(std::make_shared<const model::BasicCredential>(
      model::BasicCredential{"b1", "c1", "al", kStored}));
  EXPECT_EQ(ask("Basic " + text::base64("al:wrong"), test), 401);
  EXPECT_EQ(test.response.headers.at(0).second, "Basic realm=\"service\"");
  EXPECT_EQ(ask("Basic " + text::base64("bob:secret"), test), 401);
  EXPECT_EQ(ask("Basic !!!", test), 401);
  EXPECT_EQ(ask("Bearer x", test), 401);
  EXPECT_EQ(ask("Basic", test), 401);
  EXPECT_EQ(test.exchange.consumer, nullptr);
}

}  // namespace
}  // namespace sallyport::plugins::basic_auth
