#include "http/headers.h"

#include <string>

#include <gtest/gtest.h>

#include "base/text.h"

namespace sallyport::http {
namespace {

TEST(Headers, EveryNameIsFoundInAnyCase) {
  for (size_t i = 1; i < kHeaderIds; ++i) {
    auto id = static_cast<HeaderId>(i);
    std::string name(header_name(id));
    ASSERT_FALSE(name.empty());
    EXPECT_EQ(header_id(name), id) << name;
    for (char& c : name) c = static_cast<char>(std::toupper(c));
    EXPECT_EQ(header_id(name), id) << name;
    // One character off in any place is another name.
    for (size_t at = 0; at < name.size(); ++at) {
      std::string other = name;
      other[at] = other[at] == '_' ? '~' : '_';
      EXPECT_EQ(header_id(other), HeaderId::other) << other;
    }
    EXPECT_NE(header_id(name + "x"), id);
  }
  EXPECT_EQ(header_id(""), HeaderId::other);
}

TEST(Headers, Methods) {
  EXPECT_EQ(method_of("GET"), Method::get);
  EXPECT_EQ(method_of("get"), Method::other);
  EXPECT_EQ(method_of("DELETE"), Method::del);
  EXPECT_EQ(method_of("CONNECT"), Method::connect);
  EXPECT_EQ(method_of("PURGE"), Method::other);
}

TEST(Headers, Lists) {
  EXPECT_TRUE(list_contains("a, B ,c", "b"));
  EXPECT_TRUE(list_contains(",,close", "close"));
  EXPECT_FALSE(list_contains("closed", "close"));
  EXPECT_FALSE(list_contains("", "close"));
}

}  // namespace
}  // namespace sallyport::http
