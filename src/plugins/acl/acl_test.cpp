#include "plugins/acl/acl.h"

#include "plugin/exchange_for_test.h"

namespace sallyport::plugins::acl {
namespace {

using plugin::ExchangeForTest;
using plugin::made;

TEST(Acl, Groups) {
  const auto allow = made(&make, R"({"allow":["admins"]})");
  const auto deny = made(&make, R"({"deny":["banned"],"hide_groups_header":true})");
  EXPECT_EQ(ExchangeForTest().run(*allow), 401);
  ExchangeForTest test({{"X-Consumer-Groups", "forged"}});
  const auto alice = test.consumer("c1", "alice");
  test.exchange.consumer = alice.get();
  EXPECT_EQ(test.run(*allow), 403);
  EXPECT_EQ(test.response.body, R"({"message":"You cannot consume this service"})");
  EXPECT_EQ(test.run(*deny), 0);
  EXPECT_EQ(test.header("x-consumer-groups"), "(none)");
  test.identities.add(model::AclGroup{"g1", "c1", "banned"});
  test.identities.add(model::AclGroup{"g2", "c1", "admins"});
  EXPECT_EQ(test.run(*deny), 403);
  EXPECT_EQ(test.run(*allow), 0);
  EXPECT_EQ(test.header("x-consumer-groups"), "admins, banned");
}

}  // namespace
}  // namespace sallyport::plugins::acl
