#include <gtest/gtest.h>

#include "doctor/check.h"
#include "doctor/checks/wording.h"
#include "doctor/evidence.h"
#include "pki/authority.h"

namespace sallyport::doctor {
namespace {

constexpr int64_t kNow = 1800000000;
constexpr int64_t kDay = 86400;

// A server of which everything is known, and a link to it that is up.
class ChecksTest : public testing::Test {
 protected:
  ChecksTest() : root_(make_root()) {
    evidence_.now = kNow;
    auto& settings = evidence_.settings.emplace();
    settings.hosts = {"db.test"};
    settings.user = settings.database = "kong";
    settings.ssl = settings.ssl_required = settings.verify = true;
    evidence_.hosts.emplace_back().host = "db.test";
    evidence_.outcome.attempted = evidence_.outcome.connected = true;
    evidence_.outcome.state.tls = true;
    evidence_.outcome.state.tls_version = "TLSv1.3";
    trust(root_.certificate);
  }

  static pki::Authority make_root() {
    auto key = pki::Key::generate({});
    pki::CertificateRequest request;
    request.role = pki::Role::root;
    request.common_name = "root";
    request.days = 3650;
    return {*pki::issue(request, *key, nullptr, kNow), *key};
  }
  pki::Certificate server(int days, const std::string& name = "db.test") {
    auto key = pki::Key::generate({});
    pki::CertificateRequest request;
    request.common_name = name;
    request.names = {name};
    request.days = days;
    return *pki::issue(request, *key, &root_, kNow);
  }
  void trust(const pki::Certificate& certificate) {
    auto& item = evidence_.files.trusted.emplace_back();
    item.file.path = "/etc/root.crt";
    item.content = Content::pem;
    item.certificates = {certificate};
  }
  void show(std::vector<pki::Certificate> chain) {
    evidence_.hosts.front().chain =
        judge_chain(std::move(chain), evidence_.files, "db.test", evidence_.now);
  }
  Finding first(std::string_view check) {
    for (const Finding& finding : examine(evidence_)) {
      if (finding.check == check) return finding;
    }
    ADD_FAILURE() << check << " says nothing";
    return {};
  }
  void fails() { evidence_.outcome.connected = false; }

  pki::Authority root_;
  Evidence evidence_;
};

TEST_F(ChecksTest, DaysLeft) {
  show({server(400)});
  EXPECT_EQ(first("chain.validity").verdict, Verdict::ok);
  show({server(12)});
  Finding soon = first("chain.validity");
  EXPECT_EQ(soon.verdict, Verdict::warn);
  EXPECT_TRUE(soon.evidence.contains("12 days left")) << soon.evidence;
  fails();
  evidence_.now = kNow + 13 * kDay;
  show({server(12)});
  EXPECT_EQ(first("chain.validity").verdict, Verdict::fail);
  evidence_.now = kNow - kDay;
  show({server(12)});
  EXPECT_TRUE(first("chain.validity").cause.contains("not yet valid"));
}

TEST_F(ChecksTest, ATrustedRootOfTomorrow) {
  evidence_.now = kNow + 3640 * kDay;
  EXPECT_EQ(first("file.trusted.validity").verdict, Verdict::warn);
}

TEST_F(ChecksTest, HostNames) {
  show({server(400)});
  EXPECT_EQ(first("tls.host_name").verdict, Verdict::ok);
  show({server(400, "other.test")});
  fails();
  Finding wrong = first("tls.host_name");
  EXPECT_EQ(wrong.verdict, Verdict::fail);
  EXPECT_EQ(wrong.evidence,
            "server certificate for \"other.test\" does not match host name \"db.test\"");
  evidence_.settings->verify_host = false;
  EXPECT_EQ(first("tls.host_name").verdict, Verdict::warn);
  EXPECT_EQ(first("conf.verify_host").verdict, Verdict::warn);
}

TEST_F(ChecksTest, TheClock) {
  evidence_.server.values["clock.skew"] = "0.02";
  EXPECT_EQ(first("server.clock").verdict, Verdict::ok);
  evidence_.server.values["clock.skew"] = "-7200.5";
  Finding wrong = first("server.clock");
  EXPECT_EQ(wrong.verdict, Verdict::warn);
  EXPECT_EQ(wrong.evidence, "the server's clock is 7200.5 s behind");
  EXPECT_TRUE(wrong.remedy.contains("timedatectl"));
}

TEST_F(ChecksTest, AProxyThatEndsTls) {
  evidence_.server.values["ssl.used"] = "f";
  EXPECT_TRUE(first("server.sees_tls").cause.contains("PgBouncer"));
  evidence_.server.values["ssl.used"] = "t";
  evidence_.server.values["ssl.version"] = "TLSv1.2";
  EXPECT_EQ(first("server.sees_tls").verdict, Verdict::warn);
  evidence_.server.values["ssl.version"] = "TLSv1.3";
  EXPECT_EQ(first("server.sees_tls").verdict, Verdict::ok);
}

TEST_F(ChecksTest, StandbysAndReadOnlyRoles) {
  evidence_.server.values["recovery"] = "t";
  EXPECT_TRUE(first("db.writable").cause.contains("25006"));
  evidence_.settings->role = postgres::LinkRole::read_only;
  EXPECT_EQ(first("db.writable").verdict, Verdict::ok);
  evidence_.settings->role = postgres::LinkRole::main;
  evidence_.server.values["recovery"] = "f";
  evidence_.server.values["read_only"] = "on";
  EXPECT_EQ(first("db.writable").verdict, Verdict::warn);
}

TEST_F(ChecksTest, Migrations) {
  for (auto [state, verdict] : {std::pair{"current", Verdict::ok},
                                {"old", Verdict::warn},
                                {"empty", Verdict::warn},
                                {"unknown", Verdict::warn}}) {
    evidence_.server.values["migrations"] = state;
    EXPECT_EQ(first("db.migrations").verdict, verdict) << state;
  }
}

TEST_F(ChecksTest, APasswordThatEnds) {
  evidence_.server.values["role.password_until"] = std::to_string(kNow + 5 * kDay);
  EXPECT_TRUE(first("auth.password").cause.contains("in 5 days"));
  evidence_.server.values["role.password_until"] = std::to_string(kNow + 500 * kDay);
  EXPECT_EQ(first("auth.password").verdict, Verdict::ok);
}

TEST_F(ChecksTest, OutdatedVersionsAndCiphers) {
  auto& versions = evidence_.hosts.front().versions;
  versions.resize(2);
  for (Probe& probe : versions) probe.reach = Reach::secured;
  versions[0].version = "TLSv1.1";
  versions[1].version = "TLSv1.2";
  versions[1].cipher = "AES128-SHA";
  EXPECT_EQ(first("tls.old_versions").verdict, Verdict::warn);
  EXPECT_TRUE(first("tls.cipher").cause.contains("forward secrecy"));
  versions[1].cipher = "ECDHE-RSA-AES128-GCM-SHA256";
  EXPECT_EQ(first("tls.cipher").verdict, Verdict::ok);
}

TEST(Wording, DistancesInTime) {
  EXPECT_EQ(days_from(kNow + 3 * kDay, kNow), "in 3 days");
  EXPECT_EQ(days_from(kNow - kDay, kNow), "1 day ago");
  EXPECT_EQ(days_from(kNow + 10, kNow), "within a day");
  EXPECT_EQ(date(1893456000), "2030-01-01");
  EXPECT_EQ(label_of_name("CN=lab root,O=lab"), "lab root");
  EXPECT_EQ(label_of_name("O=lab"), "O=lab");
}

TEST(Wording, LongListsAreCut) {
  std::vector<std::string> many(100, "x");
  EXPECT_TRUE(join(many).ends_with("and 88 more"));
}

}  // namespace
}  // namespace sallyport::doctor
