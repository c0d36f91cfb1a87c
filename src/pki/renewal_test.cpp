#include "pki/renewal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "pki/issuance.h"
#include "pki/test_directory.h"

namespace sallyport::pki {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class RenewalTest : public TestDirectory {
 protected:
  Result<RenewReport> renew_it(RenewOptions wanted) {
    return renew(open(), wanted, no_passphrase_);
  }
  bool verifies(const std::string& file, const std::string& trust, Purpose purpose) {
    VerificationRequest request;
    request.presented = load(file);
    request.trusted = load(trust);
    request.purpose = purpose;
    request.strict = true;
    return verify(request).value().valid;
  }
};

TEST_F(RenewalTest, KeepsTheKeyAndTheNames) {
  ASSERT_TRUE(make_hierarchy(options(Chain::intermediate)));
  std::string key = content("server.key");
  Certificate before = leaf("server.crt");
  RenewReport report = renew_it({.name = "server", .server_names = {"db2.test"}}).value();
  EXPECT_THAT(report.made, ElementsAre("server.crt"));
  EXPECT_EQ(content("server.key"), key);
  EXPECT_NE(leaf("server.crt").info().serial, before.info().serial);
  EXPECT_THAT(leaf("server.crt").info().names(), ElementsAre("db.test", "db2.test", "127.0.0.1"));
  EXPECT_EQ(load("server.crt").size(), 2u);
  EXPECT_TRUE(verifies("server.crt", "root.crt", Purpose::server));
  EXPECT_EQ(Certificate::load(report.backup + "/server.crt").value().front(), before);
}

TEST_F(RenewalTest, RollsTheKey) {
  ASSERT_TRUE(make_hierarchy(options(Chain::root)));
  std::string key = content("client.key");
  RenewReport report = renew_it({.name = "client", .days = 7, .new_key = true}).value();
  EXPECT_NE(content("client.key"), key);
  EXPECT_EQ(read_file(report.backup + "/client.key").value(), key);
  EXPECT_EQ(mode("client.key"), 0600u);
  EXPECT_TRUE(
      leaf("client.crt").public_key().matches(load_key(at("client.key"), no_passphrase_).value()));
  EXPECT_EQ(leaf("client.crt").info().days_left(unix_seconds() - 60), 7);
  EXPECT_EQ(leaf("client.crt").info().common_name, "kong");

  ASSERT_TRUE(renew_it({.name = "client", .new_key = true, .key = KeySpec{KeyType::ed25519, 256}}));
  EXPECT_EQ(leaf("client.crt").info().key, "Ed25519");
  ASSERT_TRUE(renew_it({.name = "client", .new_key = true}));
  EXPECT_EQ(leaf("client.crt").info().key, "Ed25519");
}

TEST_F(RenewalTest, KeepsModeAndTightensAKeyThatAllMayRead) {
  ASSERT_TRUE(make_hierarchy(options(Chain::root)));
  std::filesystem::permissions(at("server.key"), std::filesystem::perms(0400));
  ASSERT_TRUE(renew_it({.name = "server", .new_key = true}));
  EXPECT_EQ(mode("server.key"), 0400u);
  std::filesystem::permissions(at("server.key"), std::filesystem::perms(0644));
  ASSERT_TRUE(renew_it({.name = "server", .new_key = true}));
  EXPECT_EQ(mode("server.key"), 0600u);
}

TEST_F(RenewalTest, RefusesWhatWouldOutliveItsIssuer) {
  HierarchyOptions wanted = options(Chain::intermediate);
  wanted.intermediate_days = 366;
  ASSERT_TRUE(make_hierarchy(wanted));
  std::string before = content("server.crt");
  auto refused = renew_it({.name = "server", .days = 400});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "pki.validity");
  EXPECT_THAT(refused.error().remedy, HasSubstr("Renew the issuer first"));
  EXPECT_EQ(content("server.crt"), before);
  ASSERT_TRUE(renew_it({.name = "intermediate", .days = 1000}));
  EXPECT_TRUE(renew_it({.name = "server", .days = 400}));
}

TEST_F(RenewalTest, ARenewedIntermediateReplacesItsCopies) {
  ASSERT_TRUE(make_hierarchy(options(Chain::intermediate)));
  ASSERT_TRUE(issue_leaf(open(), {.name = "server-2"}, no_passphrase_));
  Certificate server = leaf("server.crt");
  RenewReport report = renew_it({.name = "intermediate"}).value();
  EXPECT_THAT(report.broken, IsEmpty());
  EXPECT_THAT(report.made,
              testing::UnorderedElementsAre("intermediate.crt", "chain.crt", "server.crt",
                                            "client.crt", "server-2.crt"));
  for (const char* file : {"server.crt", "client.crt", "server-2.crt"}) {
    EXPECT_EQ(load(file)[1], report.after) << file;
    EXPECT_TRUE(verifies(file, "root.crt", Purpose::any)) << file;
  }
  EXPECT_EQ(leaf("server.crt"), server);
  EXPECT_EQ(leaf("chain.crt"), report.after);
}

TEST_F(RenewalTest, ARenewedRootStillVerifiesAll) {
  ASSERT_TRUE(make_hierarchy(options(Chain::intermediate)));
  Certificate old_root = leaf("root.crt");
  RenewReport report = renew_it({.name = "root", .days = 4000}).value();
  EXPECT_THAT(report.broken, IsEmpty());
  EXPECT_EQ(load("chain.crt")[1], report.after);
  EXPECT_EQ(report.after.info().subject_key_id, old_root.info().subject_key_id);
  EXPECT_TRUE(verifies("server.crt", "root.crt", Purpose::server));
  EXPECT_EQ(renew_it({.name = "root", .new_key = true}).error().code, "pki.new_key");
}

TEST_F(RenewalTest, ASelfSignedLeafNeedsItsKey) {
  ASSERT_TRUE(make_hierarchy(options(Chain::self_signed)));
  ASSERT_TRUE(renew_it({.name = "server"}));
  EXPECT_TRUE(verifies("server.crt", "server.crt", Purpose::server));
  put("server.key", content("client.key"));
  EXPECT_THAT(renew_it({.name = "server"}).error().detail, HasSubstr("does not belong"));
  std::filesystem::remove(at("server.key"));
  EXPECT_EQ(renew_it({.name = "server"}).error().code, "file.missing");
}

TEST_F(RenewalTest, SignsWithoutTheLeafsKey) {
  ASSERT_TRUE(make_hierarchy(options(Chain::root)));
  std::filesystem::rename(at("server.key"), at("elsewhere"));
  ASSERT_TRUE(renew_it({.name = "server"}));
  EXPECT_FALSE(has("server.key"));
  EXPECT_TRUE(
      leaf("server.crt").public_key().matches(load_key(at("elsewhere"), no_passphrase_).value()));
}

TEST_F(RenewalTest, PutsTheLeafFirst) {
  ASSERT_TRUE(make_hierarchy(options(Chain::intermediate)));
  put("server.crt", leaf("intermediate.crt").pem() + leaf("server.crt").pem());
  ASSERT_TRUE(renew_it({.name = "server"}));
  EXPECT_EQ(leaf("server.crt").info().common_name, "db.test");
  EXPECT_TRUE(verifies("server.crt", "root.crt", Purpose::server));
  put("server.crt", content("intermediate.crt"));
  EXPECT_EQ(renew_it({.name = "server"}).error().code, "pki.order");
}

class IssuanceTest : public TestDirectory {};

TEST_F(IssuanceTest, MakesFurtherLeaves) {
  ASSERT_TRUE(make_hierarchy(options(Chain::intermediate)));
  IssueReport report =
      issue_leaf(open(), {.role = Role::client, .name = "bob", .user = "bob"}, no_passphrase_)
          .value();
  EXPECT_THAT(report.made, ElementsAre("bob.key", "bob.crt"));
  EXPECT_EQ(leaf("bob.crt").info().common_name, "bob");
  EXPECT_TRUE(leaf("bob.crt").issued_by(leaf("intermediate.crt")));
  EXPECT_EQ(mode("bob.key"), 0600u);
}

TEST_F(IssuanceTest, OverwritesOnlyWithForce) {
  ASSERT_TRUE(make_hierarchy(options(Chain::root)));
  std::string key = content("client.key");
  auto refused = issue_leaf(open(), {.role = Role::client}, no_passphrase_);
  EXPECT_EQ(refused.error().code, "pki.exists");
  EXPECT_EQ(content("client.key"), key);
  IssueReport report =
      issue_leaf(open(), {.role = Role::client, .force = true}, no_passphrase_).value();
  EXPECT_NE(content("client.key"), key);
  EXPECT_EQ(read_file(report.backup + "/client.key").value(), key);
}

TEST_F(IssuanceTest, UsesTheKeyOfAnInterruptedRun) {
  ASSERT_TRUE(make_hierarchy(options(Chain::root)));
  std::filesystem::remove(at("client.crt"));
  std::string key = content("client.key");
  IssueReport report = issue_leaf(open(), {.role = Role::client}, no_passphrase_).value();
  EXPECT_THAT(report.kept, ElementsAre("client.key"));
  EXPECT_EQ(content("client.key"), key);
}

TEST_F(IssuanceTest, RefusesNamesThatAreNoneForAFile) {
  for (const char* name : {"root", "chain", "../x", "a/b", ".hidden", "-x", "a b"}) {
    EXPECT_EQ(check_file_name(name).error().code, "pki.file_name") << name;
  }
  EXPECT_TRUE(check_file_name("server-2.example_x"));
}

}  // namespace
}  // namespace sallyport::pki
