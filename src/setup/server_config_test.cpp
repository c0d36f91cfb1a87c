#include "setup/server_config.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "base/file.h"
#include "setup/file_access.h"
#include "setup/server_files.h"

namespace sallyport::setup {
namespace {

class ServerConfigTest : public testing::Test {
 protected:
  ServerConfigTest() {
    directory_ = testing::TempDir() + "/server_config";
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_ + "/conf.d");
  }
  void write(const std::string& name, const std::string& text) {
    ASSERT_TRUE(write_file_atomically(directory_ + "/" + name, text, 0644));
  }
  std::string value(const std::string& name, const PlannedFiles& planned = {}) {
    auto config = ServerConfig::read(directory_ + "/postgresql.conf", directory_, planned);
    return config ? config->value(name) : config.error().text();
  }
  std::string directory_;
};

TEST_F(ServerConfigTest, ReadsLinesAsTheServerDoes) {
  write("postgresql.conf",
        "SSL = on # yes\nport 5433\nssl_cert_file = 'it''s \\'here\\'.crt'\n# ssl = off\n"
        "ssl_key_file='a'\n ssl_key_file = 'b'\n");
  EXPECT_EQ(value("ssl"), "on");
  EXPECT_EQ(value("port"), "5433");
  EXPECT_EQ(value("ssl_cert_file"), "it's 'here'.crt");
  EXPECT_EQ(value("ssl_key_file"), "b");
  EXPECT_EQ(value("ssl_ca_file"), "");
}

TEST_F(ServerConfigTest, FollowsIncludesInOrderAndTakesTheAutomaticFileLast) {
  write("postgresql.conf",
        "ssl = a\ninclude = 'more.txt'\ninclude_if_exists 'none'\n"
        "include_dir = 'conf.d'\nport = 1\n");
  write("more.txt", "ssl = b\nport = 2\n");
  write("conf.d/10.conf", "ssl_ca_file = 10\n");
  write("conf.d/20.conf", "ssl_ca_file = 20\n");
  write("conf.d/30.conf.off", "ssl_ca_file = 30\n");
  EXPECT_EQ(value("ssl"), "b");
  EXPECT_EQ(value("port"), "1");
  EXPECT_EQ(value("ssl_ca_file"), "20");
  EXPECT_EQ(value("ssl_ca_file", {{directory_ + "/conf.d/25.conf", "ssl_ca_file = 25\n"}}), "25");
  write("postgresql.auto.conf", "ssl_ca_file = 'auto'\n");
  EXPECT_EQ(value("ssl_ca_file"), "auto");
}

TEST_F(ServerConfigTest, NamesAFileThatIsMissingAndEndsALoop) {
  write("postgresql.conf", "include 'none'\n");
  EXPECT_NE(value("ssl").find(directory_ + "/none"), std::string::npos);
  write("postgresql.conf", "include 'postgresql.conf'\n");
  EXPECT_NE(value("ssl").find("too deep"), std::string::npos);
}

TEST(FileAccess, KnowsWhoMayReadAndWhereLinksLead) {
  std::string directory = testing::TempDir() + "/file_access";
  std::filesystem::remove_all(directory);
  std::filesystem::create_directories(directory);
  ASSERT_TRUE(write_file_atomically(directory + "/open", "", 0644));
  ASSERT_TRUE(write_file_atomically(directory + "/own", "", 0600));
  std::filesystem::create_symlink("/etc/hostname", directory + "/link");
  std::filesystem::create_symlink("nothing", directory + "/dangling");
  const ServerUser nobody = {65534, 65534, "nobody"};
  EXPECT_EQ(what_bars(nobody, "/etc/passwd"), "");
  EXPECT_NE(what_bars(nobody, directory + "/own"), "");
  EXPECT_NE(what_bars(nobody, directory + "/none"), "");
  EXPECT_EQ(leads_astray(nobody, directory + "/open"), "");
  EXPECT_NE(leads_astray(nobody, directory + "/dangling"), "");
  EXPECT_FALSE(accepts_key(nobody, directory + "/own"));
}

TEST(ServerFiles, KnowsTheNamesThatTheServerLooksUp) {
  EXPECT_TRUE(is_hashed_crl_name("5ed36f99.r0"));
  EXPECT_TRUE(is_hashed_crl_name("5ed36f99.r12"));
  for (const char* other :
       {"5ed36f99.0", "5ed36f99.r", "5ed36f9.r0", "root.crl", "5ED36F99.r0", ""}) {
    EXPECT_FALSE(is_hashed_crl_name(other)) << other;
  }
}

}  // namespace
}  // namespace sallyport::setup
