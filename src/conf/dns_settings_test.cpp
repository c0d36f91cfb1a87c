#include "conf/dns_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "conf/load_for_test.h"

namespace sallyport::conf {
namespace {

using testing::ElementsAre;
using testing::Not;

constexpr const char* kBoth =
    "dns_hostsfile = /old\ndns_resolver = 10.0.0.1\ndns_order = A\ndns_stale_ttl = 7\n"
    "resolver_hosts_file = /new\nresolver_address = 10.0.0.2:53\nresolver_family = A,AAAA,srv\n"
    "resolver_valid_ttl = 2\nresolver_stale_ttl = 3\nresolver_error_ttl = 4\n"
    "resolver_lru_cache_size = 500\n";

TEST(DnsSettings, AreThoseOfTheClientThatIsOn) {
  const Loaded old = load_for_test(kBoth);
  DnsSettings dns = DnsSettings::of(old.settings);
  EXPECT_EQ(dns.hosts_file, "/old");
  EXPECT_THAT(dns.servers, ElementsAre("10.0.0.1"));
  EXPECT_THAT(dns.order, ElementsAre("A"));
  EXPECT_EQ(dns.stale_ttl_s, 7);
  EXPECT_EQ(dns.not_found_ttl_s, 30);

  const Loaded newer = load_for_test(std::string(kBoth) + "new_dns_client = on\n");
  EXPECT_THAT(warnings_of(newer), Not(testing::HasSubstr("resolver_")));
  EXPECT_THAT(warnings_of(newer), Not(testing::HasSubstr("new_dns_client")));
  dns = DnsSettings::of(newer.settings);
  EXPECT_EQ(dns.hosts_file, "/new");
  EXPECT_THAT(dns.servers, ElementsAre("10.0.0.2:53"));
  EXPECT_THAT(dns.order, ElementsAre("LAST", "SRV", "A", "AAAA"));
  EXPECT_EQ(dns.valid_ttl_s, 2);
  EXPECT_EQ(dns.stale_ttl_s, 3);
  EXPECT_EQ(dns.not_found_ttl_s, 4);
  EXPECT_EQ(dns.error_ttl_s, 4);
  EXPECT_EQ(dns.cache_size, 500);
}

TEST(DnsSettings, OfTheNewerClientHaveItsDefaults) {
  const Loaded loaded = load_for_test("new_dns_client = on\ndns_resolver = 10.0.0.1\n");
  const DnsSettings dns = DnsSettings::of(loaded.settings);
  EXPECT_EQ(dns.hosts_file, "/etc/hosts");
  EXPECT_TRUE(dns.servers.empty());
  EXPECT_THAT(dns.order, ElementsAre("LAST", "SRV", "A"));
  EXPECT_EQ(dns.valid_ttl_s, 0);
  EXPECT_EQ(dns.stale_ttl_s, 3600);
  EXPECT_EQ(dns.error_ttl_s, 1);
}

}  // namespace
}  // namespace sallyport::conf
