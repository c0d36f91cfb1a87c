#include "http/uri.h"

#include <string>

#include <gtest/gtest.h>

#include "http/authority.h"
#include "http/request_target.h"

namespace sallyport::http {
namespace {

TEST(Uri, NormalisesPaths) {
  struct {
    std::string_view path, normal;
  } const kTable[] = {
      {"/", "/"},
      {"", "/"},
      {"*", "*"},
      {"/a/b", "/a/b"},
      {"/a/", "/a/"},
      {"/h%65llo", "/hello"},
      {"/%7Euser/%2Dx%5f", "/~user/-x_"},
      {"/auth%2f123", "/auth%2F123"},
      {"/a%20b", "/a%20b"},
      {"/a b", "/a%20b"},
      {"/caf\xc3\xa9", "/caf%C3%A9"},
      {"/caf%c3%a9", "/caf%C3%A9"},
      {"/a|b\"<>\\^`{}", "/a%7Cb%22%3C%3E%5C%5E%60%7B%7D"},
      {"/!$&'()*+,:;=@[]", "/!$&'()*+,:;=@[]"},
      {"/%25", "/%25"},
      {"/%2525", "/%2525"},
      {"/a//b", "/a/b"},
      {"///", "/"},
      {"/a/./b", "/a/b"},
      {"/a/../b", "/b"},
      {"/a//../b", "/b"},
      {"/..", "/"},
      {"/../../x", "/x"},
      {"/.", "/"},
      {"/a/.", "/a/"},
      {"/a/..", "/"},
      {"/a/b/..", "/a/"},
      {"/a/b/../", "/a/"},
      {"/a/%2e%2E/b", "/b"},
      {"/a/.%2e/b", "/b"},
      {"/route%2E%2E/req", "/route../req"},
      {"/...", "/..."},
      {"/.well-known/x", "/.well-known/x"},
      {"/..a/.b./c..", "/..a/.b./c.."},
      {"/a/%2e", "/a/"},
      {"/a;x=../b;/c;..", "/a;x=../b;/c;.."},
      {"/a/;jsessionid=1", "/a/;jsessionid=1"},
      {"//x/a.", "/x/a."},
      {"//x/;.", "/x/;."},
      {"/a%2f...%2f.b%5cc", "/a%2F...%2F.b%5Cc"},
  };
  for (const auto& row : kTable) {
    EXPECT_EQ(normalized_path(row.path), std::string(row.normal)) << row.path;
    EXPECT_EQ(normalized_path(row.normal), std::string(row.normal)) << row.normal;
  }
  EXPECT_EQ(normalized_path(std::string_view("/a\0", 3)), std::nullopt);
  for (std::string_view broken : {"/%", "/%2", "/%2g", "/%g2", "/%00", "/a/%", "a", "a/b", "?"}) {
    EXPECT_EQ(normalized_path(broken), std::nullopt) << broken;
  }
}

// Some servers take %2F for a slash, '\\' too, and parameters off segments, before they look for
// "..".
TEST(Uri, RefusesStepsThatOnlySomeServersSee) {
  for (std::string_view hidden :
       {"/a/..%2fb", "/a/%2e%2e%2Fb", "/a%2f..", "/a%2f../b", "/a/..%5cb", "/a\\..\\b",
        "/a/x%5c..%5cb", "/a/..;/b", "/a/..;x=1/b", "/a/..;", "/a/%2e%2e;/b", "/a/.;/b", "/;/a",
        "/;x/a", "/a/;x/b", "/a/.%2fb", "/a%2f..;x%2fb"}) {
    EXPECT_EQ(normalized_path(hidden), std::nullopt) << hidden;
  }
}

TEST(Uri, RequestsDoNotClimbAboveTheRoot) {
  auto normal = [](std::string_view path) {
    std::string room(normalized_room(path.size()), '\0');
    return std::string(normalize_path(path, room, Climbing::refused).value_or("refused"));
  };
  for (std::string_view path : {"/..", "/../e", "/e/../../e", "/%2e%2e/e", "/e/%2E./.%2e/e",
                                "/./../e", "//../e", "/a/b/../../../c", "/e/../.."}) {
    EXPECT_EQ(normal(path), "refused") << path;
  }
  EXPECT_EQ(normal("/e/.."), "/");
  EXPECT_EQ(normal("/a/b/../../c"), "/c");
  EXPECT_EQ(normal("/..."), "/...");
  EXPECT_EQ(normal("/a/../b/../c/"), "/c/");
}

TEST(Uri, ANormalPathNeedsNoMemory) {
  std::string_view path = "/already/normal-1.0/~x";
  auto normal = normalize_path(path, {}, Climbing::refused);
  ASSERT_TRUE(normal);
  EXPECT_EQ(normal->data(), path.data());
  EXPECT_EQ(normalize_path("/a//b", {}, Climbing::refused), std::nullopt);
}

TEST(Uri, DecodesAndEncodes) {
  EXPECT_EQ(percent_decode("a%20b%zz%4"), "a b%zz%4");
  EXPECT_EQ(percent_decode("a+b%2B"), "a+b+");
  EXPECT_EQ(percent_decode("a+b%2B", true), "a b+");
  EXPECT_EQ(percent_encode("a b/\xc3~"), "a%20b%2F%C3~");
}

TEST(Uri, SplitsTargets) {
  RequestTarget target = split_target(Method::get, "/a?b?c");
  EXPECT_EQ(target.form, TargetForm::origin);
  EXPECT_EQ(target.path, "/a");
  EXPECT_EQ(target.query, "b?c");
  target = split_target(Method::get, "/a?");
  EXPECT_TRUE(target.has_query);
  target = split_target(Method::get, "HTTP://[::1]:8080?x");
  EXPECT_EQ(target.form, TargetForm::absolute);
  EXPECT_EQ(target.authority, "[::1]:8080");
  EXPECT_EQ(target.path, "");
  EXPECT_EQ(target.query, "x");
  target = split_target(Method::post, "https://a.b/c");
  EXPECT_EQ(target.scheme, "https");
  EXPECT_EQ(target.path, "/c");
  EXPECT_FALSE(target.has_query);
  EXPECT_EQ(split_target(Method::options, "*").form, TargetForm::asterisk);
  EXPECT_EQ(split_target(Method::connect, "a:1").form, TargetForm::authority);
}

TEST(Uri, SplitsAuthorities) {
  auto authority = split_authority("example.com:8080");
  ASSERT_TRUE(authority);
  EXPECT_EQ(authority->host, "example.com");
  EXPECT_EQ(authority->port, 8080);
  authority = split_authority("[2001:db8::1]");
  ASSERT_TRUE(authority);
  EXPECT_EQ(authority->host, "[2001:db8::1]");
  EXPECT_FALSE(authority->has_port);
  authority = split_authority("a:");
  ASSERT_TRUE(authority);
  EXPECT_FALSE(authority->has_port);
  EXPECT_TRUE(split_authority("a%41b"));
}

TEST(DecodePath, LeavesWhatIsReservedAndControls) {
  auto decoded = [](std::string_view raw) { return decoded_path(normalized_path(raw).value()); };
  EXPECT_EQ(decoded("/a%20b/%C3%A9%22"), "/a b/\xc3\xa9\"");
  EXPECT_EQ(decoded("/a%2fb%3f%25%5b"), "/a%2Fb%3F%25%5B");
  EXPECT_EQ(decoded("/%0d%0A%7f%1F"), "/%0D%0A%7F%1F");
  EXPECT_EQ(decoded("/%2541"), "/%2541");
  EXPECT_EQ(decoded("/plain"), "/plain");
  for (const char* raw : {"/a%20b/%C3%A9", "/%0a%2f%25", "/x\xff{}|", "/"}) {
    const std::string normal = normalized_path(raw).value();
    EXPECT_EQ(normal_size(decoded_path(normal)), normal.size()) << raw;
  }
}

}  // namespace
}  // namespace sallyport::http
