#include "plugins/cors/cors.h"

#include "plugin/exchange_for_test.h"

namespace sallyport::plugins::cors {
namespace {

using plugin::ExchangeForTest;
using plugin::made;

// The origin that a request of `origin` is told to be allowed; "" for none.
std::string allowed(std::string_view config, std::string_view origin) {
  ExchangeForTest test({{"Origin", origin}});
  const auto plugin = made(&make, config);
  EXPECT_EQ(test.run(*plugin), 0);
  plugin->header_filter(test.exchange);
  EXPECT_EQ(test.exchange.response_headers.get("Vary"), "Origin");
  return std::string(
      test.exchange.response_headers.get("Access-Control-Allow-Origin").value_or(""));
}

TEST(Cors, PatternsAreOfTheHostOrOfTheOrigin) {
  constexpr const char* kHost = R"({"origins":["(www|api)\\.a\\.test"]})";
  EXPECT_EQ(allowed(kHost, "http://www.a.test"), "http://www.a.test");
  EXPECT_EQ(allowed(kHost, "https://api.a.test:8443"), "https://api.a.test:8443");
  for (const char* origin :
       {"http://x.www.a.test", "http://www.a.test.evil", "http://a.test", "null"}) {
    EXPECT_EQ(allowed(kHost, origin), "") << origin;
  }
  constexpr const char* kWhole = R"({"origins":["^https?://a\\.test$"]})";
  EXPECT_EQ(allowed(kWhole, "http://a.test"), "http://a.test");
  EXPECT_EQ(allowed(kWhole, "https://a.test:443"), "https://a.test");
  EXPECT_EQ(allowed(kWhole, "https://a.test:80"), "");
  constexpr const char* kEither = R"({"origins":["http://a|http://ab"]})";
  EXPECT_EQ(allowed(kEither, "http://ab"), "http://ab");
  EXPECT_EQ(allowed(kEither, "http://abc"), "");
}

TEST(Cors, UsualPortsAreNone) {
  constexpr const char* kConfig = R"({"origins":["http://a.test:80","https://b.test"]})";
  EXPECT_EQ(allowed(kConfig, "http://a.test"), "http://a.test");
  EXPECT_EQ(allowed(kConfig, "https://b.test:443"), "https://b.test");
  EXPECT_EQ(allowed(kConfig, "https://b.test:80"), "");
  EXPECT_EQ(allowed(kConfig, "http://b.test"), "");
}

TEST(Cors, PreflightsOfOthersAreToldTheRest) {
  ExchangeForTest test({{"Origin", "http://c.test"}, {"Access-Control-Request-Method", "PUT"}});
  test.exchange.method = "OPTIONS";
  const auto plugin =
      made(&make, R"({"origins":["http://a.test","http://b.test"],"methods":["GET","PUT"],
                      "headers":["X-A"],"max_age":5})");
  ASSERT_EQ(test.run(*plugin), 200);
  EXPECT_EQ(test.response.headers, (std::vector<std::pair<std::string, std::string>>{
                                       {"Vary", "Origin"},
                                       {"Access-Control-Allow-Headers", "X-A"},
                                       {"Access-Control-Allow-Methods", "GET,PUT"},
                                       {"Access-Control-Max-Age", "5"}}));
}

}  // namespace
}  // namespace sallyport::plugins::cors
