#include "net/sni_table.h"

#include <gtest/gtest.h>

namespace sallyport::net {
namespace {

class SniTableTest : public testing::Test {
 protected:
  const ServerCertificate* add(std::string_view name) {
    auto certificate = std::make_shared<const ServerCertificate>();
    const ServerCertificate* raw = certificate.get();
    table_.add(name, std::move(certificate));
    return raw;
  }
  SniTable table_;
};

TEST_F(SniTableTest, IsEmptyAtFirst) {
  EXPECT_TRUE(table_.empty());
  EXPECT_EQ(table_.find("a.test"), nullptr);
  EXPECT_EQ(table_.find(""), nullptr);
}

TEST_F(SniTableTest, PrefersTheMoreExactName) {
  const auto* any = add("*");
  const auto* right = add("www.example.*");
  const auto* left = add("*.example.com");
  const auto* exact = add("www.example.com");
  EXPECT_EQ(table_.find("www.example.com"), exact);
  EXPECT_EQ(table_.find("api.example.com"), left);
  EXPECT_EQ(table_.find("www.example.org"), right);
  EXPECT_EQ(table_.find("example.com"), any);
  EXPECT_EQ(table_.find(""), any);
}

TEST_F(SniTableTest, LeftWildcardComesBeforeRightOne) {
  add("a.example.*");
  const auto* left = add("*.example.com");
  EXPECT_EQ(table_.find("a.example.com"), left);
}

TEST_F(SniTableTest, AWildcardStandsForOneLabel) {
  add("*.example.com");
  add("example.*");
  EXPECT_EQ(table_.find("a.b.example.com"), nullptr);
  EXPECT_EQ(table_.find("example.com"), table_.find("example.org"));
  EXPECT_EQ(table_.find("example.co.uk"), nullptr);
  EXPECT_EQ(table_.find("example"), nullptr);
}

TEST_F(SniTableTest, IgnoresTheCaseOfLetters) {
  const auto* exact = add("API.example.com");
  EXPECT_EQ(table_.find("api.EXAMPLE.com"), exact);
}

TEST_F(SniTableTest, AClientCannotNameAWildcard) {
  add("*.example.com");
  EXPECT_EQ(table_.find("*.example.com"), nullptr);
  const auto* any = add("*");
  EXPECT_EQ(table_.find("*.example.com"), any);
  EXPECT_EQ(table_.find("*"), any);
}

TEST_F(SniTableTest, OddNamesFindNothing) {
  add("*.example.com");
  for (const char* name : {".", "..", ".example.com.", "example.com.", "com"}) {
    EXPECT_EQ(table_.find(name), nullptr) << name;
  }
}

}  // namespace
}  // namespace sallyport::net
