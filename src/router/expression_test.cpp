#include <string>

#include <gtest/gtest.h>

#include "router/expression_keys.h"
#include "router/expression_program.h"
#include "router/expression_value.h"

namespace sallyport::router {
namespace {

// A request in parts that are easy to change.
struct Ask {
  std::string_view path = "/a/b/c";
  std::string_view host = "example.com";
  std::string_view query{};
  std::vector<http::Header> headers{};
  std::string_view sni{};
  model::Protocol protocol = model::Protocol::http;
  std::string_view client = "10.1.2.3";
};

bool holds(std::string_view expression, const Ask& ask, Match* out = nullptr) {
  static PatternCache patterns;  // names of captures live there
  ExpressionFault fault;
  const auto root = parse_expression(expression, Subsystem::http, patterns, fault);
  EXPECT_NE(root, nullptr) << fault.text(expression);
  if (root == nullptr) return false;
  const MatchInput input{.method = "GET",
                         .host = ask.host,
                         .port = 80,
                         .path = ask.path,
                         .headers = ask.headers,
                         .sni = ask.sni,
                         .protocol = ask.protocol,
                         .query = ask.query,
                         .source = {.ip = ask.client, .port = 4000},
                         .destination = {.ip = "10.0.0.9", .port = 8000}};
  Match match;
  const bool result = ExpressionProgram(*root).matches(input, ask.host, match);
  if (out != nullptr) *out = match;
  return result;
}

std::string fault(std::string_view expression, Subsystem subsystem = Subsystem::http) {
  return expression_error(expression, subsystem);
}

TEST(Expression, ComparesStrings) {
  EXPECT_TRUE(holds(R"(http.path == "/a/b/c")", {}));
  EXPECT_FALSE(holds(R"(http.path == "/a/b")", {}));
  EXPECT_TRUE(holds(R"(http.path != "/a/b")", {}));
  EXPECT_TRUE(holds(R"(http.path ^= "/a")", {}));
  EXPECT_TRUE(holds(R"(http.path =^ "/c")", {}));
  EXPECT_TRUE(holds(R"(http.path contains "/b/")", {}));
  EXPECT_FALSE(holds(R"(http.path contains "x")", {}));
  EXPECT_TRUE(holds(R"(http.path ~ "b/[c-d]$")", {}));
  EXPECT_FALSE(holds(R"(http.path ~ "^b")", {}));
  EXPECT_FALSE(holds(R"(http.path == "/A")", {.path = "/a"}));
  EXPECT_TRUE(holds(R"(lower(http.path) == "/a")", {.path = "/A"}));
  EXPECT_TRUE(holds(R"(lower(http.path) ~ "^/ab$")", {.path = "/AB"}));
  EXPECT_TRUE(holds("http.method == \"GET\"\n\t&& net.protocol == r#\"http\"#", {}));
}

TEST(Expression, ComparesNumbersAndAddresses) {
  EXPECT_TRUE(holds("net.dst.port == 8000 && net.src.port >= 4000 && net.src.port < 4001", {}));
  EXPECT_TRUE(holds("net.dst.port == 0x1f40 && net.dst.port == 017500 && net.dst.port > -1", {}));
  EXPECT_TRUE(holds("net.dst.port != 80 && net.dst.port <= 8000 && !(net.dst.port > 8000)", {}));
  EXPECT_TRUE(holds("net.src.ip in 10.0.0.0/8 && net.src.ip not in 10.2.0.0/16", {}));
  EXPECT_TRUE(holds("net.src.ip == 10.1.2.3", {}));
  EXPECT_TRUE(holds("net.src.ip == fd00::1", {.client = "fd00::1"}));
  EXPECT_TRUE(holds("net.src.ip in fd00::/8", {.client = "fd00::1"}));
  EXPECT_TRUE(holds("net.src.ip not in fd00::/8", {}));
  EXPECT_TRUE(holds("net.src.ip != 10.1.2.4 && !(net.src.ip != 10.1.2.3)", {}));
  EXPECT_TRUE(holds("net.port == 8000", {}));
  EXPECT_FALSE(holds("net.src.ip in 0.0.0.0/0", {.client = "fd00::1"}));
}

TEST(Expression, SegmentsCountFromZero) {
  EXPECT_TRUE(holds(R"(http.path.segments.0 == "a" && http.path.segments.2 == "c")", {}));
  EXPECT_TRUE(holds(R"(http.path.segments.0_1 == "a/b" && http.path.segments.len == 3)", {}));
  EXPECT_TRUE(holds(R"(http.path.segments.1_2 == "b/c")", {.path = "/a/b/c/"}));
  EXPECT_TRUE(holds("http.path.segments.len == 3", {.path = "/a/b/c/"}));
  EXPECT_TRUE(holds("http.path.segments.len == 0", {.path = "/"}));
  EXPECT_FALSE(holds(R"(http.path.segments.3 != "x")", {}));
  EXPECT_FALSE(holds(R"(http.path.segments.1_3 != "x")", {}));
  EXPECT_FALSE(holds(R"(http.path.segments.0 != "x")", {.path = "/"}));
}

TEST(Expression, AllValuesMustAgreeUnlessAny) {
  const Ask ask{.query = "q=1&q=2&flag&n%61me=a%20b",
                .headers = {{.name = "X-Foo", .value = "bar1"}, {.name = "x_foo", .value = "Baz"}}};
  EXPECT_FALSE(holds(R"(http.headers.x_foo == "bar1")", ask));
  EXPECT_TRUE(holds(R"(any(http.headers.x_foo) == "bar1")", ask));
  EXPECT_TRUE(holds(R"(http.headers.x_foo != "z")", ask));
  EXPECT_TRUE(holds(R"(any(http.headers.x_foo) != "bar1")", ask));
  EXPECT_TRUE(holds(R"(lower(any(http.headers.X_Foo)) == "baz")", ask));
  EXPECT_TRUE(holds(R"(http.headers.x_foo ~ "(?i)^ba")", ask));
  EXPECT_TRUE(holds(R"(any(http.queries.q) == "2")", ask));
  EXPECT_FALSE(holds(R"(http.queries.q == "2")", ask));
  EXPECT_TRUE(holds(R"(http.queries.flag == "" && http.queries.name == "a b")", ask));
}

TEST(Expression, WhatIsAbsentIsNothing) {
  EXPECT_FALSE(holds(R"(http.headers.x != "a")", {}));
  EXPECT_FALSE(holds(R"(tls.sni != "a")", {}));
  EXPECT_FALSE(holds(R"(http.host != "a")", {.host = ""}));
  EXPECT_TRUE(holds(R"(!(http.headers.x == "a"))", {}));
}

// As in Kong: || binds tighter.
TEST(Expression, OrBindsTighterThanAnd) {
  EXPECT_FALSE(holds(R"(http.path == "/x" && http.path == "/y" || http.method == "GET")", {}));
  EXPECT_FALSE(holds(R"(http.method == "GET" || http.path == "/x" && http.path == "/y")", {}));
  EXPECT_TRUE(holds(R"(http.method == "GET" || (http.path == "/x" && http.path == "/y"))", {}));
  EXPECT_FALSE(holds(R"(!(http.method == "GET" || http.path == "/x"))", {}));
  EXPECT_TRUE(holds(R"(!(http.method == "GET" && !(http.path ^= "/a")))", {}));
}

TEST(Expression, ShowsWhatThePathMatched) {
  Match match;
  ASSERT_TRUE(holds(R"(http.path ^= "/a" && http.method == "GET")", {}, &match));
  EXPECT_EQ(match.matched_path, "/a");
  ASSERT_TRUE(holds(R"x(http.path ~ "^/a/(?<x>.)/(?P<y>.)")x", {}, &match));
  EXPECT_TRUE(match.regex);
  EXPECT_EQ(match.matched_path, "/a/b/c");
  ASSERT_EQ(match.capture_count, 2);
  EXPECT_EQ(match.captures[1].name, "y");
  EXPECT_EQ(match.captures[1].value, "c");
  ASSERT_TRUE(holds(R"(http.path == "/a/b/c")", {}, &match));
  EXPECT_EQ(match.matched_path, "/a/b/c");
  ASSERT_TRUE(holds(R"(http.path ~ "/b")", {}, &match));
  EXPECT_EQ(match.matched_path, "");  // in the middle
  ASSERT_TRUE(holds(R"(!(http.path ^= "/x") && http.path ^= "/a/b")", {}, &match));
  EXPECT_EQ(match.matched_path, "/a/b");
}

TEST(Expression, FaultsNameThePlaceAndWhatWasExpected) {
  EXPECT_EQ(
      fault("http.path = \"/a\""),
      " --> 1:11\n  |\n1 | http.path = \"/a\"\n  |           ^---\n  |\n  = expected ==, !=, ~, "
      "^=, =^, >=, >, <=, <, in, not in, or contains");
  auto says = [](std::string_view expression, std::string_view place, std::string_view words) {
    const std::string text = fault(expression);
    EXPECT_NE(text.find(place), std::string::npos) << text;
    EXPECT_NE(text.find(words), std::string::npos) << text;
  };
  says("", "1:1", "expected a field");
  says("http.path == \"a\" &&\n  ", "2:3", "expected a field");
  says("(http.path == \"a\"", "1:18", "expected &&, ||, or )");
  says("! http.path == \"a\"", "1:3", "expected ( after !");
  says("http.path == \"a\" http.path", "1:18", "end of the expression");
  says("http.path == \"a", "1:14", "no end");
  says("http.path == \"a\\q\"", "1:16", "expected \\n");
  says("http.path == r#\"a\"", "1:14", "no end");
  says("http.nope == \"a\"", "1:1", "unknown field http.nope");
  says("http.path.segments.2_1 == \"a\"", "1:1", "unknown field");
  says("http.path == 1", "1:1", "this field is a string");
  says("net.dst.port == \"a\"", "1:1", "this field is an integer");
  says("net.dst.port == 99999999999999999999", "1:17", "expected an integer");
  says("net.src.ip in 192.168.0.1/24", "1:15", "without host bits");
  says("net.src.ip == 1.2.3", "1:15", "expected an IP address");
  says("net.src.ip in 10.0.0.1", "1:1", "in, not in");
  says("net.src.ip not 10.0.0.1", "1:16", "expected in after not");
  says("lower(net.dst.port) == 1", "1:1", "lower()");
  says("http.path ~ \"(\"", "1:13", "broken at offset");
  says(std::string(2000, '('), "1:", "nested");
  EXPECT_NE(expression_error("http.path == \"a\"", Subsystem::stream), "");
  EXPECT_EQ(expression_error("net.src.ip in 10.0.0.0/8 && tls.sni =^ \".a\"", Subsystem::stream),
            "");
}

ExpressionKeys keys(std::string_view expression) {
  PatternCache patterns;
  ExpressionFault unused;
  return keys_of(*parse_expression(expression, Subsystem::http, patterns, unused));
}

TEST(ExpressionKeys, AreWhatARequestMustHave) {
  auto both = keys(R"(http.host == "a" && (http.path ^= "/x" || http.path == "/y")
                      && any(http.headers.t) == "V")");
  ASSERT_EQ(both.hosts.size(), 1u);
  EXPECT_EQ(both.prefixes, (std::vector<std::string>{"/x", "/y"}));
  ASSERT_EQ(both.headers.size(), 1u);
  EXPECT_EQ(both.headers[0].values, (std::vector<std::string>{"v"}));
  EXPECT_TRUE(keys(R"(http.host == "a" || http.path ^= "/x")").hosts.empty());
  EXPECT_TRUE(keys(R"(!(http.path ^= "/x"))").prefixes.empty());
  EXPECT_TRUE(keys(R"(http.path != "/x" && http.host != "a")").prefixes.empty());
  EXPECT_EQ(keys(R"(http.path ~ "^/foo/\\d+")").prefixes, (std::vector<std::string>{"/foo/"}));
  EXPECT_TRUE(keys(R"(http.path ~ "/foo")").prefixes.empty());
  EXPECT_TRUE(keys(R"(lower(http.path) ^= "/foo")").prefixes.empty());
}

TEST(ExpressionKeys, AreExactWhenTheyAreAllThatIsAskedFor) {
  EXPECT_TRUE(keys(R"(http.host == "a")").exact);
  EXPECT_TRUE(keys(R"(http.path ^= "/x")").exact);
  EXPECT_TRUE(keys(R"((http.host == "a" || http.host =^ ".b") && http.path ^= "/x")").exact);
  EXPECT_FALSE(keys(R"(http.path == "/x")").exact);
  EXPECT_FALSE(keys(R"(http.path ~ "^/x")").exact);
  EXPECT_FALSE(keys(R"(http.host == "A")").exact);
  EXPECT_FALSE(keys(R"(http.host =^ "b")").exact);
  EXPECT_FALSE(keys(R"(http.host == "a" || http.path ^= "/x")").exact);
  EXPECT_FALSE(keys(R"(http.path ^= "/x" || http.path ^= "/y")").exact);
  EXPECT_FALSE(keys(R"(http.host == "a" && http.host == "b")").exact);
  EXPECT_FALSE(keys(R"(http.path ^= "/x" && http.path ^= "/xy")").exact);
  EXPECT_FALSE(keys(R"(http.host == "a" && http.headers.t == "v")").exact);
  EXPECT_FALSE(keys(R"(!(http.host == "a"))").exact);
}

}  // namespace
}  // namespace sallyport::router
