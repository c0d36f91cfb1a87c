// Random route tables and requests against a matcher that reads the rules off the manual: every
// route is looked at, nothing is indexed. Three thousand tables; SALLYPORT_ROUTER_TABLES=100000
// build/dev/tests/router_test --gtest_filter='RouterProperty.*' for more.
#include <algorithm>
#include <cstdlib>
#include <string>
#include <tuple>

#include <gtest/gtest.h>

#include "router/router.h"
#include "router/test_routes.h"

namespace sallyport::router {
namespace {

using model::Protocol;
using model::Route;
using namespace test;

bool in(char c, std::string_view set) {
  return set.find(c) != std::string_view::npos;
}

size_t run_of(std::string_view s, size_t from, std::string_view set) {
  size_t end = from;
  while (end < s.size() && in(s[end], set)) ++end;
  return end - from;
}

// Patterns with what they mean, spelt out: the length of the match at the start, or npos.
struct KnownPattern {
  std::string_view text;
  size_t (*match)(std::string_view path);
};

constexpr size_t kNo = std::string_view::npos;

const KnownPattern kMeanings[] = {
    {"~/a", [](std::string_view p) { return p.starts_with("/a") ? size_t{2} : kNo; }},
    {"~/[ab]+$",
     [](std::string_view p) {
       size_t n = p.starts_with('/') ? run_of(p, 1, "ab") : 0;
       return n > 0 && n + 1 == p.size() ? p.size() : kNo;
     }},
    {"~/ab?/(?<x>[abc]*)",
     [](std::string_view p) {
       for (std::string_view start : {"/ab/", "/a/"}) {
         if (p.starts_with(start)) return start.size() + run_of(p, start.size(), "abc");
       }
       return kNo;
     }},
    {"~/b|/c",
     [](std::string_view p) {
       return p.starts_with("/b") || p.starts_with("/c") ? size_t{2} : kNo;
     }},
    {"~/a/(?:b|c)\\.",
     [](std::string_view p) {
       return p.starts_with("/a/b.") || p.starts_with("/a/c.") ? size_t{5} : kNo;
     }},
    {"~/", [](std::string_view p) { return p.starts_with('/') ? size_t{1} : kNo; }},
};

std::string lower(std::string s) {
  for (char& c : s) c = static_cast<char>(std::tolower(c));
  return s;
}

bool name_fits(std::string pattern, const std::string& name) {
  pattern = lower(pattern);
  std::string actual = lower(name);
  if (pattern.starts_with('*')) {
    return actual.size() >= pattern.size() && actual.ends_with(pattern.substr(1));
  }
  if (pattern.ends_with('*')) {
    return actual.size() >= pattern.size() &&
           actual.starts_with(pattern.substr(0, pattern.size() - 1));
  }
  return pattern == actual;
}

bool host_fits(const std::string& pattern, const Request& q) {
  size_t colon = pattern.find(':');
  if (colon == std::string::npos) return name_fits(pattern, q.host);
  return name_fits(pattern.substr(0, colon), q.host) &&
         std::stoi(pattern.substr(colon + 1)) == q.port;
}

bool header_fits(const std::string& name, const std::vector<std::string>& values, const Request& q,
                 Flavor flavor) {
  for (const auto& [field, value] : q.headers) {
    if (lower(field) != lower(name)) continue;
    for (const std::string& wanted : values) {
      // The only regex in the tables is "~*^b".
      const bool regex =
          wanted.starts_with("~*") && (flavor != Flavor::traditional || values.size() == 1);
      if (regex ? lower(value).starts_with('b') : lower(wanted) == lower(value)) {
        return true;
      }
    }
  }
  return false;
}

bool all_but_path_fit(const Route& r, const Request& q, Flavor flavor) {
  auto any = [](const auto& list, auto&& fits) {
    return list.empty() || std::ranges::any_of(list, fits);
  };
  return any(r.methods, [&](auto& m) { return m == q.method; }) &&
         any(r.hosts, [&](auto& h) { return host_fits(h, q); }) &&
         (q.protocol == Protocol::http ||
          any(r.snis, [&](auto& s) { return name_fits(s, q.sni); })) &&
         std::ranges::all_of(r.headers,
                             [&](auto& h) { return header_fits(h.first, h.second, q, flavor); });
}

struct Verdict {
  int route = -1;
  size_t matched = 0;
  bool operator==(const Verdict&) const = default;
};

// Which kinds of attribute a route has, as the traditional flavour ranks them.
int category_of(const Route& r) {
  return 16 * !r.hosts.empty() + 8 * !r.headers.empty() + 4 * !r.paths.empty() +
         2 * !r.methods.empty() + !r.snis.empty();
}

Verdict reference(const std::vector<std::shared_ptr<const Route>>& routes, const Request& q,
                  Flavor flavor) {
  using Key = std::tuple<int, int, bool, bool, int, int, int64_t, int64_t, int64_t, int, int>;
  Key best_key;
  Verdict best;
  for (size_t i = 0; i < routes.size(); ++i) {
    const Route& r = *routes[i];
    if (!all_but_path_fit(r, q, flavor)) continue;
    int kinds = !r.methods.empty() + !r.hosts.empty() + !r.headers.empty() + !r.snis.empty() +
                !r.paths.empty();
    bool plain = !r.hosts.empty() && std::ranges::none_of(r.hosts, [](auto& h) {
      return h.find('*') != std::string::npos;
    });
    const bool port = flavor == Flavor::traditional && std::ranges::any_of(r.hosts, [&](auto& h) {
                        return h.find(':') != std::string::npos && host_fits(h, q);
                      });
    const bool traditional = flavor == Flavor::traditional;
    const int headers = static_cast<int>(r.headers.size());
    auto consider = [&](bool regex, size_t path, size_t matched) {
      Key key{kinds,
              traditional ? category_of(r) : 0,
              port,
              plain,
              traditional ? regex : headers,
              traditional ? headers : regex,
              regex ? r.regex_priority : 0,
              regex ? 0 : int64_t(matched),
              -r.created_at,
              -static_cast<int>(i),
              -static_cast<int>(path)};
      if (best.route >= 0 && key <= best_key) return;
      best_key = key;
      best = {static_cast<int>(i), matched};
    };
    if (r.paths.empty()) consider(false, 0, 0);
    for (size_t p = 0; p < r.paths.size(); ++p) {
      const std::string& path = r.paths[p];
      if (path.starts_with('~')) {
        auto known = std::ranges::find(kMeanings, path, &KnownPattern::text);
        size_t size = known->match(q.path);
        if (size != kNo) consider(true, p, size);
      } else if (q.path.starts_with(path)) {
        consider(false, p, path.size());
      }
    }
  }
  return best;
}

std::string describe(const std::vector<std::shared_ptr<const Route>>& routes, const Request& q) {
  std::string out = q.method + " " + q.host + ":" + std::to_string(q.port) + " " + q.path +
                    " sni " + q.sni + (q.protocol == Protocol::https ? " https" : " http");
  for (const auto& [name, value] : q.headers) out += " " + name + "=" + value;
  for (size_t i = 0; i < routes.size(); ++i) {
    out += "\n" + std::to_string(i) + ":";
    for (const auto* list :
         {&routes[i]->methods, &routes[i]->hosts, &routes[i]->paths, &routes[i]->snis}) {
      for (const std::string& s : *list) out += " " + s;
      out += " |";
    }
    for (const auto& [name, values] : routes[i]->headers) out += " " + name + "=" + values.front();
  }
  return out;
}

Verdict answer_of(const Router& router, const Request& q) {
  std::vector<http::Header> fields;
  for (const auto& [name, value] : q.headers) fields.push_back({.name = name, .value = value});
  Match match;
  if (!router.match({.method = q.method,
                     .host = q.host,
                     .port = q.port,
                     .path = q.path,
                     .headers = fields,
                     .sni = q.sni,
                     .protocol = q.protocol},
                    match)) {
    return {};
  }
  return {static_cast<int>(match.route), match.matched_path.size()};
}

int table_count() {
  const char* wanted = std::getenv("SALLYPORT_ROUTER_TABLES");  // NOLINT(concurrency-mt-unsafe)
  return wanted == nullptr ? 3000 : std::max(1, std::atoi(wanted));
}

void compare(Flavor flavor, Random random, int tables) {
  size_t found = 0;
  size_t asked = 0;
  Router router;
  for (int round = 0; round < tables; ++round) {
    std::vector<std::shared_ptr<const Route>> routes;
    unsigned density = 10 + random() % 60;
    // Most tables are small; some are crowded enough that groups are split.
    unsigned size = chance(random, 15) ? 100 + random() % 150 : 1 + random() % 20;
    for (unsigned n = 0; n < size; ++n) {
      routes.push_back(std::make_shared<const Route>(random_route(random, density)));
    }
    std::vector<Error> faults;
    router = Router::build(routes, &faults, &router, flavor);
    ASSERT_TRUE(faults.empty()) << faults.front().text();
    for (int n = 0; n < 20; ++n, ++asked) {
      Request q = random_request(random);
      const Verdict verdict = answer_of(router, q);
      found += verdict.route >= 0;
      const Verdict expected = reference(routes, q, flavor);
      ASSERT_EQ(verdict.route, expected.route) << describe(routes, q);
      ASSERT_EQ(verdict.matched, expected.matched) << describe(routes, q);
    }
  }
  // The tables are neither too wide nor too narrow to say something.
  EXPECT_GT(found, asked / 4);
  EXPECT_LT(found, asked * 19 / 20);
}

TEST(RouterProperty, AgreesWithTheManual) {
  compare(Flavor::traditional_compatible, Random(20240611), table_count());
}

TEST(RouterProperty, TraditionalAgreesWithTheManual) {
  compare(Flavor::traditional, Random(20241107), table_count() / 3);
}

}  // namespace
}  // namespace sallyport::router
