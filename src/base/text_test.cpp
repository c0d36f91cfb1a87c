#include "base/text.h"

#include <array>

#include <gtest/gtest.h>

namespace sallyport::text {
namespace {

TEST(Text, TrimsAndSplitsLists) {
  EXPECT_EQ(trim("  a b\t\r\n"), "a b");
  EXPECT_EQ(trim(" \t"), "");
  EXPECT_EQ(split("a,,b", ',').size(), 3u);
  EXPECT_EQ(split("", ',').size(), 1u);
  auto parts = list("a,, b ,");
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(parts[1], "b");
}

TEST(Text, ReadsWholeNumbersOnly) {
  EXPECT_EQ(to_integer("-12"), -12);
  EXPECT_FALSE(to_integer("12x"));
  EXPECT_FALSE(to_integer(""));
  EXPECT_FALSE(to_integer("99999999999999999999"));
  EXPECT_EQ(to_number("1e3"), 1000);
  EXPECT_FALSE(to_number("inf"));
}

TEST(Text, FindsTheNearestWord) {
  constexpr std::array<std::string_view, 3> kWords = {"pg_ssl", "pg_ssl_verify", "proxy_listen"};
  EXPECT_EQ(nearest("pg_sl_verify", kWords), "pg_ssl_verify");
  EXPECT_EQ(nearest("proxy_listn", kWords), "proxy_listen");
  EXPECT_FALSE(nearest("colour", kWords));
}

TEST(Text, Base64RoundTrip) {
  for (std::string_view sample : {"", "f", "fo", "foo", "foob", "fooba", "foobar"}) {
    EXPECT_EQ(from_base64(base64(sample)), sample);
  }
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_FALSE(from_base64("Zg="));
  EXPECT_FALSE(from_base64("Z=g="));
  EXPECT_FALSE(from_base64("Z*=="));
}

TEST(Text, Utf8IsStrict) {
  EXPECT_TRUE(valid_utf8("gr\xc3\xbc\xc3\x9f"));
  EXPECT_FALSE(valid_utf8("\xc0\xaf"));          // overlong
  EXPECT_FALSE(valid_utf8("\xed\xa0\x80"));      // surrogate
  EXPECT_FALSE(valid_utf8("\xf4\x90\x80\x80"));  // beyond U+10FFFF
  EXPECT_FALSE(valid_utf8("\xe2\x82"));          // cut
}

}  // namespace
}  // namespace sallyport::text
