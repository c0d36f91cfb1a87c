#include "base/staged_files.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

namespace sallyport {
namespace {

class StagedFilesTest : public testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/staged-XXXXXX";
    ASSERT_NE(mkdtemp(pattern), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  std::string at(const std::string& name) const { return directory_ + "/" + name; }
  size_t files() const {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(directory_), {}));
  }
  static uint32_t mode(const std::string& path) {
    struct stat status{};
    stat(path.c_str(), &status);
    return status.st_mode & 07777;
  }
  std::string directory_;
};

TEST_F(StagedFilesTest, NothingChangesBeforeCommit) {
  std::ofstream(at("a")) << "old";
  {
    StagedFiles files;
    ASSERT_TRUE(files.stage(at("a"), "new", 0644));
    ASSERT_TRUE(files.stage(at("b"), "new", 0600));
    EXPECT_EQ(read_file(at("a")).value(), "old");
    EXPECT_FALSE(std::filesystem::exists(at("b")));
    EXPECT_EQ(this->files(), 3u);
  }
  EXPECT_EQ(files(), 1u);
  EXPECT_EQ(read_file(at("a")).value(), "old");
}

TEST_F(StagedFilesTest, CommitReplacesAllWithTheirModes) {
  mode_t before = umask(0);
  std::ofstream(at("a")) << "old";
  StagedFiles files;
  ASSERT_TRUE(files.stage(at("a"), "new a", 0644));
  ASSERT_TRUE(files.stage(at("b"), "new b", 0600));
  ASSERT_TRUE(files.commit());
  umask(before);
  EXPECT_EQ(read_file(at("a")).value(), "new a");
  EXPECT_EQ(read_file(at("b")).value(), "new b");
  EXPECT_EQ(mode(at("a")), 0644u);
  EXPECT_EQ(mode(at("b")), 0600u);
  EXPECT_EQ(this->files(), 2u);
}

TEST_F(StagedFilesTest, KeepsTheOwnerAndFollowsLinks) {
  std::ofstream(at("real")) << "old";
  ASSERT_EQ(symlink("real", at("link").c_str()), 0);
  if (getuid() == 0) ASSERT_EQ(chown(at("real").c_str(), 1234, 1235), 0);
  StagedFiles files;
  ASSERT_TRUE(files.stage(at("link"), "new", 0600));
  ASSERT_TRUE(files.commit());
  EXPECT_TRUE(std::filesystem::is_symlink(at("link")));
  EXPECT_EQ(read_file(at("real")).value(), "new");
  if (getuid() == 0) {
    struct stat status{};
    ASSERT_EQ(stat(at("real").c_str(), &status), 0);
    EXPECT_EQ(status.st_uid, 1234u);
    EXPECT_EQ(status.st_gid, 1235u);
  }
}

TEST_F(StagedFilesTest, RemovesOnlyItsOwnLeftovers) {
  for (const char* name : {"a", "a.0123abcd.tmp", "a.tmp", "a.zzzzzzzz.tmp", "b.0123abcd.tmp"}) {
    std::ofstream(at(name)) << "x";
  }
  StagedFiles::remove_leftovers(at("a"));
  EXPECT_FALSE(std::filesystem::exists(at("a.0123abcd.tmp")));
  EXPECT_EQ(files(), 4u);
}

TEST_F(StagedFilesTest, NamesTheFileThatCannotBeMade) {
  StagedFiles files;
  auto staged = files.stage(at("missing/a"), "x", 0600);
  ASSERT_FALSE(staged);
  EXPECT_NE(staged.error().detail.find("missing/a"), std::string::npos);
}

}  // namespace
}  // namespace sallyport
