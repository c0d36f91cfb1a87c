#include "pki/authority.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "pki/verification.h"

namespace sallyport::pki {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Key new_key(KeySpec spec = {}) {
  return Key::generate(spec).value();
}

CertificateRequest request(Role role, std::string name, std::vector<std::string> names = {}) {
  CertificateRequest out;
  out.role = role;
  out.common_name = std::move(name);
  out.names = std::move(names);
  return out;
}

Authority make_root(int days = 3650, int path_length = 1, KeySpec spec = {}) {
  Key key = new_key(spec);
  CertificateRequest wanted = request(Role::root, "test root");
  wanted.days = days;
  wanted.path_length = path_length;
  return {issue(wanted, key, nullptr, unix_seconds()).value(), key};
}

Authority make_intermediate(const Authority& root, KeySpec spec = {}) {
  Key key = new_key(spec);
  CertificateRequest wanted = request(Role::intermediate, "test intermediate");
  wanted.days = 1825;
  return {issue(wanted, key, &root, unix_seconds()).value(), key};
}

Verification check(std::vector<Certificate> presented, std::vector<Certificate> trusted,
                   Purpose purpose, std::string host = {}) {
  VerificationRequest wanted;
  wanted.presented = std::move(presented);
  wanted.trusted = std::move(trusted);
  wanted.purpose = purpose;
  wanted.host = std::move(host);
  wanted.strict = true;
  return verify(wanted).value();
}

class EveryKey : public testing::TestWithParam<const char*> {};

TEST_P(EveryKey, ThreeLevelsPassTheStrictVerifier) {
  KeySpec spec = parse_key_spec(GetParam()).value();
  Authority root = make_root(3650, 1, spec);
  Authority middle = make_intermediate(root, spec);
  Certificate server = issue(request(Role::server, "db.test", {"db.test", "127.0.0.1", "::1"}),
                             new_key(spec), &middle, unix_seconds())
                           .value();
  Certificate client =
      issue(request(Role::client, "kong"), new_key(spec), &middle, unix_seconds()).value();

  for (const char* host : {"db.test", "127.0.0.1", "::1", "0:0:0:0:0:0:0:1", "DB.test"}) {
    Verification seen =
        check({server, middle.certificate}, {root.certificate}, Purpose::server, host);
    EXPECT_TRUE(seen.valid) << host << ": " << seen.cause;
    EXPECT_EQ(seen.chain.size(), 3u);
  }
  EXPECT_TRUE(check({client, middle.certificate}, {root.certificate}, Purpose::client).valid);
  EXPECT_FALSE(check({client, middle.certificate}, {root.certificate}, Purpose::server).valid);
  EXPECT_FALSE(check({server, middle.certificate}, {root.certificate}, Purpose::client).valid);
  EXPECT_FALSE(check({server}, {root.certificate}, Purpose::server).valid);
}

TEST_P(EveryKey, ASelfSignedLeafIsNoAuthorityAndItsOwnAnchor) {
  KeySpec spec = parse_key_spec(GetParam()).value();
  Key key = new_key(spec);
  Certificate server =
      issue(request(Role::server, "db.test", {"db.test"}), key, nullptr, unix_seconds()).value();
  EXPECT_FALSE(server.info().ca);
  EXPECT_TRUE(server.info().self_signed);
  Verification alone = check({server}, {server}, Purpose::server, "db.test");
  EXPECT_TRUE(alone.valid) << alone.cause;

  // What its key signs is not accepted.
  Authority pretender{server, key};
  EXPECT_EQ(
      issue(request(Role::client, "mallory"), new_key(), &pretender, unix_seconds()).error().code,
      "pki.issuer");
}

INSTANTIATE_TEST_SUITE_P(Kinds, EveryKey, testing::Values("ec", "ed25519", "rsa:2048"),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::erase(name, ':');
                           return name;
                         });

TEST(Authority, WritesTheExtensionsThatVerifiersLookFor) {
  Authority root = make_root();
  const CertificateInfo& top = root.certificate.info();
  EXPECT_EQ(top.version, 3);
  EXPECT_TRUE(top.ca);
  EXPECT_TRUE(top.basic_constraints_critical);
  EXPECT_EQ(top.path_length, 1);
  EXPECT_THAT(top.key_usage, ElementsAre("keyCertSign", "cRLSign"));
  EXPECT_FALSE(top.has_extended_key_usage);

  const int64_t now = unix_seconds();
  Certificate leaf = issue(request(Role::server, "db.test", {"DB.Test.", "10.0.0.1", "*.x.test"}),
                           new_key({KeyType::rsa, 2048}), &root, now)
                         .value();
  const CertificateInfo& info = leaf.info();
  EXPECT_EQ(info.version, 3);
  EXPECT_EQ(info.subject, "CN=db.test");
  EXPECT_THAT(info.dns_names, ElementsAre("db.test", "*.x.test"));
  EXPECT_THAT(info.ip_addresses, ElementsAre("10.0.0.1"));
  EXPECT_THAT(info.key_usage, ElementsAre("digitalSignature", "keyEncipherment"));
  EXPECT_THAT(info.extended_key_usage, ElementsAre("serverAuth"));
  EXPECT_TRUE(info.has_basic_constraints);
  EXPECT_FALSE(info.ca);
  EXPECT_EQ(info.authority_key_id, top.subject_key_id);
  EXPECT_FALSE(info.subject_key_id.empty());
  EXPECT_EQ(info.days_left(now), 365);
  EXPECT_LT(info.not_before, now - 60);
}

TEST(Authority, SerialsAreRandomAndLong) {
  Authority root = make_root();
  Key key = new_key();
  std::set<std::string> serials;
  for (int i = 0; i < 50; ++i) {
    Certificate one = issue(request(Role::client, "kong"), key, &root, unix_seconds()).value();
    EXPECT_EQ(one.info().serial.size(), 32u);
    serials.insert(one.info().serial);
  }
  EXPECT_EQ(serials.size(), 50u);
}

TEST(Authority, RefusesToOutliveItsIssuer) {
  const Authority root = make_root(100);
  const int64_t end = root.certificate.info().not_after;
  const int64_t made = end - 100 * 86400;
  CertificateRequest wanted = request(Role::client, "kong");
  wanted.days = 100;
  EXPECT_TRUE(issue(wanted, new_key(), &root, made));
  EXPECT_FALSE(issue(wanted, new_key(), &root, made + 1));
  wanted.days = 0;
  EXPECT_FALSE(issue(wanted, new_key(), &root, made));
}

TEST(Authority, ProposesWhatFitsWhenItIsFollowed) {
  const Authority root = make_root(100);
  const int64_t end = root.certificate.info().not_after;
  const int64_t made = end - 100 * 86400;
  for (int64_t later : {0, 1, 3600, 82799, 82800, 82801, 86399, 86400, 86401}) {
    CertificateRequest wanted = request(Role::client, "kong");
    wanted.days = 102;
    auto refused = issue(wanted, new_key(), &root, made + later);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "pki.validity");
    wanted.days = later <= 82800 ? 99 : 98;
    EXPECT_THAT(refused.error().remedy, HasSubstr(fmt::format("--days {})", wanted.days))) << later;
    for (int64_t followed : {0, 3600}) {
      EXPECT_TRUE(issue(wanted, new_key(), &root, made + later + followed)) << later;
    }
  }
  CertificateRequest wanted = request(Role::client, "kong");
  wanted.days = 2;
  EXPECT_EQ(issue(wanted, new_key(), &root, end - 86400).error().remedy, "Renew the issuer first");
}

TEST(Authority, KeepsToThePathLength) {
  Authority root = make_root(3650, 0);
  CertificateRequest wanted = request(Role::intermediate, "too deep");
  EXPECT_EQ(issue(wanted, new_key(), &root, unix_seconds()).error().code, "pki.issuer");
}

TEST(Authority, RefusesAnIssuerWithAnotherKeyOrNoTime) {
  Authority root = make_root(10);
  Authority wrong{root.certificate, new_key()};
  CertificateRequest wanted = request(Role::client, "kong");
  wanted.days = 1;
  EXPECT_THAT(issue(wanted, new_key(), &wrong, unix_seconds()).error().detail,
              HasSubstr("do not belong together"));
  EXPECT_THAT(issue(wanted, new_key(), &root, unix_seconds() + 11 * 86400).error().detail,
              HasSubstr("expired on"));
}

TEST(Authority, RenewalKeepsSubjectAndNames) {
  Authority root = make_root();
  Key key = new_key();
  Certificate before =
      issue(request(Role::server, "db.test", {"db.test", "10.0.0.1"}), key, &root, unix_seconds())
          .value();
  CertificateRequest wanted = request(Role::server, "", {"new.test", "10.0.0.1"});
  wanted.like = &before;
  Certificate after = issue(wanted, key, &root, unix_seconds()).value();
  EXPECT_EQ(after.info().subject, before.info().subject);
  EXPECT_THAT(after.info().names(), ElementsAre("db.test", "new.test", "10.0.0.1"));
  EXPECT_EQ(after.info().subject_key_id, before.info().subject_key_id);
  EXPECT_NE(after.info().serial, before.info().serial);
}

TEST(Authority, RefusesCommonNamesThatCannotBe) {
  Authority root = make_root();
  for (const std::string& name :
       {std::string(), std::string(65, 'x'), std::string("a\nb"), std::string("\xff\xfe")}) {
    auto refused = issue(request(Role::client, name), new_key(), &root, unix_seconds());
    ASSERT_FALSE(refused) << name;
    EXPECT_EQ(refused.error().code, "pki.name");
  }
  Certificate accented =
      issue(request(Role::client, "k\xc3\xb6ng, O=x"), new_key(), &root, unix_seconds()).value();
  EXPECT_EQ(accented.info().common_name, "k\xc3\xb6ng, O=x");
  EXPECT_EQ(accented.info().subject, "CN=k\xc3\xb6ng\\, O=x");
}

TEST(ServerName, AcceptsNamesAndAddresses) {
  EXPECT_EQ(normalize_server_name("DB.Example.COM.").value(), "db.example.com");
  EXPECT_EQ(normalize_server_name(" db_1 ").value(), "db_1");
  EXPECT_EQ(normalize_server_name("*.example.com").value(), "*.example.com");
  EXPECT_EQ(normalize_server_name("[::1]").value(), "::1");
  EXPECT_EQ(normalize_server_name("0:0:0::1").value(), "::1");
  EXPECT_EQ(normalize_server_name("xn--bcher-kva.example").value(), "xn--bcher-kva.example");
}

TEST(ServerName, SaysWhatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "empty"},
      {".", "empty"},
      {"a..b", "empty part"},
      {"256.1.1.1", "looks like an IP"},
      {"10.0.0", "looks like"},
      {"b\xc3\xbc.example", "ASCII"},
      {"*.com", "too wide"},
      {"*", "too wide"},
      {"a.*.b.c", "first part"},
      {"d*.example.com", "first part"},
      {"db:5432", "colon"},
      {"https://db/", "not a host name"},
      {"fe80::1%eth0", "zone"},
      {"-a.test", "hyphen"},
      {"a b", "character"},
  };
  for (auto [name, why] : cases) {
    auto refused = normalize_server_name(name);
    ASSERT_FALSE(refused) << name;
    EXPECT_THAT(refused.error().detail, HasSubstr(why)) << name;
  }
  EXPECT_FALSE(normalize_server_name(std::string(64, 'a') + ".test"));
}

}  // namespace
}  // namespace sallyport::pki
