#include "postgres/link_settings.h"

#include <gmock/gmock.h>

#include "conf/loader.h"
#include "postgres/testing/certificates.h"

namespace sallyport::postgres {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Result<LinkSettings> from(const std::string& text, LinkRole role = LinkRole::main) {
  TestDirectory directory;
  conf::Sources sources;
  sources.path = directory.write("kong.conf", text);
  sources.environment = [](const char*) -> const char* { return nullptr; };
  conf::Loaded loaded = conf::load(sources);
  for (const conf::Fault& fault : loaded.faults) {
    return fail("conf.fault", Side::config, fault.text());
  }
  return link_settings(loaded.settings, role);
}

TEST(LinkSettings, HaveKongsDefaults) {
  auto link = from("");
  ASSERT_TRUE(link) << link.error().text();
  EXPECT_THAT(link->hosts, ElementsAre("127.0.0.1"));
  EXPECT_EQ(link->port, 5432);
  EXPECT_EQ(link->timeout, Milliseconds(5000));
  EXPECT_EQ(link->user, "kong");
  EXPECT_FALSE(link->ssl || link->ssl_required || link->verify);
  EXPECT_TRUE(link->verify_host);
  EXPECT_EQ(link->version, TlsVersion::tls1_2);
  EXPECT_THAT(link->trusted, ElementsAre("system"));
  EXPECT_EQ(link->verify_depth, 1);
}

TEST(LinkSettings, ReadEverything) {
  auto link = from(
      "pg_host = db1, [::1]\npg_port = 6432\npg_timeout = 700\npg_user = u\npg_password = p\\#1\n"
      "pg_database = d\npg_schema = s\npg_ssl = on\npg_ssl_required = on\npg_ssl_verify = on\n"
      "pg_ssl_verify_host = off\npg_ssl_version = any\npg_ssl_cert = /c\npg_ssl_cert_key = /k\n"
      "pg_ssl_crl = /r\npg_channel_binding = require\npg_max_conn_age = 60\n"
      "lua_ssl_trusted_certificate = system,/x\nlua_ssl_verify_depth = 3\ndns_hostsfile = /h\n");
  ASSERT_TRUE(link) << link.error().text();
  EXPECT_THAT(link->hosts, ElementsAre("db1", "::1"));
  EXPECT_EQ(link->port, 6432);
  EXPECT_EQ(link->timeout, Milliseconds(700));
  EXPECT_EQ(link->password.reveal(), "p#1");
  EXPECT_EQ(link->schema, "s");
  EXPECT_TRUE(link->ssl && link->ssl_required && link->verify);
  EXPECT_FALSE(link->verify_host);
  EXPECT_EQ(link->version, TlsVersion::any);
  EXPECT_EQ(link->channel_binding, ChannelBinding::require);
  EXPECT_EQ(link->verify_depth, 3);
  EXPECT_EQ(link->hosts_file, "/h");
  EXPECT_EQ(link->max_age, std::chrono::seconds(60));
}

TEST(LinkSettings, TheReadOnlyLinkInheritsBooleansToo) {
  auto link = from(
      "pg_ssl = on\npg_ssl_required = on\npg_ssl_verify = on\npg_ssl_verify_host = off\n"
      "pg_ro_host = replica\npg_ro_port = 7000\npg_user = u\n",
      LinkRole::read_only);
  ASSERT_TRUE(link) << link.error().text();
  EXPECT_THAT(link->hosts, ElementsAre("replica"));
  EXPECT_EQ(link->port, 7000);
  EXPECT_EQ(link->user, "u");
  EXPECT_TRUE(link->ssl && link->ssl_required && link->verify);
  EXPECT_FALSE(link->verify_host);
}

TEST(LinkSettings, RefuseContradictions) {
  auto expect = [](const std::string& text, const char* words) {
    auto link = from(text);
    ASSERT_FALSE(link) << text;
    EXPECT_THAT(link.error().text(), HasSubstr(words));
  };
  expect("pg_channel_binding = require\n", "channel binding required");
  expect("pg_ssl = on\npg_ssl_cert = /c\n", "pg_ssl_cert_key");
  expect("pg_ssl = on\npg_ssl_cert_key = /k\n", "pg_ssl_cert");
  expect("pg_ssl = on\npg_ssl_crl = /r\n", "pg_ssl_verify");
  expect("pg_host = /var/run\n", "pg_host");
}

TEST(LinkSettings, SettingNames) {
  EXPECT_EQ(setting_name(LinkRole::main, "pg_ssl_crl"), "pg_ssl_crl");
  EXPECT_EQ(setting_name(LinkRole::read_only, "pg_ssl_crl"), "pg_ro_ssl_crl");
  EXPECT_EQ(setting_name(LinkRole::read_only, "lua_ssl_verify_depth"), "lua_ssl_verify_depth");
}

}  // namespace
}  // namespace sallyport::postgres
