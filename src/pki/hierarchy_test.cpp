#include "pki/hierarchy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pki/test_directory.h"
#include "pki/verification.h"

namespace sallyport::pki {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class HierarchyTest : public TestDirectory {
 protected:
  Verification check(const std::string& file, const std::string& trust, Purpose purpose) {
    VerificationRequest request;
    request.presented = load(file);
    request.trusted = load(trust);
    request.purpose = purpose;
    request.strict = true;
    return verify(request).value();
  }
};

TEST_F(HierarchyTest, IntermediateHasTheFilesOfTheTutorial) {
  HierarchyReport report = make_hierarchy(options(Chain::intermediate)).value();
  EXPECT_THAT(report.made,
              ElementsAre("root.key", "root.crt", "intermediate.key", "intermediate.crt",
                          "server.key", "server.crt", "client.key", "client.crt", "chain.crt"));
  EXPECT_THAT(report.kept, IsEmpty());
  for (const char* key : {"root.key", "intermediate.key", "server.key", "client.key"}) {
    EXPECT_EQ(mode(key), 0600u) << key;
  }
  EXPECT_EQ(mode("server.crt"), 0644u);
  EXPECT_EQ(load("server.crt").size(), 2u);
  EXPECT_EQ(load("chain.crt").size(), 2u);
  EXPECT_EQ(leaf("chain.crt"), leaf("intermediate.crt"));
  for (const char* trust : {"chain.crt", "root.crt"}) {
    EXPECT_TRUE(check("server.crt", trust, Purpose::server).valid);
    EXPECT_TRUE(check("client.crt", trust, Purpose::client).valid);
  }
  EXPECT_EQ(leaf("client.crt").info().common_name, "kong");
  EXPECT_THAT(leaf("server.crt").info().names(), ElementsAre("db.test", "127.0.0.1"));
  EXPECT_EQ(leaf("root.crt").info().path_length, 1);
  EXPECT_EQ(leaf("intermediate.crt").info().path_length, 0);
  EXPECT_EQ(open().trust_for_gateway(), at("chain.crt"));
}

TEST_F(HierarchyTest, RootAndSelfSigned) {
  ASSERT_TRUE(make_hierarchy(options(Chain::root)));
  EXPECT_EQ(open().chain(), Chain::root);
  EXPECT_FALSE(has("chain.crt"));
  EXPECT_TRUE(check("server.crt", "root.crt", Purpose::server).valid);
  EXPECT_EQ(open().trust_for_server(), at("root.crt"));

  std::filesystem::remove_all(directory_);
  ASSERT_TRUE(make_hierarchy(options(Chain::self_signed)));
  EXPECT_EQ(open().chain(), Chain::self_signed);
  EXPECT_FALSE(has("root.crt"));
  EXPECT_FALSE(leaf("client.crt").info().ca);
  EXPECT_TRUE(check("server.crt", "server.crt", Purpose::server).valid);
  EXPECT_TRUE(check("client.crt", "client.crt", Purpose::client).valid);
  EXPECT_FALSE(check("client.crt", "server.crt", Purpose::client).valid);
  EXPECT_EQ(open().trust_for_gateway(), at("server.crt"));
  EXPECT_EQ(open().trust_for_server(), at("client.crt"));
}

TEST_F(HierarchyTest, OverwritesNothing) {
  ASSERT_TRUE(make_hierarchy(options(Chain::intermediate)));
  std::string before = content("root.key") + content("server.crt");
  for (Chain chain : {Chain::intermediate, Chain::root, Chain::self_signed}) {
    auto again = make_hierarchy(options(chain));
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, "pki.exists");
    EXPECT_THAT(again.error().remedy, HasSubstr("--force"));
  }
  EXPECT_EQ(content("root.key") + content("server.crt"), before);
}

TEST_F(HierarchyTest, ForceKeepsTheOldFiles) {
  ASSERT_TRUE(make_hierarchy(options(Chain::intermediate)));
  std::string old_root = content("root.key");
  std::string old_middle = content("intermediate.key");
  HierarchyOptions wanted = options(Chain::root);
  wanted.force = true;
  HierarchyReport report = make_hierarchy(wanted).value();
  EXPECT_NE(content("root.key"), old_root);
  EXPECT_FALSE(has("intermediate.crt"));
  EXPECT_FALSE(has("chain.crt"));
  EXPECT_EQ(read_file(report.backup + "/root.key").value(), old_root);
  EXPECT_EQ(read_file(report.backup + "/intermediate.key").value(), old_middle);
  EXPECT_TRUE(std::filesystem::exists(report.backup + "/chain.crt"));
  EXPECT_EQ(open().chain(), Chain::root);
}

// Whatever a killed run has left, the next one completes and keeps.
TEST_F(HierarchyTest, CompletesEveryInterruptedRun) {
  const std::vector<std::string> order = {"root.key",         "root.crt",   "intermediate.key",
                                          "intermediate.crt", "server.key", "server.crt",
                                          "client.key",       "client.crt", "chain.crt"};
  ASSERT_TRUE(make_hierarchy(options(Chain::intermediate)));
  std::map<std::string, std::string> whole;
  for (const std::string& file : order) whole[file] = content(file);
  for (size_t left = 0; left < order.size(); ++left) {
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directory(directory_);
    for (size_t i = 0; i < left; ++i) put(order[i], whole[order[i]]);
    put(order[left] + ".0123abcd.tmp", "half");
    auto report = make_hierarchy(options(Chain::intermediate));
    ASSERT_TRUE(report) << left << ": " << report.error().text();
    EXPECT_EQ(report->kept.size(), left);
    EXPECT_EQ(report->made.size(), order.size() - left);
    for (size_t i = 0; i < left; ++i) EXPECT_EQ(content(order[i]), whole[order[i]]);
    EXPECT_FALSE(has(order[left] + ".0123abcd.tmp"));
    EXPECT_TRUE(check("server.crt", "root.crt", Purpose::server).valid) << left;
    EXPECT_TRUE(check("client.crt", "chain.crt", Purpose::client).valid) << left;
  }
}

TEST_F(HierarchyTest, DoesNotBuildOnWhatDoesNotFit) {
  ASSERT_TRUE(make_hierarchy(options(Chain::root)));
  std::filesystem::remove(at("client.crt"));
  struct Case {
    const char* file;
    std::string text;
    const char* why;
  };
  std::string other_key = Key::generate({}).value().to_pem({}).value().reveal();
  const Case cases[] = {
      {"root.key", other_key, "root.key and root.crt do not belong together"},
      {"server.key", other_key, "server.key and server.crt do not belong together"},
      {"root.crt", "junk", "root.crt holds no certificate"},
      {"server.crt", content("root.crt"), "do not belong together"},
      {"client.key", "junk", "client.key holds no private key"},
  };
  for (const Case& one : cases) {
    std::string before = content(one.file);
    put(one.file, one.text);
    auto refused = make_hierarchy(options(Chain::root));
    ASSERT_FALSE(refused) << one.file;
    EXPECT_EQ(refused.error().code, "pki.exists");
    EXPECT_THAT(refused.error().detail, HasSubstr(one.why));
    put(one.file, before);
  }
  std::filesystem::remove(at("root.crt"));
  EXPECT_THAT(make_hierarchy(options(Chain::root)).error().detail,
              HasSubstr("server.crt is there without the authority"));
}

TEST_F(HierarchyTest, EncryptsAuthorityKeysOnly) {
  HierarchyOptions wanted = options(Chain::intermediate);
  wanted.passphrase = Secret("correct horse");
  ASSERT_TRUE(make_hierarchy(wanted));
  EXPECT_TRUE(is_encrypted_key(content("root.key")));
  EXPECT_TRUE(is_encrypted_key(content("intermediate.key")));
  EXPECT_FALSE(is_encrypted_key(content("server.key")));
  EXPECT_FALSE(is_encrypted_key(content("client.key")));
  EXPECT_EQ(open().signer(no_passphrase_).error().code, "pki.key_encrypted");
  EXPECT_TRUE(open().signer(fixed_passphrase(Secret("correct horse"))));

  std::filesystem::remove(at("client.crt"));
  auto closed = make_hierarchy(options(Chain::intermediate));
  EXPECT_THAT(closed.error().detail, HasSubstr("encrypted"));
}

TEST_F(HierarchyTest, RefusesValiditiesInTheWrongOrder) {
  HierarchyOptions wanted = options(Chain::intermediate);
  wanted.days = 2000;
  EXPECT_EQ(make_hierarchy(wanted).error().code, "pki.validity");
  wanted.days = 10;
  wanted.intermediate_days = 20;
  wanted.root_days = 19;
  EXPECT_EQ(make_hierarchy(wanted).error().code, "pki.validity");
  wanted.root_days = 20;
  EXPECT_TRUE(make_hierarchy(wanted));
}

TEST_F(HierarchyTest, OpeningSaysWhatIsMissing) {
  EXPECT_THAT(Hierarchy::open(directory_).error().remedy, HasSubstr("pki init"));
  ASSERT_TRUE(make_hierarchy(options(Chain::intermediate)));
  std::filesystem::rename(at("root.crt"), at("kept"));
  EXPECT_THAT(Hierarchy::open(directory_).error().detail, HasSubstr("no root.crt"));
  std::filesystem::remove(at("intermediate.crt"));
  EXPECT_THAT(Hierarchy::open(directory_).error().detail, HasSubstr("was signed by CN=Sallyport"));
}

}  // namespace
}  // namespace sallyport::pki
