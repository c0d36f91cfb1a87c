#include "postgres/known_file.h"

#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "postgres/testing/certificates.h"

namespace sallyport::postgres {
namespace {

TEST(KnownFile, SeesAChangeOfTheSameSizeAtOnce) {
  TestDirectory directory;
  std::string path = directory.write("x", "one");
  for (const char* text : {"two", "six", "ten"}) {
    directory.write("x", text);
    auto read = read_known_file(path);
    ASSERT_TRUE(read);
    EXPECT_EQ((*read)->text, text);
  }
}

TEST(KnownFile, ReadsASettledFileOnce) {
  TestDirectory directory;
  std::string path = directory.write("x", "one");
  std::this_thread::sleep_for(std::chrono::milliseconds(2100));
  auto first = read_known_file(path);
  auto second = read_known_file(path);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(*first, *second);

  // mtime can be set back, ctime cannot.
  struct stat status;
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  directory.write("x", "two");
  timespec times[2] = {status.st_atim, status.st_mtim};
  ASSERT_EQ(utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  auto third = read_known_file(path);
  ASSERT_TRUE(third);
  EXPECT_EQ((*third)->text, "two");
  EXPECT_NE((*third)->hash, (*first)->hash);

  unlink(path.c_str());
  auto gone = read_known_file(path);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, "file.missing");
}

}  // namespace
}  // namespace sallyport::postgres
