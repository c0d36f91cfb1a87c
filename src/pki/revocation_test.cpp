#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/x509_vfy.h>

#include "base/clock.h"
#include "base/text.h"
#include "pki/crl_directory.h"
#include "pki/issuance.h"
#include "pki/revocation_database.h"
#include "pki/revocation_publisher.h"
#include "pki/test_directory.h"
#include "pki/verification.h"

namespace sallyport::pki {
namespace {

using testing::HasSubstr;

class RevocationTest : public TestDirectory {
 protected:
  Verification check(const std::string& file, const std::string& crls) {
    VerificationRequest request;
    request.presented = load(file);
    request.trusted = load("root.crt");
    request.crls = load_crls(at(crls)).value();
    request.check_crl = true;
    request.strict = true;
    return verify(request).value();
  }
  Result<RevokeReport> revoke_file(const std::string& file, std::string reason = "") {
    return revoke(open(), {.file = at(file), .reason = std::move(reason)}, no_passphrase_);
  }
  RevocationList list(const std::string& file) {
    return RevocationList::load(at(file)).value().front();
  }
};

TEST_F(RevocationTest, EveryAuthorityPublishesAList) {
  ASSERT_TRUE(make_hierarchy(options(Chain::intermediate)));
  PublishReport report = publish_revocation_lists(open(), 30, no_passphrase_).value();
  ASSERT_EQ(report.lists.size(), 2u);
  for (const char* crls : {"chain.crl", "crl"}) {
    EXPECT_TRUE(check("server.crt", crls).valid) << check("server.crt", crls).cause;
  }
  EXPECT_EQ(check("server.crt", "root.crl").error, X509_V_ERR_UNABLE_TO_GET_CRL);
  EXPECT_EQ(list("root.crl").number(), 1);
  EXPECT_EQ((list("root.crl").next_update() - unix_seconds() + 43200) / 86400, 30);
  EXPECT_TRUE(has("crl/" + list("root.crl").issuer_hash() + ".r0"));
  EXPECT_TRUE(has("crl/" + list("intermediate.crl").issuer_hash() + ".r0"));
}

TEST_F(RevocationTest, RevokesOneAndNotTheOther) {
  ASSERT_TRUE(make_hierarchy(options(Chain::intermediate)));
  RevokeReport report = revoke_file("client.crt", "keyCompromise").value();
  EXPECT_EQ(report.authority, "intermediate");
  EXPECT_EQ(report.revoked.subject, "CN=kong");
  Verification refused = check("client.crt", "crl");
  EXPECT_EQ(refused.error, X509_V_ERR_CERT_REVOKED);
  EXPECT_THAT(refused.cause, HasSubstr("CN=kong"));
  EXPECT_TRUE(check("server.crt", "crl").valid);
  auto entry = list("intermediate.crl").find(leaf("client.crt").info().serial);
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->reason, "keyCompromise");

  RevokeReport again = revoke_file("client.crt", "superseded").value();
  EXPECT_TRUE(again.before);
  EXPECT_EQ(list("intermediate.crl").revoked().size(), 1u);
  EXPECT_EQ(list("intermediate.crl").revoked()[0].reason, "keyCompromise");
  EXPECT_EQ(list("intermediate.crl").number(), 2);
}

TEST_F(RevocationTest, RevokesAnIntermediateAndBySerial) {
  ASSERT_TRUE(make_hierarchy(options(Chain::intermediate)));
  std::string serial = leaf("server.crt").info().serial;
  RevokeReport report = revoke(open(), {.serial = text::lower(serial)}, no_passphrase_).value();
  EXPECT_EQ(report.revoked.serial, serial);
  EXPECT_EQ(check("server.crt", "crl").error, X509_V_ERR_CERT_REVOKED);
  EXPECT_EQ(revoke_file("intermediate.crt").value().authority, "root");
  EXPECT_EQ(check("client.crt", "crl").error, X509_V_ERR_CERT_REVOKED);
  EXPECT_EQ(check("client.crt", "crl").depth, 1);
}

TEST_F(RevocationTest, SaysWhatCannotBeRevoked) {
  ASSERT_TRUE(make_hierarchy(options(Chain::root)));
  EXPECT_EQ(revoke_file("root.crt").error().code, "pki.root");
  EXPECT_EQ(revoke_file("client.crt", "boredom").error().code, "pki.reason");
  EXPECT_EQ(revoke(open(), {.serial = "xyz"}, no_passphrase_).error().code, "pki.serial");
  EXPECT_EQ(
      revoke(open(), {.serial = "1", .authority = "intermediate"}, no_passphrase_).error().code,
      "pki.not_ours");
  std::string foreign = content("client.crt");
  HierarchyOptions wanted = options(Chain::root);
  wanted.force = true;
  ASSERT_TRUE(make_hierarchy(wanted));
  put("foreign.crt", foreign);
  EXPECT_EQ(revoke_file("foreign.crt").error().code, "pki.not_ours");
  EXPECT_FALSE(has("root.crl"));

  std::filesystem::remove_all(directory_);
  ASSERT_TRUE(make_hierarchy(options(Chain::self_signed)));
  EXPECT_EQ(revoke_file("client.crt").error().code, "pki.no_authority");
}

TEST_F(RevocationTest, TwoAtATimeLoseNothing) {
  ASSERT_TRUE(make_hierarchy(options(Chain::root)));
  constexpr int kThreads = 8;
  std::vector<std::thread> threads;
  std::atomic<int> failures = 0;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      std::string serial = std::to_string(10 + i);
      if (!revoke(open(), {.serial = serial}, no_passphrase_)) ++failures;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(list("root.crl").revoked().size(), static_cast<size_t>(kThreads));
  EXPECT_EQ(list("root.crl").number(), kThreads);
}

TEST_F(RevocationTest, GoesOnFromAListWithoutDatabase) {
  ASSERT_TRUE(make_hierarchy(options(Chain::root)));
  ASSERT_TRUE(revoke_file("client.crt", "superseded"));
  ASSERT_TRUE(publish_revocation_lists(open(), 30, no_passphrase_));
  std::filesystem::remove(at("root.revoked.json"));
  ASSERT_TRUE(revoke_file("server.crt"));
  EXPECT_EQ(list("root.crl").revoked().size(), 2u);
  EXPECT_EQ(list("root.crl").number(), 3);

  put("root.revoked.json", "{\"crl_number\": 7");
  EXPECT_EQ(publish_revocation_lists(open(), 30, no_passphrase_).error().code, "pki.revocations");
  put("root.revoked.json", R"({"crl_number": 7, "revoked": [{"serial": "zz", "revoked_at": 1}]})");
  EXPECT_EQ(publish_revocation_lists(open(), 30, no_passphrase_).error().code, "pki.revocations");
  put("root.revoked.json", R"({"crl_number": 7, "revoked": []})");
  ASSERT_TRUE(publish_revocation_lists(open(), 30, no_passphrase_));
  EXPECT_EQ(list("root.crl").revoked().size(), 2u);
  EXPECT_EQ(list("root.crl").number(), 8);
}

TEST_F(RevocationTest, AnAuthorityWhoseKeyIsElsewhereKeepsItsList) {
  ASSERT_TRUE(make_hierarchy(options(Chain::intermediate)));
  std::filesystem::rename(at("root.key"), at("offline"));
  EXPECT_EQ(publish_revocation_lists(open(), 30, no_passphrase_).error().code, "pki.crl_missing");
  std::filesystem::rename(at("offline"), at("root.key"));
  ASSERT_TRUE(publish_revocation_lists(open(), 30, no_passphrase_));
  std::filesystem::remove(at("root.key"));
  RevokeReport report = revoke_file("client.crt").value();
  EXPECT_FALSE(report.published.lists[0].made);
  EXPECT_EQ(list("root.crl").number(), 1);
  EXPECT_EQ(check("client.crt", "chain.crl").error, X509_V_ERR_CERT_REVOKED);
  EXPECT_EQ(revoke_file("intermediate.crt").error().code, "pki.key");
}

TEST_F(RevocationTest, EveryKindOfKeySigns) {
  for (KeySpec spec : {KeySpec{KeyType::ed25519, 256}, KeySpec{KeyType::rsa, 2048}}) {
    HierarchyOptions wanted = options(Chain::root);
    wanted.key = spec;
    wanted.force = true;
    ASSERT_TRUE(make_hierarchy(wanted));
    ASSERT_TRUE(revoke_file("client.crt"));
    EXPECT_EQ(check("client.crt", "crl").error, X509_V_ERR_CERT_REVOKED);
    EXPECT_TRUE(check("server.crt", "crl").valid);
  }
}

TEST(RevocationReason, OffersWhatMakesSense) {
  EXPECT_TRUE(is_revocation_reason("keyCompromise"));
  EXPECT_FALSE(is_revocation_reason("certificateHold"));
  EXPECT_FALSE(is_revocation_reason(""));
  EXPECT_THAT(revocation_reasons(), HasSubstr("superseded"));
}

}  // namespace
}  // namespace sallyport::pki
