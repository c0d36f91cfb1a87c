#include "plugins/ip_restriction/ip_restriction.h"

#include "plugin/exchange_for_test.h"

namespace sallyport::plugins::ip_restriction {
namespace {

using plugin::ExchangeForTest;
using plugin::made;

TEST(IpRestriction, AllowAndDeny) {
  ExchangeForTest test;  // 10.1.2.3
  EXPECT_EQ(test.run(*made(&make, R"({"allow":["10.0.0.0/8"]})")), 0);
  EXPECT_EQ(test.run(*made(&make, R"({"allow":["10.0.0.0/8"],"deny":["10.1.2.3"]})")), 403);
  EXPECT_EQ(test.response.body, R"({"message":"IP address not allowed: 10.1.2.3"})");
  EXPECT_EQ(test.run(*made(&make, R"({"allow":["::1"],"status":405,"message":"no"})")), 405);
  EXPECT_EQ(test.response.body, R"({"message":"no"})");
  EXPECT_EQ(test.run(*made(&make, R"({"deny":["192.168.0.0/16"]})")), 0);
  test.exchange.client_ip = "unix:";
  EXPECT_EQ(test.run(*made(&make, R"({"deny":["192.168.0.0/16"]})")), 403);
}

TEST(IpRestriction, ConnectionsToo) {
  const auto plugin = made(&make, R"({"allow":["10.0.0.0/8"],"deny":["10.1.2.3"]})");
  EXPECT_EQ(plugin->admit({.client_ip = "10.0.0.1"}), "");
  EXPECT_EQ(plugin->admit({.client_ip = "10.1.2.3"}), "IP address not allowed: 10.1.2.3");
  EXPECT_NE(plugin->admit({.client_ip = "192.168.0.1"}), "");
  EXPECT_NE(plugin->admit({.client_ip = "unix:"}), "");
}

TEST(IpRestriction, NonsenseIsAFault) {
  const Json config = parse_json(R"({"deny":["10.0.0.0/33"]})");
  EXPECT_FALSE(make({.id = "p", .config = config}).has_value());
}

}  // namespace
}  // namespace sallyport::plugins::ip_restriction
