#include <filesystem>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"
#include "base/secret.h"
#include "base/uuid.h"

namespace sallyport {
namespace {

TEST(Secret, ComparesByContent) {
  Secret secret("hunter2");
  EXPECT_TRUE(secret.equals("hunter2"));
  EXPECT_FALSE(secret.equals("hunter3"));
  EXPECT_FALSE(secret.equals("hunter"));
  Secret moved = std::move(secret);
  EXPECT_TRUE(moved.equals("hunter2"));
}

TEST(Uuid, IsVersionFour) {
  std::string id = new_uuid();
  EXPECT_TRUE(is_uuid(id));
  EXPECT_EQ(id[14], '4');
  EXPECT_NE(id, new_uuid());
  EXPECT_FALSE(is_uuid("not-a-uuid"));
  EXPECT_FALSE(is_uuid(id + "0"));
}

TEST(Json, RefusesWhatIsTooDeep) {
  std::string deep(200, '[');
  deep += std::string(200, ']');
  EXPECT_TRUE(parse_json(deep).is_discarded());
  EXPECT_TRUE(parse_json("{").is_discarded());
  EXPECT_EQ(parse_json("{\"a\":\"[[[\"}")["a"], "[[[");
}

TEST(File, WritesAtomicallyWithItsMode) {
  std::string directory = std::filesystem::temp_directory_path() / ("sallyport-" + new_uuid());
  ASSERT_TRUE(make_directories(directory + "/a/b", 0700));
  std::string path = directory + "/a/b/key";
  ASSERT_TRUE(write_file_atomically(path, "one", 0600));
  ASSERT_TRUE(write_file_atomically(path, "two", 0600));
  struct stat status;
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_EQ(read_file(path).value(), "two");
  EXPECT_EQ(read_file(directory).error().code, "file.not_regular");
  EXPECT_EQ(read_file(directory + "/none").error().code, "file.missing");
  EXPECT_EQ(read_file(path, 2).error().code, "file.too_large");
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace sallyport
