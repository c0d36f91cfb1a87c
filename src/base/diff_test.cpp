#include "base/diff.h"

#include <gtest/gtest.h>

namespace sallyport {
namespace {

TEST(Diff, IsEmptyForEqualTexts) {
  EXPECT_EQ(unified_diff("a\nb\n", "a\nb\n", "f"), "");
}

TEST(Diff, ShowsAnInsertionWithContext) {
  EXPECT_EQ(unified_diff("1\n2\n3\n4\n5\n", "1\n2\n3\nnew\n4\n5\n", "f"),
            "--- f\n+++ f\n@@ -1,5 +1,6 @@\n 1\n 2\n 3\n+new\n 4\n 5\n");
}

TEST(Diff, SplitsFarChangesIntoHunks) {
  std::string before;
  for (int i = 0; i < 30; ++i) before += std::to_string(i) + "\n";
  std::string after = "first\n" + before + "last\n";
  std::string diff = unified_diff(before, after, "f");
  EXPECT_NE(diff.find("@@ -1,3 +1,4 @@\n+first\n"), std::string::npos) << diff;
  EXPECT_NE(diff.find("@@ -28,3 +29,4 @@\n 27\n 28\n 29\n+last\n"), std::string::npos) << diff;
}

TEST(Diff, ShowsReplacement) {
  EXPECT_EQ(unified_diff("a\nold\nb\n", "a\nnew\nb\n", "f"),
            "--- f\n+++ f\n@@ -1,3 +1,3 @@\n a\n-old\n+new\n b\n");
}

}  // namespace
}  // namespace sallyport
