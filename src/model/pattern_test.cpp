#include "model/pattern.h"

#include <string>

#include <gtest/gtest.h>

namespace sallyport::model {
namespace {

TEST(Pattern, Table) {
  struct Case {
    const char* pattern;
    const char* text;
    bool expected;
  } cases[] = {
      {"^%u+$", "GET", true},
      {"^%u+$", "get", false},
      {"^%u+$", "", false},
      {"//", "/a//b", true},
      {"//", "/a/b", false},
      {"^[^*]*%*?[^*]*$", "*.a", true},
      {"^[^*]*%*?[^*]*$", "*.a.*", false},
      {"^%*%.", "*.a", true},
      {"%.%*$", "a.*", true},
      {"%.%*$", "a.*.b", false},
      {"^[a-z][a-z%d-]-[a-z%d]+$", "my-vault1", true},
      {"^[a-z][a-z%d-]-[a-z%d]+$", "my-vault-", false},
      {"^[Hh][Oo][Ss][Tt]$", "hOsT", true},
      {"^[Hh][Oo][Ss][Tt]$", "hosts", false},
      {"a.c", "xabcx", true},
      {"^a?b$", "b", true},
      {"^a?b$", "aab", false},
      {"^[]]$", "]", true},
      {"%%", "100%", true},
      {"^%S+$", "a b", false},
      {"", "", true},
      {"^$", "", true},
      {"^$", "a", false},
      {"[", "[", false},
      {"%", "%", false},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(matches(c.pattern, c.text), c.expected) << c.pattern << " on " << c.text;
  }
}

TEST(Pattern, LongTextsEnd) {
  std::string text(100'000, 'a');
  EXPECT_FALSE(matches("^.-.-.-.-b$", text));
  EXPECT_FALSE(matches(".*.*.*b", text));
}

}  // namespace
}  // namespace sallyport::model
