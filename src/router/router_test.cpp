#include "router/router.h"

#include <string>

#include <gtest/gtest.h>

#include "router/pattern.h"

namespace sallyport::router {
namespace {

using model::Protocol;
using model::Route;

struct Table {
  std::vector<std::shared_ptr<const Route>> routes;
  std::vector<Error> faults;
  Router router;

  explicit Table(std::vector<Route> list, Flavor flavor = Flavor::traditional_compatible) {
    for (Route& route : list) {
      if (route.protocols.empty()) route.protocols = {Protocol::http, Protocol::https};
      routes.push_back(std::make_shared<const Route>(std::move(route)));
    }
    router = Router::build(routes, &faults, nullptr, flavor);
  }
};

struct Ask {
  std::string_view path = "/";
  std::string_view host = "none.test";
  std::string_view method = "GET";
  std::vector<http::Header> headers{};
  std::string_view sni{};
  Protocol protocol = Protocol::http;
  uint16_t port = 80;
};

// The index of the matching route, or -1.
int ask(const Table& table, const Ask& q, Match* out = nullptr) {
  Match match;
  MatchInput input{.method = q.method,
                   .host = q.host,
                   .port = q.port,
                   .path = q.path,
                   .headers = q.headers,
                   .sni = q.sni,
                   .protocol = q.protocol};
  bool found = table.router.match(input, match);
  if (out != nullptr) *out = match;
  return found ? static_cast<int>(match.route) : -1;
}

Route with_paths(std::vector<std::string> paths) {
  Route route;
  route.paths = std::move(paths);
  return route;
}

Route with_hosts(std::vector<std::string> hosts, std::vector<std::string> paths = {}) {
  Route route;
  route.hosts = std::move(hosts);
  route.paths = std::move(paths);
  return route;
}

Route with_header(std::string name, std::vector<std::string> values) {
  Route route;
  route.headers.emplace_back(std::move(name), std::move(values));
  return route;
}

TEST(Router, AnEmptyRouterMatchesNothing) {
  Match match;
  EXPECT_FALSE(Router().match({}, match));
  EXPECT_EQ(ask(Table({}), {}), -1);
}

TEST(Router, PrefixesAreStringsAndTheLongestWins) {
  Table table({with_paths({"/a"}), with_paths({"/a/b"}), with_paths({"/a/b/"})});
  Match match;
  EXPECT_EQ(ask(table, {"/a"}), 0);
  EXPECT_EQ(ask(table, {"/abc"}), 0);
  EXPECT_EQ(ask(table, {"/a/b"}), 1);
  EXPECT_EQ(ask(table, {"/a/b/c"}, &match), 2);
  EXPECT_EQ(match.matched_path, "/a/b/");
  EXPECT_FALSE(match.regex);
  EXPECT_EQ(ask(table, {"/"}), -1);
  EXPECT_EQ(ask(table, {"/b/a"}), -1);
}

TEST(Router, PathsOfRoutesAreNormalised) {
  Table table({with_paths({"/caf%c3%a9"}), with_paths({"/%7Euser"})});
  EXPECT_EQ(ask(table, {"/caf\xc3\xa9"}), 0);
  EXPECT_EQ(ask(table, {"/~user"}), 1);
}

TEST(Router, RegexesAreAnchoredAndCapture) {
  Table table({with_paths({"~/users/(?<id>\\d+)(?:/(?<what>[a-z]+))?", "/users"})});
  Match match;
  EXPECT_EQ(ask(table, {"/users/42/cart"}, &match), 0);
  EXPECT_TRUE(match.regex);
  EXPECT_EQ(match.matched_path, "/users/42/cart");
  ASSERT_EQ(match.capture_count, 2);
  EXPECT_EQ(match.captures[0].name, "id");
  EXPECT_EQ(match.captures[0].value, "42");
  EXPECT_EQ(match.captures[1].value, "cart");
  EXPECT_EQ(ask(table, {"/users/42/CART"}, &match), 0);
  EXPECT_EQ(match.matched_path, "/users/42");
  EXPECT_EQ(match.capture_count, 1);
  EXPECT_EQ(ask(table, {"/users/x"}, &match), 0);
  EXPECT_FALSE(match.regex);
  EXPECT_EQ(match.capture_count, 0);
  EXPECT_EQ(ask(table, {"/x/users/42"}), -1);
}

TEST(Router, RegexAlternativesStayAnchored) {
  Table table({with_paths({"~/a|/b"})});
  EXPECT_EQ(ask(table, {"/a"}), 0);
  EXPECT_EQ(ask(table, {"/bx"}), 0);
  EXPECT_EQ(ask(table, {"/c/b"}), -1);
}

TEST(Router, ABrokenRegexLeavesItsRouteOutOnly) {
  Route broken = with_paths({"/ok", "~/(unclosed"});
  broken.id = "the-id";
  Table table({broken, with_paths({"/other"}), with_header("x", {"~*["}), Route{}});
  ASSERT_EQ(table.faults.size(), 3u);
  EXPECT_EQ(table.faults[0].code, "router.regex");
  EXPECT_NE(table.faults[0].detail.find("the-id"), std::string::npos);
  EXPECT_EQ(table.faults[2].code, "router.empty");
  EXPECT_EQ(ask(table, {"/ok"}), -1);
  EXPECT_EQ(ask(table, {"/other"}), 1);
}

TEST(Router, ARunawayRegexStops) {
  Table table({with_paths({"~/(a+)+$"}), with_paths({"/"})});
  // And the request is not routed past it.
  EXPECT_EQ(ask(table, {"/" + std::string(40, 'a') + "b"}), -1);
}

TEST(Router, Hosts) {
  Table table({with_hosts({"Example.COM"}), with_hosts({"*.example.com"}),
               with_hosts({"example.*"}), with_hosts({"ported.test:8443"}),
               with_hosts({"*.ported.test:81"}), with_hosts({"[::1]:80", "[::2]"})});
  EXPECT_EQ(ask(table, {.host = "example.com"}), 0);
  EXPECT_EQ(ask(table, {.host = "EXAMPLE.com"}), 0);
  EXPECT_EQ(ask(table, {.host = "a.Example.com"}), 1);
  EXPECT_EQ(ask(table, {.host = "a.b.example.com"}), 1);
  EXPECT_EQ(ask(table, {.host = ".example.com"}), -1);
  EXPECT_EQ(ask(table, {.host = "example.org.uk"}), 2);
  EXPECT_EQ(ask(table, {.host = "example."}), -1);
  EXPECT_EQ(ask(table, {.host = "xexample.com"}), -1);
  EXPECT_EQ(ask(table, {.host = "ported.test", .port = 8443}), 3);
  EXPECT_EQ(ask(table, {.host = "ported.test", .port = 80}), -1);
  EXPECT_EQ(ask(table, {.host = "a.ported.test", .port = 81}), 4);
  EXPECT_EQ(ask(table, {.host = "[::1]", .port = 80}), 5);
  EXPECT_EQ(ask(table, {.host = "[::1]", .port = 81}), -1);
  EXPECT_EQ(ask(table, {.host = "[::2]", .port = 81}), 5);
  EXPECT_EQ(ask(table, {.host = ""}), -1);
  EXPECT_EQ(ask(table, {.host = std::string(300, 'a') + ".example.com"}), -1);
}

TEST(Router, Methods) {
  Route purge = with_paths({"/"});
  purge.methods = {"PURGE", "DELETE"};
  Table table({purge});
  EXPECT_EQ(ask(table, {.method = "PURGE"}), 0);
  EXPECT_EQ(ask(table, {.method = "DELETE"}), 0);
  EXPECT_EQ(ask(table, {.method = "delete"}), -1);
  EXPECT_EQ(ask(table, {.method = "FROB"}), -1);
  EXPECT_EQ(ask(table, {.method = "GET"}), -1);
}

http::Header header(std::string_view name, std::string_view value) {
  return {.name = name, .value = value};
}

TEST(Router, Headers) {
  Route both = with_header("version", {"v1", "v2"});
  both.headers.emplace_back("location", std::vector<std::string>{"There"});
  Table table(
      {with_header("version", {"V2"}), both, with_header("user_agent", {"~*linux|bsd\\d"})});
  EXPECT_EQ(ask(table, {.headers = {header("Version", "v2")}}), 0);
  EXPECT_EQ(ask(table, {.headers = {header("version", "v1")}}), -1);
  EXPECT_EQ(ask(table, {.headers = {header("LOCATION", "THERE"), header("version", "v2")}}), 1);
  EXPECT_EQ(ask(table, {.headers = {header("version", "x"), header("version", "v2")}}), 0);
  EXPECT_EQ(ask(table, {.headers = {header("User-Agent", "X (FreeBSD7)")}}), 2);
  EXPECT_EQ(ask(table, {.headers = {header("user_agent", "LINUX")}}), 2);
  EXPECT_EQ(ask(table, {.headers = {header("User-Agent", "bsd")}}), -1);
}

TEST(Router, SnisAreLookedAtOverTlsOnly) {
  Route exact = with_paths({"/"});
  exact.snis = {"A.test", "*.b.test", "c.*"};
  Table table({exact});
  EXPECT_EQ(ask(table, {.protocol = Protocol::http}), 0);
  EXPECT_EQ(ask(table, {.sni = "a.TEST", .protocol = Protocol::https}), 0);
  EXPECT_EQ(ask(table, {.sni = "x.b.test", .protocol = Protocol::https}), 0);
  EXPECT_EQ(ask(table, {.sni = "c.x.y", .protocol = Protocol::https}), 0);
  EXPECT_EQ(ask(table, {.sni = "b.test", .protocol = Protocol::https}), -1);
  EXPECT_EQ(ask(table, {.sni = "", .protocol = Protocol::https}), -1);
}

TEST(Router, ADotAtTheEndOfASniIsNone) {
  Route route = with_paths({"/"});
  route.snis = {"a.test."};
  const Table table({route});
  EXPECT_EQ(ask(table, {.sni = "a.test", .protocol = Protocol::https}), 0);
}

TEST(Router, Protocols) {
  auto route = [](std::string path, std::vector<Protocol> protocols) {
    Route out = with_paths({std::move(path)});
    out.protocols = std::move(protocols);
    return out;
  };
  Table table({route("/s", {Protocol::https}), route("/p", {Protocol::http}),
               route("/g", {Protocol::grpc, Protocol::grpcs}), route("/t", {Protocol::tcp}),
               route("/gs", {Protocol::grpcs})});
  Match match;
  EXPECT_EQ(ask(table, {"/s"}, &match), 0);
  EXPECT_TRUE(match.https_only);
  EXPECT_EQ(ask(table, {.path = "/s", .protocol = Protocol::https}), 0);
  EXPECT_EQ(ask(table, {"/p"}, &match), 1);
  EXPECT_FALSE(match.https_only);
  EXPECT_EQ(ask(table, {.path = "/p", .protocol = Protocol::https}), 1);  // as in Kong
  EXPECT_EQ(ask(table, {"/g"}), 2);
  EXPECT_EQ(ask(table, {.path = "/g", .protocol = Protocol::https}), 2);
  EXPECT_EQ(ask(table, {"/t"}), -1);
  EXPECT_EQ(ask(table, {"/gs"}, &match), 4);
  EXPECT_TRUE(match.https_only);
}

// Each later route must win over the ones before it.
TEST(Router, PriorityInKongsOrder) {
  std::vector<Route> list;
  auto add = [&list](auto&& change) {
    Route route = with_hosts({"*.test"}, {"/path"});
    route.created_at = 100;
    change(route);
    list.push_back(std::move(route));
  };
  add([](Route& r) { r.created_at = 200; });
  add([](Route&) {});
  add([](Route& r) { r.created_at = 99; });
  add([](Route& r) { r.paths = {"/path/longer"}; });
  add([](Route& r) { r.paths = {"~/path/l"}; });
  add([](Route& r) { r.paths = {"~/path/"}, r.regex_priority = -5; });
  std::swap(list[4], list[5]);
  add([](Route& r) { r.paths = {"~/pa"}, r.regex_priority = 7; });
  add([](Route& r) { r.hosts = {"a.test"}, r.regex_priority = 0; });
  add([](Route& r) { r.hosts = {"a.test"}, r.paths = {"~/p"}; });
  add([](Route& r) { r.headers.emplace_back("x", std::vector<std::string>{"1"}); });
  add([](Route& r) {
    r.headers.emplace_back("x", std::vector<std::string>{"1"});
    r.paths = {"~/p"};
  });
  add([](Route& r) {
    r.headers.emplace_back("x", std::vector<std::string>{"1"});
    r.headers.emplace_back("y", std::vector<std::string>{"1"});
  });
  Ask question{
      .path = "/path/longer", .host = "a.test", .headers = {header("x", "1"), header("y", "1")}};
  for (int count = 1; count <= static_cast<int>(list.size()); ++count) {
    Table table({list.begin(), list.begin() + count});
    EXPECT_EQ(ask(table, question), count - 1);
  }
}

TEST(Router, RegexPriorityIsForRegexesOnly) {
  Route longer = with_paths({"/aa"});
  Route shorter = with_paths({"/a"});
  shorter.regex_priority = 10;
  EXPECT_EQ(ask(Table({longer, shorter}), {"/aa"}), 0);
}

TEST(Router, TiesGoToTheFirstOfTheList) {
  EXPECT_EQ(ask(Table({with_paths({"/"}), with_paths({"/"})}), {"/"}), 0);
}

TEST(Router, BigGroupsAreSplitByHeaderAndSni) {
  std::vector<Route> list;
  for (int i = 0; i < 50; ++i) {
    Route route = with_header("X-Tenant", {"T" + std::to_string(i), "u" + std::to_string(i)});
    route.paths = {"/"};
    list.push_back(route);
  }
  for (int i = 0; i < 50; ++i) {
    Route route = with_paths({"/"});
    route.snis = {"s" + std::to_string(i) + ".test"};
    route.methods = {i == 49 ? "PUT" : "GET"};
    list.push_back(route);
  }
  Table table(list);
  using enum Protocol;
  EXPECT_EQ(ask(table, {.headers = {header("x_tenant", "t31")}, .protocol = https}), 31);
  EXPECT_EQ(ask(table, {.headers = {header("x-tenant", "t31"), header("x-tenant", "U7")},
                        .protocol = https}),
            7);
  EXPECT_EQ(ask(table, {.sni = "s20.test", .protocol = Protocol::https}), 70);
  EXPECT_EQ(ask(table, {.sni = "s51.test", .protocol = Protocol::https}), -1);
  EXPECT_EQ(ask(table, {.method = "PUT"}), 99);
  EXPECT_EQ(ask(table, {.method = "GET"}), 50);
}

// Each later route must win over the ones before it.
TEST(Router, PriorityOfTheTraditionalFlavor) {
  const auto x = [] { return std::pair{std::string("x"), std::vector<std::string>{"1"}}; };
  const auto y = [] { return std::pair{std::string("y"), std::vector<std::string>{"1"}}; };
  std::vector<Route> list;
  auto add = [&list](auto&& change) {
    Route route;
    change(route);
    list.push_back(std::move(route));
  };
  add([](Route& r) { r.methods = {"GET"}; });
  add([](Route& r) { r.paths = {"/path"}, r.regex_priority = 9; });  // for regexes only
  add([](Route& r) { r.paths = {"/path/", "/x-and-much-longer"}; });
  add([](Route& r) { r.paths = {"/path/longer"}; });
  add([](Route& r) { r.paths = {"~/p"}; });
  add([&](Route& r) { r.headers.push_back(x()); });
  add([](Route& r) { r.hosts = {"*.test"}; });
  add([](Route& r) { r.hosts = {"a.test"}; });
  add([&](Route& r) { r.paths = {"/path"}, r.headers = {x()}; });
  add([&](Route& r) { r.paths = {"/path"}, r.headers = {x(), y()}; });
  add([&](Route& r) { r.paths = {"~/p"}, r.headers = {x()}; });
  add([](Route& r) { r.hosts = {"*.test"}, r.paths = {"/"}; });
  const Ask question{
      .path = "/path/longer", .host = "a.test", .headers = {header("x", "1"), header("y", "1")}};
  for (int count = 1; count <= static_cast<int>(list.size()); ++count) {
    const Table table({list.begin(), list.begin() + count}, Flavor::traditional);
    EXPECT_EQ(ask(table, question), count - 1);
  }
}

TEST(Router, SeveralValuesOfAHeaderMayBeRegexes) {
  Route route = with_paths({"/"});
  route.headers.emplace_back("x", std::vector<std::string>{"q", "~*^b"});
  const Table compatible({route});
  EXPECT_EQ(ask(compatible, {.headers = {header("x", "Q")}}), 0);
  EXPECT_EQ(ask(compatible, {.headers = {header("x", "Bar")}}), 0);
  EXPECT_EQ(ask(compatible, {.headers = {header("x", "~*^b")}}), -1);
  const Table traditional({route}, Flavor::traditional);
  EXPECT_EQ(ask(traditional, {.headers = {header("x", "Bar")}}), -1);
  EXPECT_EQ(ask(traditional, {.headers = {header("x", "~*^B")}}), 0);
}

TEST(Router, HostsWithAPortGoFirstInTheTraditionalFlavor) {
  auto aged = [](Route route, int64_t created_at) {
    route.created_at = created_at;
    return route;
  };
  const std::vector<Route> routes = {
      aged(with_hosts({"a.com"}), 1), aged(with_hosts({"b.com", "a.com:9"}), 2),
      aged(with_hosts({"*.c.com"}), 1), aged(with_hosts({"*.c.com:9"}), 2)};
  const Table table(routes, Flavor::traditional);
  EXPECT_EQ(ask(table, {.host = "a.com", .port = 9}), 1);
  EXPECT_EQ(ask(table, {.host = "a.com"}), 0);
  EXPECT_EQ(ask(table, {.host = "x.c.com", .port = 9}), 3);
  EXPECT_EQ(ask(table, {.host = "x.c.com"}), 2);
  // Only the host that fits counts.
  const Table mixed({aged(with_hosts({"b.com"}), 1), aged(with_hosts({"b.com", "a.com:9"}), 2)},
                    Flavor::traditional);
  EXPECT_EQ(ask(mixed, {.host = "b.com", .port = 9}), 0);
  // More kinds of attribute go before a port.
  const Table kinds({with_hosts({"a.com"}, {"/"}), with_hosts({"a.com:9"})}, Flavor::traditional);
  EXPECT_EQ(ask(kinds, {.host = "a.com", .port = 9}), 0);
  const Table compatible(routes);
  EXPECT_EQ(ask(compatible, {.host = "a.com", .port = 9}), 0);
  EXPECT_EQ(ask(compatible, {.host = "x.c.com", .port = 9}), 2);
}

TEST(Pattern, LiteralPrefixes) {
  EXPECT_EQ(literal_prefix_of("/users/\\d+"), "/users/");
  EXPECT_EQ(literal_prefix_of("/a\\.b\\-c$"), "/a.b-c");
  EXPECT_EQ(literal_prefix_of("/ab*"), "/a");
  EXPECT_EQ(literal_prefix_of("/ab+"), "/ab");
  EXPECT_EQ(literal_prefix_of("/ab?c"), "/a");
  EXPECT_EQ(literal_prefix_of("/a\\.?c"), "/a");
  EXPECT_EQ(literal_prefix_of("/ab{0,2}"), "/a");
  EXPECT_EQ(literal_prefix_of("/a|/b"), "");
  EXPECT_EQ(literal_prefix_of("/a(b|c)"), "/a");
  EXPECT_EQ(literal_prefix_of("/a[(]x|y"), "");
  EXPECT_EQ(literal_prefix_of("/a[]|]b"), "/a");
  EXPECT_EQ(literal_prefix_of("/a[^]|]b"), "/a");
  EXPECT_EQ(literal_prefix_of("/a[[:alpha:]|]b"), "");
  EXPECT_EQ(literal_prefix_of("/a\\Q(\\E|b"), "");
  EXPECT_EQ(literal_prefix_of("(?i)/a"), "");
  EXPECT_EQ(literal_prefix_of("^/a"), "");
  EXPECT_EQ(literal_prefix_of("/a\\"), "/a");
  EXPECT_EQ(literal_prefix_of(""), "");
}

}  // namespace
}  // namespace sallyport::router
