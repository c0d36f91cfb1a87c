#include "net/tls_policy.h"

#include <gtest/gtest.h>

#include "net/tls.h"

namespace sallyport::net {
namespace {

std::string fault(TlsPolicy policy) {
  const auto made = TlsContext::server({.certificate = {}, .policy = std::move(policy)});
  return made ? "" : made.error().text();
}

TEST(TlsPolicy, EveryNamedSetHolds) {
  for (const char* suite : {"modern", "intermediate", "old", "fips"}) {
    EXPECT_EQ(fault(named_policy(suite, {})), "") << suite;
  }
}

TEST(TlsPolicy, NamedSetsWinOverTheirParts) {
  const TlsPolicy custom{.protocols = "TLSv1.1", .ciphers = "NULL", .tickets = false};
  EXPECT_EQ(named_policy("modern", custom).protocols, "TLSv1.3");
  EXPECT_FALSE(named_policy("modern", custom).tickets);
  EXPECT_EQ(named_policy("custom", custom).ciphers, "NULL");
}

TEST(TlsPolicy, FaultsNameTheSetting) {
  EXPECT_EQ(fault({.protocols = "TLSv1.4"}),
            "ssl_protocols: there is no TLS version 'TLSv1.4'. use TLSv1.2 TLSv1.3");
  EXPECT_EQ(fault({.protocols = " "}),
            "ssl_protocols: no version of TLS is allowed. use TLSv1.2 TLSv1.3");
  EXPECT_TRUE(fault({.ciphers = "no-such-cipher"}).starts_with("ssl_ciphers: "));
  EXPECT_TRUE(fault({.ciphers = "TLS_NO_SUCH"}).starts_with("ssl_ciphers: "));
  EXPECT_TRUE(fault({.dh_parameters = "ffdhe1"}).starts_with("ssl_dhparam: "));
  EXPECT_EQ(fault({.dh_parameters = "ffdhe3072"}), "");
}

TEST(TlsPolicy, AllFaultsAreFoundAtOnce) {
  EXPECT_TRUE(faults_of(TlsPolicy{}).empty());
  const auto faults =
      faults_of({.protocols = "TLSv1.4", .ciphers = "no-such-cipher", .dh_parameters = "ffdhe1"});
  ASSERT_EQ(faults.size(), 3U);
  EXPECT_TRUE(faults[0].text().starts_with("ssl_protocols: "));
  EXPECT_TRUE(faults[1].text().starts_with("ssl_ciphers: "));
  EXPECT_TRUE(faults[2].text().starts_with("ssl_dhparam: "));
  EXPECT_TRUE(faults_of("TLSv1.2", "lua_ssl_protocols").empty());
  ASSERT_EQ(faults_of("TLSv9", "lua_ssl_protocols").size(), 1U);
  EXPECT_TRUE(faults_of("", "lua_ssl_protocols")[0].text().starts_with("lua_ssl_protocols: "));
}

}  // namespace
}  // namespace sallyport::net
