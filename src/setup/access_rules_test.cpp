#include "setup/access_rules.h"

#include <gtest/gtest.h>

#include "setup/managed_block.h"

namespace sallyport::setup {
namespace {

TEST(AccessRules, WritesOneLineForEachMethod) {
  AccessRules rules;
  EXPECT_EQ(hba_lines(rules), "hostssl kong kong all cert\nhostnossl kong kong all reject\n");
  rules.method = Method::scram_verify_ca;
  rules.reject_plain = false;
  EXPECT_EQ(hba_lines(rules), "hostssl kong kong all scram-sha-256 clientcert=verify-ca\n");
  rules.method = Method::trust_verify_full;
  rules.roles = {"kong", "kong ro"};
  rules.addresses = {"10.0.0.0/8"};
  EXPECT_EQ(hba_lines(rules),
            "hostssl kong kong,\"kong ro\" 10.0.0.0/8 trust clientcert=verify-full\n");
}

TEST(AccessRules, AMapNeedsCertAndKeepsTheRoleItself) {
  AccessRules rules;
  rules.map = {{"/^gateway-[0-9]+$", "kong"}};
  ASSERT_TRUE(check(rules));
  EXPECT_NE(hba_lines(rules).find("cert map=sallyport"), std::string::npos);
  EXPECT_EQ(ident_lines(rules), "sallyport \"/^gateway-[0-9]+$\" kong\nsallyport kong kong\n");
  rules.method = Method::trust_verify_full;
  EXPECT_EQ(check(rules).error().code, "setup.map");
}

TEST(AccessRules, RefusesAddressesThatTheServerWouldRefuse) {
  AccessRules rules;
  for (const char* good : {"all", "samenet", "10.0.0.0/8", "fd00::/8", "db.example.com"}) {
    rules.addresses = {good};
    EXPECT_TRUE(check(rules)) << good;
  }
  for (const char* bad : {"", "10.0.0.1", "10.0.0.0/33", "::1", "a b"}) {
    rules.addresses = {bad};
    EXPECT_FALSE(check(rules)) << bad;
  }
}

TEST(AccessRules, FindsWeakerLinesBehindOurs) {
  AccessRules rules;
  auto found = weaker_lines(
      "local all all peer\nhost all all 127.0.0.1/32 scram-sha-256\n"
      "hostssl other kong all trust\nhostssl kong all 0.0.0.0 0.0.0.0 md5\n# host all all all "
      "md5\n",
      rules);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[1], "hostssl kong all 0.0.0.0 0.0.0.0 md5");
}

TEST(AccessRules, FindsLinesThatMayMatchFirst) {
  AccessRules rules;
  auto found = matching_lines(
      "local all all trust\nhost kong kong all reject\nhost all +staff all md5\nhost other kong "
      "all "
      "md5\nhost kong other all md5\ninclude_dir more\nhost sameuser kong all md5\n",
      rules);
  EXPECT_EQ(found.size(), 4u);
  EXPECT_TRUE(covers_all(rules));
  rules.addresses = {"10.0.0.0/8"};
  EXPECT_FALSE(covers_all(rules));
  for (const char* here :
       {"all", "samenet", "127.0.0.1/32", "127.0.0.0/8", "0.0.0.0/0", "::1/128"}) {
    rules.addresses = {"10.0.0.0/8", here};
    EXPECT_TRUE(covers_loopback(rules)) << here;
  }
  for (const char* elsewhere : {"10.0.0.0/8", "127.0.0.2/32", "fd00::/8", "db.example.com"}) {
    rules.addresses = {elsewhere};
    EXPECT_FALSE(covers_loopback(rules)) << elsewhere;
  }
}

TEST(ManagedBlock, KnowsWhatIsInFrontOfIt) {
  EXPECT_EQ(before_block(with_block("a\n", "x\n", Place::bottom)), "a\n");
  EXPECT_EQ(before_block(with_block("a\n", "x\n", Place::top)), "");
  EXPECT_EQ(before_block("a\n"), "");
}

TEST(ManagedBlock, IsReplacedAndRemovedAsAWhole) {
  std::string once = with_block("a\nb", "x\n", Place::bottom);
  EXPECT_EQ(block_of(once), "x\n");
  std::string twice = with_block(once, "y\nz\n", Place::top);
  EXPECT_EQ(block_of(twice), "y\nz\n");
  EXPECT_EQ(without_block(twice), "a\nb\n");
  EXPECT_EQ(with_block(twice, "", Place::top), "a\nb\n");
  EXPECT_TRUE(with_block("a\n", "x\n", Place::top).starts_with("# >>> sallyport"));
}

}  // namespace
}  // namespace sallyport::setup
