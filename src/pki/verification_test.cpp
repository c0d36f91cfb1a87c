#include "pki/verification.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/x509_vfy.h>

#include "base/clock.h"
#include "pki/authority.h"
#include "pki/findings.h"

namespace sallyport::pki {
namespace {

using testing::Contains;
using testing::HasSubstr;

struct Chain3 {
  const int64_t now = unix_seconds();  // one for all: none may outlive its issuer
  Key root_key = Key::generate({}).value();
  Key middle_key = Key::generate({}).value();
  Key leaf_key = Key::generate({}).value();
  Certificate root = made(Role::root, "root", root_key, nullptr);
  Certificate middle = made(Role::intermediate, "middle", middle_key, &root);
  Certificate leaf = made(Role::server, "db.test", leaf_key, &middle);

  Certificate made(Role role, std::string name, const Key& key, const Certificate* issuer) {
    CertificateRequest request;
    request.role = role;
    request.common_name = name;
    request.days = 300;
    request.path_length = role == Role::root ? 1 : 0;
    if (role == Role::server) request.names = {name};
    if (issuer == nullptr) return issue(request, key, nullptr, now).value();
    Authority authority{*issuer, role == Role::intermediate ? root_key : middle_key};
    return issue(request, key, &authority, now).value();
  }
};

VerificationRequest request(std::vector<Certificate> presented, std::vector<Certificate> trusted) {
  VerificationRequest out;
  out.presented = std::move(presented);
  out.trusted = std::move(trusted);
  return out;
}

TEST(Verification, ExplainsWhatIsMissing) {
  Chain3 chain;
  Verification seen = verify(request({chain.leaf}, {chain.root})).value();
  EXPECT_FALSE(seen.valid);
  EXPECT_THAT(seen.cause, HasSubstr("was signed by CN=middle, which is neither trusted nor sent"));
  EXPECT_THAT(seen.remedy, HasSubstr("Append the intermediate"));

  Chain3 other;
  seen = verify(request({chain.leaf, chain.middle, chain.root}, {other.root})).value();
  EXPECT_FALSE(seen.valid);
  EXPECT_FALSE(seen.remedy.empty());
}

TEST(Verification, CountsIntermediatesForTheDepth) {
  Chain3 chain;
  VerificationRequest wanted = request({chain.leaf, chain.middle}, {chain.root});
  wanted.max_depth = 1;
  EXPECT_TRUE(verify(wanted).value().valid);
  wanted.max_depth = 0;
  Verification seen = verify(wanted).value();
  EXPECT_EQ(seen.error, X509_V_ERR_CERT_CHAIN_TOO_LONG);
  EXPECT_THAT(seen.cause, HasSubstr("1 intermediate authority"));
  EXPECT_THAT(seen.remedy, HasSubstr("lua_ssl_verify_depth = 1"));
}

TEST(Verification, LooksAtTheClock) {
  Chain3 chain;
  VerificationRequest wanted = request({chain.leaf, chain.middle}, {chain.root});
  wanted.at = unix_seconds() + int64_t{400} * 86400;
  Verification seen = verify(wanted).value();
  EXPECT_EQ(seen.error, X509_V_ERR_CERT_HAS_EXPIRED);
  EXPECT_THAT(seen.cause, HasSubstr("expired on 20"));
  wanted.at = unix_seconds() - 86400;
  EXPECT_EQ(verify(wanted).value().error, X509_V_ERR_CERT_NOT_YET_VALID);
}

TEST(Verification, NamesBothSidesOfAHostMismatch) {
  Chain3 chain;
  VerificationRequest wanted = request({chain.leaf, chain.middle}, {chain.root});
  wanted.host = "other.test";
  Verification seen = verify(wanted).value();
  EXPECT_FALSE(seen.valid);
  EXPECT_EQ(seen.cause, "the certificate is for db.test, not for other.test");
  wanted.host = "DB.TEST";
  EXPECT_TRUE(verify(wanted).value().valid);
}

// The rules of libpq 15: SAN of the host's kind first, the CN only without one.
TEST(MatchesHost, AsLibpqDoes) {
  auto info = [](std::string cn, std::vector<std::string> dns, std::vector<std::string> ips) {
    CertificateInfo out;
    out.common_name = std::move(cn);
    out.dns_names = std::move(dns);
    out.ip_addresses = std::move(ips);
    return out;
  };
  EXPECT_TRUE(matches_host(info("localhost", {}, {}), "localhost"));
  EXPECT_FALSE(matches_host(info("localhost", {"other"}, {}), "localhost"));
  EXPECT_TRUE(matches_host(info("localhost", {}, {"10.0.0.1"}), "localhost"));
  EXPECT_TRUE(matches_host(info("", {}, {"127.0.0.1"}), "127.0.0.1"));
  EXPECT_TRUE(matches_host(info("", {}, {"::1"}), "0:0::1"));
  EXPECT_TRUE(matches_host(info("", {"127.0.0.1"}, {}), "127.0.0.1"));
  EXPECT_TRUE(matches_host(info("127.0.0.1", {"db"}, {}), "127.0.0.1"));
  EXPECT_FALSE(matches_host(info("127.0.0.1", {}, {"10.0.0.1"}), "127.0.0.1"));
  EXPECT_TRUE(matches_host(info("", {"*.example.com"}, {}), "db.Example.com"));
  EXPECT_FALSE(matches_host(info("", {"*.example.com"}, {}), "a.b.example.com"));
  EXPECT_FALSE(matches_host(info("", {"*.example.com"}, {}), "example.com"));
  EXPECT_FALSE(matches_host(info("", {"*.example.com"}, {}), ".example.com"));
  EXPECT_FALSE(matches_host(info("", {std::string("db\0.evil", 8)}, {}), "db"));
  EXPECT_FALSE(matches_host(info("", {}, {}), ""));
}

TEST(BuildChain, EndsAtTheRootOrWhereThePoolDoes) {
  Chain3 chain;
  EXPECT_EQ(build_chain(chain.leaf, {chain.root, chain.middle}).size(), 3u);
  EXPECT_EQ(build_chain(chain.leaf, {chain.root}).size(), 1u);
  EXPECT_EQ(build_chain(chain.root, {chain.root}).size(), 1u);
}

std::vector<std::string> ids(const CertificateInfo& info, Purpose purpose) {
  std::vector<std::string> out;
  for (const Finding& one : findings(info, purpose, unix_seconds())) out.emplace_back(one.id);
  return out;
}

TEST(Findings, NothingAboutWhatWeMake) {
  Chain3 chain;
  EXPECT_THAT(ids(chain.root.info(), Purpose::any), testing::IsEmpty());
  EXPECT_THAT(ids(chain.middle.info(), Purpose::any), testing::IsEmpty());
  EXPECT_THAT(ids(chain.leaf.info(), Purpose::server), testing::IsEmpty());
}

TEST(Findings, SeeWhatWillBreak) {
  Chain3 chain;
  CertificateInfo info = chain.leaf.info();
  EXPECT_THAT(ids(info, Purpose::client), Contains("wrong_purpose"));
  info.version = 1;
  info.dns_names.clear();
  EXPECT_THAT(ids(info, Purpose::server), testing::IsSupersetOf({"version_1", "cn_only"}));
  info.common_name.clear();
  EXPECT_THAT(ids(info, Purpose::server), Contains("no_names"));
  info = chain.leaf.info();
  info.not_after = unix_seconds() + int64_t{5} * 86400 + 60;
  std::vector<Finding> soon = findings(info, Purpose::server, unix_seconds());
  ASSERT_EQ(soon.size(), 1u);
  EXPECT_THAT(soon[0].text, HasSubstr("in 5 days"));
  info.not_after = unix_seconds() - 1;
  EXPECT_THAT(ids(info, Purpose::server), Contains("expired"));
  info = chain.leaf.info();
  info.ca = true;
  EXPECT_THAT(ids(info, Purpose::server), Contains("leaf_is_ca"));
  info = chain.root.info();
  info.has_key_usage = false;
  info.path_length = -1;
  EXPECT_THAT(ids(info, Purpose::any),
              testing::IsSupersetOf({"ca_without_key_usage", "ca_without_path_length"}));
}

TEST(CertificateParse, ReadsBundlesAndDerAndSaysWhatElseItFound) {
  Chain3 chain;
  std::string bundle = "text before\n" + chain.leaf.pem() + "between\n" + chain.middle.pem();
  EXPECT_EQ(Certificate::parse(bundle, "b").value().size(), 2u);
  std::string key = chain.leaf_key.to_pem({}).value().reveal();
  EXPECT_EQ(Certificate::parse(key + chain.leaf.pem(), "b").value().size(), 1u);
  EXPECT_THAT(Certificate::parse(key, "server.crt").error().detail, HasSubstr("a private key"));
  EXPECT_THAT(Certificate::parse("", "server.crt").error().detail, HasSubstr("empty"));
  std::string cut = chain.leaf.pem() + chain.middle.pem().substr(0, 300);
  EXPECT_THAT(Certificate::parse(cut, "server.crt").error().detail,
              HasSubstr("certificate 2 of server.crt is damaged"));
  std::string bad = chain.leaf.pem();
  bad[200] = '!';
  EXPECT_EQ(Certificate::parse(bad, "server.crt").error().code, "pki.certificate");
}

}  // namespace
}  // namespace sallyport::pki
