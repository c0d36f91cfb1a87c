#include "doctor/files.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/text.h"
#include "base/uuid.h"
#include "pki/authority.h"

namespace sallyport::doctor {
namespace {

constexpr int64_t kNow = 1800000000;

class FilesTest : public testing::Test {
 protected:
  FilesTest() : directory_("/tmp/doctor-files-" + new_uuid().substr(0, 8)) {
    (void)make_directories(directory_);
    auto key = pki::Key::generate({});
    pki::CertificateRequest request;
    request.role = pki::Role::client;
    request.common_name = "kong";
    certificate_ = pki::issue(request, *key, nullptr, kNow)->pem();
    key_ = key->to_pem(Secret())->reveal();
    encrypted_ = key->to_pem(Secret("pass phrase"))->reveal();
    settings_.ssl = settings_.verify = true;
  }
  ~FilesTest() override { std::filesystem::remove_all(directory_); }

  std::string file(const std::string& name, std::string_view content, uint32_t mode = 0600) {
    std::string path = directory_ + "/" + name;
    EXPECT_TRUE(write_file_atomically(path, content, mode));
    return path;
  }
  CertificateFile trusted(const std::string& item) {
    settings_.trusted = {item};
    return read_files(settings_).trusted.front();
  }
  KeyFile key(const std::string& path) {
    settings_.key = path;
    return *read_files(settings_).key;
  }

  std::string directory_, certificate_, key_, encrypted_;
  postgres::LinkSettings settings_;
};

TEST_F(FilesTest, ReadsPemFromAFileAndFromText) {
  EXPECT_EQ(trusted(file("ca.crt", certificate_)).content, Content::pem);
  CertificateFile text = trusted(certificate_);
  EXPECT_EQ(text.content, Content::pem);
  EXPECT_EQ(text.file.path, "item 1 (text)");
  EXPECT_EQ(trusted(text::base64(certificate_)).content, Content::pem);
}

TEST_F(FilesTest, TellsTheFaultsOfACertificateFileApart) {
  EXPECT_EQ(trusted(directory_ + "/none").file.state, FileState::missing);
  EXPECT_EQ(trusted(directory_).file.state, FileState::directory);
  EXPECT_EQ(trusted(file("empty", " \n")).content, Content::empty);
  EXPECT_EQ(trusted(file("text", "hello\n")).content, Content::other);
  EXPECT_EQ(trusted(file("cut", certificate_.substr(0, 200))).content, Content::damaged);
  EXPECT_EQ(trusted(file("second_cut", certificate_ + certificate_.substr(0, 200))).content,
            Content::damaged);
}

TEST_F(FilesTest, FindsAKeyAmongTheTrusted) {
  EXPECT_TRUE(trusted(file("both.pem", key_ + certificate_)).holds_private_key);
  EXPECT_FALSE(trusted(file("ca.crt", certificate_)).holds_private_key);
}

TEST_F(FilesTest, TellsTheFaultsOfAKeyApart) {
  EXPECT_TRUE(key(file("good.key", key_)).key);
  KeyFile encrypted = key(file("enc.key", encrypted_));
  EXPECT_TRUE(encrypted.encrypted);
  EXPECT_FALSE(encrypted.key);
  EXPECT_EQ(key(file("empty.key", "")).content, Content::empty);
  EXPECT_EQ(key(file("wrong.key", certificate_)).content, Content::other);
  EXPECT_EQ(key(directory_ + "/none.key").file.state, FileState::missing);
}

TEST_F(FilesTest, HoldsKeysToPostgresqlsRule) {
  FileFacts own;
  own.mode = 0600;
  EXPECT_TRUE(has_private_mode(own));
  own.mode = 0640;
  EXPECT_FALSE(has_private_mode(own));
  FileFacts roots;
  roots.mode = 0640;
  roots.owned_by_root = true;
  EXPECT_TRUE(has_private_mode(roots));
  roots.mode = 0660;
  EXPECT_FALSE(has_private_mode(roots));
  roots.mode = 0644;
  EXPECT_FALSE(has_private_mode(roots));
}

TEST_F(FilesTest, OpensNothingThatTheLinkWouldNotOpen) {
  settings_.ssl = false;
  settings_.certificate = directory_ + "/none";
  settings_.key = directory_ + "/none";
  settings_.crl = directory_ + "/none";
  Files files = read_files(settings_);
  EXPECT_FALSE(files.certificate);
  EXPECT_FALSE(files.key);
  EXPECT_FALSE(files.revocation_asked());
}

TEST_F(FilesTest, MissingListsAreAsked) {
  settings_.crl = directory_ + "/none.crl";
  Files files = read_files(settings_);
  ASSERT_TRUE(files.revocation_asked());
  EXPECT_EQ(files.lists.front().file.state, FileState::missing);
}

}  // namespace
}  // namespace sallyport::doctor
