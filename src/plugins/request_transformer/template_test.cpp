#include "plugins/request_transformer/template.h"

#include "plugin/exchange_for_test.h"

namespace sallyport::plugins::request_transformer {
namespace {

TEST(Template, FillsIn) {
  plugin::ExchangeForTest test({{"X-Name", "n"}}, "q=a%20b");
  test.exchange.captures = {{"id", "7"}, {"1", "7"}};
  auto fill = [&](std::string_view text) {
    return Template(text).fill(test.exchange).value_or("(nothing)");
  };
  EXPECT_EQ(fill("plain"), "plain");
  EXPECT_EQ(fill(""), "");
  EXPECT_EQ(fill("$(headers.x_name)-$(headers[\"x-name\"])"), "n-n");
  EXPECT_EQ(fill("$(query_params.q)"), "a b");
  EXPECT_EQ(fill("/$(uri_captures.id)/$(uri_captures.1)"), "/7/7");
  EXPECT_EQ(fill("$(headers.none or \"x\")"), "x");
  EXPECT_EQ(fill("$(headers.none or query_params.q)"), "a b");
  EXPECT_EQ(fill("$(headers.none)"), "(nothing)");
  EXPECT_EQ(fill("a$(headers.none)b"), "ab");
  EXPECT_EQ(fill("$$(headers.x-name)"), "$(headers.x-name)");
  EXPECT_EQ(fill("$(unclosed"), "$(unclosed");
  EXPECT_EQ(fill("$()"), "");
}

}  // namespace
}  // namespace sallyport::plugins::request_transformer
