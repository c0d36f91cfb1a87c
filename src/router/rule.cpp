#include "router/rule.h"

#include <algorithm>
#include <tuple>

#include "base/text.h"
#include "http/uri.h"

namespace sallyport::router {
namespace {

constexpr uint64_t kMaxPrefix = (1U << 19) - 1;

void set_protocols(const model::Route& route, RouteRules& out) {
  using enum model::Protocol;
  auto has = [&route](model::Protocol protocol) {
    return std::ranges::find(route.protocols, protocol) != route.protocols.end();
  };
  bool plain = has(http) || has(grpc);
  bool secure = has(https) || has(grpcs);
  out.https_only = secure && !plain;
  if (plain || secure) out.protocols |= kOverHttp;
  if (secure) out.protocols |= kOverHttps;
}

Error about_route(const model::Route& route, Error error) {
  std::string name = route.name.empty() ? route.id : route.name + " (" + route.id + ")";
  error.detail = "route " + name + ": " + error.detail;
  if (error.remedy.empty()) error.remedy = "Correct the route; it is left out until then";
  return error;
}

Result<Rule> make_rule(const std::string& path, PatternCache& patterns) {
  Rule rule;
  if (path.starts_with('~')) {
    auto pattern = patterns.get(std::string_view(path).substr(1), Pattern::Kind::path);
    if (!pattern) return fail(pattern.error());
    rule.pattern = *std::move(pattern);
    rule.prefix = rule.pattern->literal_prefix();
    return rule;
  }
  auto normal = http::normalized_path(path);
  if (!normal || path.empty()) {
    return fail("router.path", Side::config, "the path " + path + " is not a valid URI path");
  }
  rule.prefix = *std::move(normal);
  return rule;
}

}  // namespace

HostPattern parse_host(std::string_view text) {
  size_t colon = text.rfind(':');
  bool literal = text.starts_with('[');
  if (colon == std::string_view::npos || (literal && text.find(']') > colon)) {
    return {.name = parse_name(text)};
  }
  auto port = text::to_integer(text.substr(colon + 1));
  if (!port || *port < 1 || *port > 65535) return {.name = parse_name(text)};
  return {.name = parse_name(text.substr(0, colon)), .port = static_cast<uint16_t>(*port)};
}

uint64_t priority_of(const model::Route& route, bool plain_hosts, bool regex, size_t prefix_size) {
  uint64_t kinds = 0;
  kinds += route.methods.empty() ? 0 : 1;
  kinds += route.hosts.empty() ? 0 : 1;
  kinds += route.headers.empty() ? 0 : 1;
  kinds += route.snis.empty() ? 0 : 1;
  kinds += route.paths.empty() ? 0 : 1;
  uint64_t headers = std::min<uint64_t>(route.headers.size(), 255);
  int64_t clamped = std::clamp<int64_t>(route.regex_priority, INT32_MIN, INT32_MAX);
  // Without a regex the field is the same for all, so that it decides nothing.
  auto regex_priority = static_cast<uint64_t>((regex ? clamped : 0) - INT32_MIN);
  uint64_t length = regex ? 0 : std::min<uint64_t>(prefix_size, kMaxPrefix);
  return kinds << 61 | uint64_t{plain_hosts} << 60 | uint64_t{regex} << 59 | headers << 51 |
         regex_priority << 19 | length;
}

Result<RouteRules> make_rules(const model::Route& route, uint32_t index, PatternCache& patterns) {
  RouteRules out;
  set_protocols(route, out);
  if (out.protocols == 0) return out;
  if (route.methods.empty() && route.hosts.empty() && route.headers.empty() && route.snis.empty() &&
      route.paths.empty()) {
    return fail(about_route(route, {.code = "router.empty",
                                    .side = Side::config,
                                    .detail = "it has none of methods, hosts, headers, snis and "
                                              "paths, and would take every request",
                                    .remedy = ""}));
  }
  auto conditions = parse_conditions(route, patterns);
  if (!conditions) return fail(about_route(route, conditions.error()));
  out.conditions = *std::move(conditions);
  out.methods = method_bits(route.methods, out.conditions.other_methods);
  for (const std::string& host : route.hosts) out.hosts.push_back(parse_host(host));
  bool plain_hosts = !out.hosts.empty() && std::ranges::all_of(out.hosts, [](const auto& host) {
    return host.name.kind == NameKind::exact;
  });

  auto add = [&](Rule rule) {
    rule.priority = priority_of(route, plain_hosts, rule.pattern != nullptr, rule.prefix.size());
    rule.created_at = route.created_at;
    rule.route = index;
    rule.path_order = static_cast<uint32_t>(out.rules.size());
    out.rules.push_back(std::move(rule));
  };
  if (route.paths.empty()) add({});
  for (const std::string& path : route.paths) {
    auto rule = make_rule(path, patterns);
    if (!rule) return fail(about_route(route, rule.error()));
    add(*std::move(rule));
  }
  return out;
}

bool goes_before(const Rule& a, const Rule& b) {
  return std::tuple(b.priority, a.created_at, a.route, a.path_order) <
         std::tuple(a.priority, b.created_at, b.route, b.path_order);
}

}  // namespace sallyport::router
