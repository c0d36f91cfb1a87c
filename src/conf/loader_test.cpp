// Where values come from, which one counts, and what is said about the rest.
#include "conf/loader.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/text.h"
#include "conf/load_for_test.h"

namespace sallyport::conf {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Loader, TakesTheLaterSource) {
  std::string file = "log_level = info\npg_user = file\npg_port = 1\n";
  Loaded loaded = load_for_test(file, {{"KONG_PG_USER", "environment"}, {"KONG_PG_PORT", "2"}},
                                {{"pg_port", "3"}});
  EXPECT_EQ(faults_of(loaded), "");
  const Settings& s = loaded.settings;
  EXPECT_EQ(s.string(Key::pg_database), "kong");
  EXPECT_EQ(s.origin(Key::pg_database), Origin::defaults);
  EXPECT_EQ(s.string(Key::log_level), "info");
  EXPECT_EQ(s.origin(Key::log_level), Origin::file);
  EXPECT_EQ(s.string(Key::pg_user), "environment");
  EXPECT_EQ(s.origin(Key::pg_user), Origin::environment);
  EXPECT_EQ(s.integer(Key::pg_port), 3);
  EXPECT_EQ(s.origin(Key::pg_port), Origin::command_line);
}

TEST(Loader, KeepsThePasswordAsText) {
  EXPECT_EQ(load_for_test("pg_password = 0123\n").settings.secret(Key::pg_password).reveal(),
            "0123");
  EXPECT_EQ(load_for_test("pg_password = 1e3\n").settings.secret(Key::pg_password).reveal(), "1e3");
  EXPECT_EQ(load_for_test("pg_password = \"a#b\"\n").settings.secret(Key::pg_password).reveal(),
            "a#b");
  EXPECT_EQ(load_for_test("pg_password = a\\#b # c\n").settings.secret(Key::pg_password).reveal(),
            "a#b");
  EXPECT_EQ(load_for_test("", {{"KONG_PG_PASSWORD", "a#b,\xff"}})
                .settings.secret(Key::pg_password)
                .reveal(),
            "a#b,\xff");
  EXPECT_EQ(load_for_test("pg_user = 007\n").settings.string(Key::pg_user), "007");
}

TEST(Loader, UnsetsWithAnEmptyVariable) {
  std::string file =
      "pg_password = x\npg_ssl = on\npg_host = db\npg_ro_host = ro\npg_ro_port = 7\n";
  Loaded loaded = load_for_test(file, {{"KONG_PG_PASSWORD", ""},
                                       {"KONG_PG_SSL", ""},
                                       {"KONG_PG_HOST", ""},
                                       {"KONG_PG_RO_PORT", ""}});
  EXPECT_EQ(faults_of(loaded), "");
  EXPECT_FALSE(loaded.settings.is_set(Key::pg_password));
  EXPECT_FALSE(loaded.settings.flag(Key::pg_ssl));
  EXPECT_THAT(loaded.settings.list(Key::pg_host), ElementsAre("127.0.0.1"));
  EXPECT_EQ(loaded.settings.integer(Key::pg_ro_port), 5432);
}

TEST(Loader, NamesTheKeyThatWasMeant) {
  Loaded loaded = load_for_test("pg_hst = x\nPG_HOST = y\nzzzzzz = 1\nenforce_rbac = on\n");
  ASSERT_EQ(loaded.faults.size(), 4u);
  EXPECT_EQ(loaded.faults[0].message, "unknown key, did you mean pg_host?");
  EXPECT_EQ(loaded.faults[1].message, "unknown key, did you mean pg_host?");
  EXPECT_THAT(loaded.faults[2].message, HasSubstr("docs/configuration.md"));
  EXPECT_THAT(loaded.faults[3].message, HasSubstr("Kong Enterprise"));
}

TEST(Loader, WarnsOfUnknownVariables) {
  Loaded loaded = load_for_test("", {{"KONG_PG_SLL", "on"},
                                     {"KONG_pg_ssl", "on"},
                                     {"KONG_VERSION", "3.10"},
                                     {"KONG_PROXY_SERVICE_HOST", "10.0.0.1"},
                                     {"KONG_NGINX_HTTP_GZIP", "on"},
                                     {"OTHER", "x"}});
  EXPECT_EQ(faults_of(loaded), "");
  EXPECT_EQ(warnings_of(loaded),
            "KONG_PG_SLL: is not read; did you mean KONG_PG_SSL?\n"
            "KONG_pg_ssl: is not read; did you mean KONG_PG_SSL?\n"
            "not read, for they name no setting: KONG_PROXY_SERVICE_HOST, KONG_VERSION\n"
            "known, but without effect in this version: nginx_http_gzip (KONG_NGINX_HTTP_GZIP)\n");
  EXPECT_FALSE(loaded.settings.flag(Key::pg_ssl));
}

TEST(Loader, ReportsAllFaultsAtOnceInTheOrderOfTheLines) {
  Loaded loaded = load_for_test(
      "pg_port = 70000\nnonsense\npg_ssl = yes\nfoo = bar\npg_ssl_version = tlsv1\n"
      "proxy_listen = here\npg_ssl_cert = /a\n",
      {{"KONG_LOG_LEVEL", "loud"}});
  EXPECT_EQ(
      faults_of(loaded),
      "KONG_LOG_LEVEL: unknown word 'loud'; accepted: debug, info, notice, warn, error, crit, "
      "alert, emerg\n"
      "1: pg_port: '70000' is out of range; accepted: 1 to 65535\n"
      "2: this is neither a comment nor 'key = value'\n"
      "3: pg_ssl: unknown word 'yes'; accepted: on, off, true, false\n"
      "4: foo: unknown key; docs/configuration.md lists the known ones\n"
      "5: pg_ssl_version: unknown word 'tlsv1'; accepted: tlsv1_1, "
      "tlsv1_2, tlsv1_3, any\n"
      "6: proxy_listen: 'here' is not ADDRESS:PORT\n"
      "7: pg_ssl_cert: is written without pg_ssl_cert_key; a client certificate needs both\n");
  EXPECT_EQ(Fault({"/etc/kong.conf", 3, "pg_ssl", "bad"}).text(), "/etc/kong.conf:3: pg_ssl: bad");
  EXPECT_EQ(Fault({"environment", 0, "KONG_PG_SSL", "bad"}).text(),
            "environment: KONG_PG_SSL: bad");
}

TEST(Loader, CutsTheListShortForAFileOfAnotherKind) {
  std::string file;
  for (int i = 0; i < 20000; ++i) file += fmt::format("key_{} = x\nnonsense\n", i);
  Loaded loaded = load_for_test(file);
  ASSERT_EQ(loaded.faults.size(), 101u);
  EXPECT_EQ(loaded.faults[0].line, 1);
  EXPECT_EQ(loaded.faults[100].message, "and 39900 more");
}

TEST(Loader, WarnsOfAKeyThatIsWrittenTwice) {
  Loaded loaded = load_for_test("pg_port = 1\npg_port = 2\n");
  EXPECT_EQ(warnings_of(loaded),
            "2: pg_port: is written twice; this line holds, line 1 does not\n");
  EXPECT_EQ(loaded.settings.integer(Key::pg_port), 2);
}

TEST(Loader, ReadsAliasesAndFormerNames) {
  Loaded loaded = load_for_test(
      "nginx_main_worker_processes = 3\nnginx_proxy_real_ip_header = X-Forwarded-For\n"
      "router_consistency = strict\nnginx_http_lua_ssl_crl = /crl.pem\n");
  EXPECT_EQ(faults_of(loaded), "");
  EXPECT_EQ(loaded.settings.integer(Key::workers), 3);
  EXPECT_EQ(loaded.settings.string(Key::real_ip_header), "X-Forwarded-For");
  EXPECT_EQ(loaded.settings.string(Key::pg_ssl_crl), "/crl.pem");
  EXPECT_THAT(warnings_of(loaded),
              HasSubstr("3: router_consistency: is now called worker_consistency"));
}

TEST(Loader, CollectsInjectedDirectivesAndNamesThemOnce) {
  Loaded loaded = load_for_test(
      "nginx_http_gzip = on\nnginx_stream_tcp_nodelay = on\nmem_cache_size = 1g\n"
      "vault_hcv_token = secret\nanonymous_reports = off\n");
  EXPECT_EQ(faults_of(loaded), "");
  EXPECT_THAT(loaded.settings.injected_nginx(),
              ElementsAre(testing::Pair("nginx_http_gzip", "on"),
                          testing::Pair("nginx_stream_tcp_nodelay", "on")));
  EXPECT_EQ(warnings_of(loaded),
            "known, but without effect in this version: mem_cache_size (line 3: the whole "
            "configuration is in memory), nginx_http_gzip (line 1), nginx_stream_tcp_nodelay (line "
            "2), vault_hcv_token (line 4)\n");
}

TEST(Loader, TakesQuotesOffOnceAndPerItem) {
  EXPECT_EQ(load_for_test("pg_user = \"a b\"\n").settings.string(Key::pg_user), "a b");
  EXPECT_EQ(load_for_test("pg_user = \"a\n").settings.string(Key::pg_user), "\"a");
  EXPECT_THAT(load_for_test("lua_ssl_trusted_certificate = \"/a\", '/b',,  /c ,\n")
                  .settings.list(Key::lua_ssl_trusted_certificate),
              ElementsAre("/a", "/b", "/c"));
  EXPECT_THAT(load_for_test("lua_ssl_trusted_certificate = \"/a, /b\"\n")
                  .settings.list(Key::lua_ssl_trusted_certificate),
              ElementsAre("/a", "/b"));
}

TEST(Loader, ResolvesVaultReferences) {
  Loaded loaded = load_for_test(
      "pg_password = {vault://env/pg-login/password}\npg_port = {vault://env/pg_login/port}\n"
      "pg_host = {vault://env/host-one}, b\ntrusted_ips = {vault://env/ips}\n",
      {{"PG_LOGIN", R"({"password":"p,#\"w","port":6432})"},
       {"HOST_ONE", "a"},
       {"IPS", "10.0.0.0/8, ::1"}});
  EXPECT_EQ(faults_of(loaded), "");
  EXPECT_EQ(loaded.settings.secret(Key::pg_password).reveal(), "p,#\"w");
  EXPECT_EQ(loaded.settings.integer(Key::pg_port), 6432);
  EXPECT_THAT(loaded.settings.list(Key::pg_host), ElementsAre("a", "b"));
  EXPECT_THAT(loaded.settings.list(Key::trusted_ips), ElementsAre("10.0.0.0/8", "::1"));
  EXPECT_EQ(loaded.settings.display(Key::pg_port), "{vault://env/pg_login/port}");
}

TEST(Loader, TakesAnEmptyVariableInAVaultForNoValue) {
  Loaded loaded =
      load_for_test("pg_ssl = {vault://env/e}\npg_ssl_cert = {vault://env/e}\n", {{"E", ""}});
  EXPECT_EQ(faults_of(loaded), "");
  EXPECT_FALSE(loaded.settings.is_set(Key::pg_ssl_cert));
}

TEST(Loader, NamesTheReferenceThatFailsAndNeverItsValue) {
  Loaded loaded = load_for_test(
      "pg_password = {vault://env/none}\npg_port = {vault://env/hush}\n"
      "pg_ssl = {vault://env/hush}\npg_host = {vault://env/hush}\nadmin_listen = "
      "{vault://env/hush}\n",
      {{"HUSH", "hunter 2"}});
  std::string faults = faults_of(loaded);
  EXPECT_EQ(loaded.faults.size(), 5u) << faults;
  EXPECT_THAT(faults, HasSubstr("1: pg_password: the environment variable NONE"));
  EXPECT_THAT(faults, HasSubstr("2: pg_port: the value is not a whole number"));
  EXPECT_EQ(faults.find("hunter"), std::string::npos) << faults;
}

TEST(Loader, PutsThePrefixBeforeNamesInTheVault) {
  Loaded loaded = load_for_test(
      "pg_user = {vault://env/user}\npg_database = {vault://env/user?prefix=B_}\n"
      "vault_env_prefix = a-\n",
      {{"A_USER", "one"}, {"B_USER", "two"}});
  EXPECT_EQ(faults_of(loaded), "");
  EXPECT_EQ(loaded.settings.string(Key::pg_user), "one");
  EXPECT_EQ(loaded.settings.string(Key::pg_database), "two");
}

TEST(Loader, RefusesWhatIsNoFile) {
  Sources sources;
  sources.environment = [](const char*) -> const char* { return nullptr; };
  for (const char* path : {"/nonexistent/kong.conf", "/tmp", "/dev/null"}) {
    sources.path = path;
    Loaded loaded = load(sources);
    ASSERT_EQ(loaded.faults.size(), 1u) << path;
    EXPECT_THAT(loaded.faults[0].text(), HasSubstr(path));
  }
}

TEST(Loader, ReadsAFileAndRefusesOneThatIsTooLarge) {
  std::string path = "/tmp/sallyport-conf-test-XXXXXX";
  close(mkstemp(path.data()));
  std::ofstream(path) << "pg_user = from_a_file\n";
  Sources sources;
  sources.path = path;
  EXPECT_EQ(load(sources).settings.string(Key::pg_user), "from_a_file");
  EXPECT_EQ(load(sources).path, path);
  std::ofstream(path) << std::string(5 << 20, '#');
  EXPECT_THAT(faults_of(load(sources)), HasSubstr("more than 4194304"));
  unlink(path.c_str());
}

TEST(Loader, ReadsTheProcessEnvironmentByDefault) {
  setenv("KONG_PG_DATABASE", "from_the_process", 1);
  setenv("KONG_PG_DATABSE", "typo", 1);
  Loaded loaded = load({});
  unsetenv("KONG_PG_DATABASE");
  unsetenv("KONG_PG_DATABSE");
  EXPECT_EQ(loaded.settings.string(Key::pg_database), "from_the_process");
  EXPECT_THAT(warnings_of(loaded), HasSubstr("did you mean KONG_PG_DATABASE?"));
}

TEST(Loader, MakesThePrefixAbsolute) {
  EXPECT_EQ(load_for_test("prefix = /a/b//\n").settings.string(Key::prefix), "/a/b");
  std::string here = std::filesystem::current_path();
  Loaded loaded = load_for_test("", {}, {{"prefix", "work"}});
  EXPECT_EQ(loaded.settings.string(Key::prefix), here + "/work");
  EXPECT_EQ(warnings_of(loaded), "");
  EXPECT_THAT(warnings_of(load_for_test("prefix = work\n")), HasSubstr("is not absolute"));
  EXPECT_EQ(load_for_test("").settings.string(Key::prefix), "/usr/local/kong");
}

TEST(Loader, SaysNothingThatATerminalWouldObey) {
  Loaded loaded = load_for_test("admin_listen = \x1b[2J\npg_host = a\x1b\n",
                                {{"KONG_\x1bX\xff", "1"}, {"KONG_PG_USER", "\xff"}});
  EXPECT_EQ(loaded.faults.size(), 3u);
  std::string all = faults_of(loaded) + warnings_of(loaded);
  EXPECT_EQ(all.find('\x1b'), std::string::npos);
  EXPECT_TRUE(text::valid_utf8(all));
}

TEST(Loader, RefusesAnUnknownOverride) {
  Loaded loaded = load_for_test("", {}, {{"prefx", "/x"}});
  ASSERT_EQ(loaded.faults.size(), 1u);
  EXPECT_EQ(loaded.faults[0].text(), "command line: prefx: unknown key, did you mean prefix?");
}

}  // namespace
}  // namespace sallyport::conf
