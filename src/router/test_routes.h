// Random routes and requests for tests: few names and values, so that they meet.
#pragma once

#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/entities.h"

namespace sallyport::router::test {

using Random = std::mt19937;

struct Request {
  std::string method, host, path, sni;
  uint16_t port = 80;
  model::Protocol protocol = model::Protocol::http;
  std::vector<std::pair<std::string, std::string>> headers;
};

inline constexpr std::string_view kPatterns[] = {"~/a",    "~/[ab]+$",       "~/ab?/(?<x>[abc]*)",
                                                 "~/b|/c", "~/a/(?:b|c)\\.", "~/"};

template <typename T, size_t N>
const T& pick(Random& random, const T (&list)[N]) {
  return list[random() % N];
}

inline bool chance(Random& random, unsigned percent) {
  return random() % 100 < percent;
}

inline std::string random_path(Random& random) {
  std::string path = "/";
  for (unsigned size = random() % 7; size > 0; --size) {
    char c = "aaabbc/."[random() % 8];
    if (path.ends_with('/') && (c == '/' || c == '.')) c = 'a';  // stays normal
    path += c;
  }
  return path;
}

inline constexpr std::string_view kHosts[] = {
    "a.com",    "b.a.com",    "c.b.a.com", "*.a.com", "*.com",   "a.*",   "b.*",   "b.a.*",
    "a.com:81", "*.a.com:81", "B.A.com",   "x.a.com", "y.a.com", "a.org", "c.*:81"};
inline constexpr std::string_view kNames[] = {"a.com", "b.a.com", "c.b.a.com", "x.a.com",
                                              "a.org", "A.com",   "z"};
inline constexpr std::string_view kMethods[] = {"GET", "POST", "PURGE", "DELETE"};
inline constexpr std::string_view kHeaderNames[] = {"x-one", "X-Two", "x-three"};
inline constexpr std::string_view kValues[] = {"a", "B", "bb", "c", "d", "e", "f", "g"};

// A table uses few kinds of attribute or many, so that small and crowded groups both occur.
inline model::Route random_route(Random& random, unsigned density) {
  model::Route r;
  r.protocols = {model::Protocol::http, model::Protocol::https};
  if (chance(random, 10))
    r.protocols = {chance(random, 50) ? model::Protocol::http : model::Protocol::https};
  r.created_at = random() % 3;
  r.regex_priority = static_cast<int64_t>(random() % 4) - 1;
  if (chance(random, density)) {
    for (unsigned n = 1 + random() % 2; n > 0; --n) r.hosts.emplace_back(pick(random, kHosts));
  }
  if (chance(random, 80)) {
    for (unsigned n = 1 + random() % 3; n > 0; --n) {
      r.paths.push_back(chance(random, 25) ? std::string(pick(random, kPatterns))
                                           : random_path(random));
    }
  }
  if (chance(random, density / 2)) r.methods.emplace_back(pick(random, kMethods));
  for (std::string_view name : kHeaderNames) {
    if (!chance(random, density / 3)) continue;
    std::vector<std::string> values{"~*^b"};
    if (chance(random, 85))
      values = {std::string(pick(random, kValues)), std::string(pick(random, kValues))};
    r.headers.emplace_back(name, std::move(values));
  }
  if (chance(random, density / 4)) {
    std::string sni(pick(random, kHosts));
    r.snis.push_back(sni.substr(0, sni.find(':')));
  }
  if (r.hosts.empty() && r.paths.empty() && r.methods.empty() && r.headers.empty() &&
      r.snis.empty()) {
    r.paths.push_back(random_path(random));
  }
  return r;
}

inline Request random_request(Random& random) {
  Request q;
  q.method = pick(random, kMethods);
  q.host = chance(random, 5) ? "" : pick(random, kNames);
  q.path = random_path(random);
  q.port = chance(random, 30) ? 81 : 80;
  if (chance(random, 40)) {
    q.protocol = model::Protocol::https;
    if (chance(random, 80)) q.sni = pick(random, kNames);
  }
  for (unsigned n = random() % 4; n > 0; --n) {
    q.headers.emplace_back(pick(random, kHeaderNames), pick(random, kValues));
  }
  return q;
}

}  // namespace sallyport::router::test
