#include "conf/cross_checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "conf/load_for_test.h"

namespace sallyport::conf {
namespace {

using testing::HasSubstr;

std::string faults(const std::string& content) {
  return faults_of(load_for_test(content));
}
std::string warnings(const std::string& content) {
  Loaded loaded = load_for_test(content);
  EXPECT_EQ(faults_of(loaded), "");
  return warnings_of(loaded);
}

constexpr const char* kSafe = "pg_ssl = on\npg_ssl_required = on\npg_ssl_verify = on\n";

TEST(CrossChecks, AcceptTheSafeSettings) {
  EXPECT_EQ(warnings(kSafe), "");
  EXPECT_EQ(warnings(std::string(kSafe) + "pg_ssl_cert = /c\npg_ssl_cert_key = /k\n"
                                          "pg_ssl_crl = /r\npg_channel_binding = require\n"),
            "");
  EXPECT_EQ(warnings("pg_ssl = on\n"), "");
}

TEST(CrossChecks, SayThatANamedSuiteHasVersionsOfItsOwn) {
  EXPECT_THAT(warnings("ssl_protocols = TLSv1.3\n"),
              HasSubstr("ssl_protocols: is not used: ssl_cipher_suite = intermediate has its own"));
  EXPECT_EQ(warnings("ssl_protocols = TLSv1.3\nssl_cipher_suite = custom\n"), "");
}

TEST(CrossChecks, WantCertificateAndKeyTogether) {
  EXPECT_THAT(faults("pg_ssl_cert = /c\n"), HasSubstr("1: pg_ssl_cert: is written without"));
  EXPECT_THAT(faults("pg_ssl_cert_key = /k\n"),
              HasSubstr("1: pg_ssl_cert_key: is written without"));
  std::string main =
      std::string(kSafe) + "pg_ssl_cert = /c\npg_ssl_cert_key = /k\npg_ro_host = r\n";
  EXPECT_EQ(faults(main), "");
  EXPECT_EQ(faults(main + "pg_ro_ssl_cert = /c2\npg_ro_ssl_cert_key = /k2\n"), "");
  EXPECT_THAT(faults(main + "pg_ro_ssl_cert = /c2\n"),
              HasSubstr("7: pg_ro_ssl_cert: is written without pg_ro_ssl_cert_key"));
  EXPECT_THAT(faults("ssl_cert = /a, /b\nssl_cert_key = /c\n"),
              HasSubstr("1: ssl_cert: names 2 certificates, ssl_cert_key names 1 key"));
  EXPECT_THAT(faults("admin_ssl_cert_key = /c\n"),
              HasSubstr("admin_ssl_cert_key: names 1 key, admin_ssl_cert names 0"));
}

TEST(CrossChecks, NameTheHolesInTls) {
  EXPECT_THAT(warnings("pg_ssl = on\npg_ssl_verify = on\n"), HasSubstr("protects nothing"));
  EXPECT_THAT(warnings("pg_ssl_verify = on\n"), HasSubstr("means nothing while pg_ssl is off"));
  EXPECT_THAT(warnings("pg_ssl_required = on\n"), HasSubstr("means nothing while pg_ssl is off"));
  EXPECT_THAT(faults("pg_ssl = on\npg_ssl_crl = /r\n"), HasSubstr("is not looked at"));
  EXPECT_THAT(warnings("pg_ssl = on\npg_ssl_verify_host = on\n"), HasSubstr("checks nothing"));
  EXPECT_THAT(faults("pg_channel_binding = require\n"), HasSubstr("channel binding required"));
  EXPECT_THAT(faults("database = off\npg_channel_binding = require\n"), "");
}

TEST(CrossChecks, CheckTheReadOnlyLinkAsItInherits) {
  std::string both = std::string(kSafe) + "pg_ro_host = r\n";
  EXPECT_EQ(warnings(both), "");
  EXPECT_THAT(warnings(both + "pg_ro_ssl_required = off\n"),
              HasSubstr("protects nothing while pg_ro_ssl_required is off"));
  EXPECT_THAT(warnings("pg_ro_user = x\n"), HasSubstr("means nothing without pg_ro_host"));
}

TEST(CrossChecks, FindAddressesThatAreTakenTwice) {
  EXPECT_THAT(faults("proxy_listen = 127.0.0.1:1\nadmin_listen = 127.0.0.1:1 ssl\n"),
              HasSubstr("2: admin_listen: 127.0.0.1:1 belongs to proxy_listen already"));
  EXPECT_THAT(faults("proxy_listen = 127.0.0.1:8001\n"),
              HasSubstr("1: proxy_listen: 127.0.0.1:8001 belongs to admin_listen already"));
  EXPECT_THAT(faults("proxy_listen = 127.0.0.1:1, 127.0.0.1:1 ssl\n"),
              HasSubstr("127.0.0.1:1 is there twice"));
  EXPECT_THAT(warnings("proxy_listen = off\nadmin_listen = off\nstatus_listen = off\n"),
              HasSubstr("nothing listens"));
}

TEST(CrossChecks, TakeWorkersBeforeKongsWord) {
  EXPECT_THAT(warnings("workers = 2\nnginx_worker_processes = 3\n"),
              HasSubstr("1: workers: holds, and nginx_worker_processes = 3 does not"));
  EXPECT_EQ(warnings("nginx_worker_processes = 3\n"), "");
}

TEST(CrossChecks, AllowOneKindOfToken) {
  EXPECT_THAT(faults("pg_iam_auth = on\npg_gcp_auth = on\n"),
              HasSubstr("2: pg_gcp_auth: and pg_iam_auth exclude each other"));
}

TEST(CrossChecks, AskWhoReachesTheAdminApi) {
  for (const char* loopback :
       {"127.0.0.1:8001", "127.0.0.2:8001 ssl", "[::1]:8001", "unix:/run/admin.sock", "off"}) {
    EXPECT_EQ(warnings(std::string("admin_listen = ") + loopback + "\n"), "") << loopback;
  }
  const std::string open = "admin_listen = 127.0.0.1:8001, 0.0.0.0:8001\n";
  std::string said = faults(open);
  for (const char* remedy : {"1: admin_listen: 0.0.0.0:8001", "admin_ssl_client_ca",
                             "admin_access_token_file", "admin_allow_insecure = on"}) {
    EXPECT_THAT(said, HasSubstr(remedy));
  }
  for (const char* address : {"10.0.0.1:8001", "[::]:8001", "[fe80::1]:8001 ssl"}) {
    EXPECT_THAT(faults(std::string("admin_listen = ") + address + "\n"), HasSubstr("admin_listen"));
  }
  EXPECT_THAT(warnings(open + "admin_allow_insecure = on\n"), HasSubstr("own the gateway"));
  EXPECT_THAT(warnings(open + "admin_access_token_file = /t\n"), HasSubstr("add ssl"));
  // A certificate is asked for where there is TLS only.
  EXPECT_THAT(faults(open + "admin_ssl_client_ca = /ca\n"), HasSubstr("0.0.0.0:8001"));
  EXPECT_EQ(warnings("admin_listen = 0.0.0.0:8444 ssl\nadmin_ssl_client_ca = /ca\n"), "");
  EXPECT_EQ(warnings("admin_listen = 0.0.0.0:8444 ssl\nadmin_access_token_file = /t\n"), "");
  EXPECT_THAT(warnings("admin_listen = 127.0.0.1:8001\nadmin_ssl_client_ca = /ca\n"),
              HasSubstr("asks nobody"));
}

}  // namespace
}  // namespace sallyport::conf
