// Random routes, each written as an expression too: both must take the same requests, alone and
// among others. The traditional matcher is itself checked against the manual.
#include <algorithm>
#include <functional>
#include <numeric>
#include <string>

#include <gtest/gtest.h>

#include "router/router.h"
#include "router/test_routes.h"

namespace sallyport::router {
namespace {

using model::Protocol;
using model::Route;
using namespace test;

std::string literal(std::string_view text) {
  return "r#\"" + std::string(text) + "\"#";
}

std::string lower(std::string s) {
  for (char& c : s) c = static_cast<char>(std::tolower(c));
  return s;
}

std::string name_part(const std::string& field, const std::string& name) {
  const std::string text = lower(name);
  if (text.starts_with('*')) return field + " =^ " + literal(text.substr(1));
  if (text.ends_with('*')) return field + " ^= " + literal(text.substr(0, text.size() - 1));
  return field + " == " + literal(text);
}

std::string path_part(const std::string& path) {
  if (path.starts_with('~')) return "http.path ~ " + literal("^(?:" + path.substr(1) + ")");
  return "http.path ^= " + literal(path);
}

std::string header_part(const std::string& name, const std::string& value) {
  std::string field = "any(lower(http.headers." + lower(name) + "))";
  std::ranges::replace(field, '-', '_');
  if (value.starts_with("~*")) return field + " ~ " + literal(value.substr(2));
  return field + " == " + literal(lower(value));
}

template <typename List, typename Part>
void add(std::string& all, const List& list, Part&& part, std::string either = {}) {
  if (list.empty()) return;
  for (const auto& element : list) either += (either.empty() ? "" : " || ") + part(element);
  all += (all.empty() ? "(" : " && (") + either + ")";
}

Route as_expression(const Route& route) {
  Route out;
  out.id = route.id;
  out.protocols = route.protocols;
  std::string& all = out.expression;
  add(all, route.methods, [](const auto& m) { return "http.method == " + literal(m); });
  add(all, route.hosts, [](const auto& h) { return name_part("http.host", h); });
  add(all, route.paths, path_part);
  for (const auto& [name, values] : route.headers) {
    add(all, values, [&](const auto& value) { return header_part(name, value); });
  }
  // Traditional routes look at the SNI over TLS only.
  add(
      all, route.snis, [](const auto& s) { return name_part("lower(tls.sni)", s); },
      R"(net.protocol == "http")");
  return out;
}

struct Answer {
  int route = -1;
  size_t matched = 0;
};

Answer ask(const Router& router, const Request& q) {
  std::vector<http::Header> fields;
  for (const auto& [name, value] : q.headers) fields.push_back({.name = name, .value = value});
  MatchInput input{.method = q.method,
                   .host = q.host,
                   .port = q.port,
                   .path = q.path,
                   .headers = fields,
                   .sni = q.sni,
                   .protocol = q.protocol};
  Match match;
  if (!router.match(input, match)) return {};
  return {static_cast<int>(match.route), match.matched_path.size()};
}

using Routes = std::vector<std::shared_ptr<const Route>>;

Router build(const Routes& routes, Flavor flavor) {
  std::vector<Error> faults;
  Router router = Router::build(routes, &faults, nullptr, flavor);
  EXPECT_TRUE(faults.empty()) << faults.front().text();
  return router;
}

Route without_ports(Route route) {
  for (std::string& host : route.hosts) host = host.substr(0, host.find(':'));
  return route;
}

TEST(ExpressionProperty, SaysWhatTheAttributesSay) {
  Random random(77);
  size_t found = 0;
  for (int round = 0; round < 400; ++round) {
    const unsigned size = chance(random, 15) ? 60 : 1 + random() % 12;
    const unsigned density = 10 + random() % 60;
    Routes expressions;
    std::vector<Router> traditional;
    std::vector<size_t> paths;
    std::vector<int> order(size);
    std::iota(order.begin(), order.end(), 0);
    std::ranges::shuffle(order, random);
    for (unsigned n = 0; n < size; ++n) {
      Route route = without_ports(random_route(random, density));
      paths.push_back(route.paths.size());
      Route expression = as_expression(route);
      expression.priority = order[n];
      traditional.push_back(build({std::make_shared<const Route>(route)}, Flavor::traditional));
      expressions.push_back(std::make_shared<const Route>(expression));
    }
    const Router router = build(expressions, Flavor::expressions);
    for (int n = 0; n < 10; ++n) {
      const Request q = random_request(random);
      Answer expected;
      for (unsigned i = 0; i < size; ++i) {
        const Answer alone = ask(traditional[i], q);
        if (alone.route < 0) continue;
        // Routes with attributes for http are found over TLS, too.
        const auto& protocols = expressions[i]->protocols;
        if (q.protocol == model::Protocol::https &&
            std::ranges::find(protocols, model::Protocol::https) == protocols.end()) {
          continue;
        }
        if (expected.route >= 0 && order[static_cast<size_t>(expected.route)] > order[i]) continue;
        expected = {static_cast<int>(i), alone.matched};
      }
      const Answer answer = ask(router, q);
      ASSERT_EQ(answer.route, expected.route)
          << q.method << ' ' << q.host << q.path << '\n'
          << (expected.route < 0 ? "" : expressions[size_t(expected.route)]->expression);
      if (answer.route < 0) continue;
      ++found;
      if (paths[size_t(answer.route)] == 1) ASSERT_EQ(answer.matched, expected.matched);
    }
  }
  EXPECT_GT(found, 1000u);
}

// An expression of random shape, and what it says of a request, worked out beside it.
struct Tree {
  std::string text;
  std::function<bool(const Request&)> holds;
};

const std::string& pick(Random& random, const std::vector<std::string>& from) {
  return from[random() % from.size()];
}

Tree random_predicate(Random& random) {
  static const std::vector<std::string> hosts{"a.test", "b.test", "x.a.test", ".a.test", "a."};
  static const std::vector<std::string> paths{"/a", "/a/b", "/b", "/", "/A"};
  static const std::vector<std::string> methods{"GET", "POST", "PURGE", "get"};
  const bool negated = chance(random, 25);
  const std::string op = negated ? " != " : " == ";
  switch (random() % 4) {
    case 0: {
      const std::string method = pick(random, methods);
      return {"http.method" + op + literal(method),
              [=](const Request& q) { return (q.method == method) != negated; }};
    }
    case 1: {
      const std::string host = pick(random, hosts);
      if (host.starts_with('.')) {
        return {"http.host =^ " + literal(host),
                [=](const Request& q) { return q.host.ends_with(host); }};
      }
      if (host.ends_with('.')) {
        return {"http.host ^= " + literal(host),
                [=](const Request& q) { return q.host.starts_with(host); }};
      }
      return {"http.host" + op + literal(host),
              [=](const Request& q) { return (q.host == host) != negated; }};
    }
    case 2: {
      const std::string path = pick(random, paths);
      return {"http.path" + op + literal(path),
              [=](const Request& q) { return (q.path == path) != negated; }};
    }
    default: {
      const std::string path = pick(random, paths);
      const bool lowered = chance(random, 20);
      return {
          (lowered ? "lower(http.path) ^= " : "http.path ^= ") + literal(path),
          [=](const Request& q) { return (lowered ? lower(q.path) : q.path).starts_with(path); }};
    }
  }
}

Tree random_tree(Random& random, int depth) {
  if (depth == 0 || chance(random, 20)) return random_predicate(random);
  Tree out = random_tree(random, depth - 1);
  if (chance(random, 10)) {
    return {"!(" + out.text + ")", [inner = out.holds](const Request& q) { return !inner(q); }};
  }
  const bool both = chance(random, 50);
  const size_t parts = 1 + random() % 3;
  out.text = "(" + out.text;
  for (size_t i = 0; i < parts; ++i) {
    Tree next = random_tree(random, depth - 1);
    out.text += (both ? " && " : " || ") + next.text;
    out.holds = [both, left = out.holds, right = next.holds](const Request& q) {
      return both ? left(q) && right(q) : left(q) || right(q);
    };
  }
  out.text += ")";
  return out;
}

TEST(ExpressionProperty, KeysLoseAndAddNothing) {
  Random random(78);
  size_t held = 0, failed = 0;
  for (int round = 0; round < 3000; ++round) {
    const Tree tree = random_tree(random, static_cast<int>(random() % 4));
    Route route;
    route.id = "0";
    route.protocols = {Protocol::http};
    route.expression = tree.text;
    const Router router = build({std::make_shared<const Route>(route)}, Flavor::expressions);
    for (const char* method : {"GET", "POST", "PUT", "PURGE", "OTHER"}) {
      for (const char* host : {"a.test", "b.test", "x.a.test", "a.b"}) {
        for (const char* path : {"/", "/a", "/a/b", "/ab", "/b/a", "/A/b"}) {
          Request q;
          q.method = method;
          q.host = host;
          q.path = path;
          q.protocol = Protocol::http;
          const bool holds = tree.holds(q);
          ASSERT_EQ(ask(router, q).route == 0, holds) << tree.text << '\n'
                                                      << method << ' ' << host << path;
          ++(holds ? held : failed);
        }
      }
    }
  }
  EXPECT_GT(held, 50'000u);
  EXPECT_GT(failed, 50'000u);
}

}  // namespace
}  // namespace sallyport::router
