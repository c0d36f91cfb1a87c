#include "router/rule.h"

#include <algorithm>
#include <bit>
#include <tuple>

#include "base/text.h"
#include "http/uri.h"
#include "router/expression_keys.h"
#include "router/expression_program.h"

namespace sallyport::router {
namespace {

// traditional_compatible: three bits of kinds, and so on down.
namespace compatible {
constexpr int kKinds = 61, kPlainHosts = 60, kHeaders = 52, kRegex = 51, kRegexPriority = 19;
constexpr uint64_t kMaxPrefix = (1U << kRegexPriority) - 1;
}  // namespace compatible

namespace traditional {
constexpr int kKinds = 61, kCategory = 56, kHostPort = 55, kPlainHosts = 54, kRegex = 53;
constexpr int kHeaders = 45, kRegexPriority = 13;
constexpr uint64_t kMaxPrefix = (1U << kRegexPriority) - 1;
}  // namespace traditional

// Over TLS a route for "http" is found, too; one for "https" alone is over plain http, and
// redirects. Beside an expression the protocol is a part of it.
void set_protocols(const model::Route& route, RouteRules& out) {
  using enum model::Protocol;
  auto has = [&route](model::Protocol protocol) {
    return std::ranges::find(route.protocols, protocol) != route.protocols.end();
  };
  bool plain = has(http) || has(grpc);
  bool secure = has(https) || has(grpcs);
  out.https_only = secure && !plain;
  if (plain || secure) out.protocols |= kOverHttp;
  if (secure || (plain && route.expression.empty())) out.protocols |= kOverHttps;
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
  rule.prefix = http::decoded_path(*normal);
  return rule;
}

// Which kinds of attribute a route has, the first in the order of the traditional flavor highest.
uint64_t category_of(const model::Route& route) {
  return uint64_t{!route.hosts.empty()} << 4 | uint64_t{!route.headers.empty()} << 3 |
         uint64_t{!route.paths.empty()} << 2 | uint64_t{!route.methods.empty()} << 1 |
         uint64_t{!route.snis.empty()};
}

uint64_t headers_of(const model::Route& route) {
  return std::min<uint64_t>(route.headers.size(), 255);
}

// Without a regex the same for all, so that it decides nothing.
uint64_t regex_order_of(const model::Route& route, bool regex) {
  const int64_t priority = regex ? route.regex_priority : 0;
  return static_cast<uint64_t>(std::clamp<int64_t>(priority, INT32_MIN, INT32_MAX) - INT32_MIN);
}

bool only_plain(const std::vector<HostPattern>& hosts) {
  return !hosts.empty() && std::ranges::all_of(hosts, [](const HostPattern& host) {
    return host.name.kind == NameKind::exact;
  });
}

Result<RouteRules> expression_rules(const model::Route& route, uint32_t index,
                                    PatternCache& patterns, RouteRules out) {
  ExpressionFault fault;
  const auto root = parse_expression(route.expression, Subsystem::http, patterns, fault);
  if (!root) {
    return fail("router.expression", Side::config,
                "its expression is broken: " + fault.text(route.expression));
  }
  ExpressionKeys keys = keys_of(*root);
  // What is found by its keys is not asked again.
  if (!keys.exact) out.expression = std::make_shared<const ExpressionProgram>(*root);
  out.methods = keys.methods;
  out.conditions.headers = std::move(keys.headers);
  for (NamePattern& host : keys.hosts) out.hosts.push_back({.name = std::move(host)});
  if (keys.prefixes.empty()) keys.prefixes.emplace_back();
  for (std::string& prefix : keys.prefixes) {
    // The newest of equals goes first.
    out.rules.push_back({.priority = expression_priority_of(route),
                         .created_at = -route.created_at,
                         .id = id_order(route.id),
                         .route = index,
                         .path_order = static_cast<uint32_t>(out.rules.size()),
                         .prefix = std::move(prefix),
                         .pattern = nullptr});
  }
  return out;
}

Result<void> check_kinds(const model::Route& route, Flavor flavor) {
  if (!route.expression.empty() && flavor != Flavor::expressions) {
    return fail("router.expression", Side::config,
                "it has an expression, which only router_flavor = expressions reads");
  }
  if (!route.expression.empty()) return {};
  if (!route.methods.empty() || !route.hosts.empty() || !route.headers.empty() ||
      !route.snis.empty() || !route.paths.empty()) {
    return {};
  }
  return fail(
      "router.empty", Side::config,
      "it has none of methods, hosts, headers, snis and paths, and would take every request");
}

Result<RouteRules> attribute_rules(const model::Route& route, uint32_t index,
                                   PatternCache& patterns, Flavor flavor, RouteRules out) {
  auto conditions = parse_conditions(route, patterns, flavor);
  if (!conditions) return fail(conditions.error());
  out.conditions = *std::move(conditions);
  out.methods = method_bits(route.methods, out.conditions.other_methods);
  for (const std::string& host : route.hosts) out.hosts.push_back(parse_host(host));
  const bool plain_hosts = only_plain(out.hosts);
  const auto place = flavor == Flavor::traditional ? traditional_priority_of : priority_of;
  const IdOrder id = id_order(route.id);
  auto add = [&](Rule rule) {
    const bool regex = rule.pattern != nullptr;
    rule.priority = place(route, plain_hosts, regex, regex ? 0 : rule.prefix.size());
    rule.created_at = route.created_at;
    rule.id = id;
    rule.route = index;
    rule.path_order = static_cast<uint32_t>(out.rules.size());
    out.rules.push_back(std::move(rule));
  };
  if (route.paths.empty()) add({});
  for (const std::string& path : route.paths) {
    auto rule = make_rule(path, patterns);
    if (!rule) return fail(rule.error());
    add(*std::move(rule));
  }
  return out;
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
  using namespace compatible;
  const auto kinds = static_cast<uint64_t>(std::popcount(category_of(route)));
  return kinds << kKinds | uint64_t{plain_hosts} << kPlainHosts | headers_of(route) << kHeaders |
         uint64_t{regex} << kRegex | regex_order_of(route, regex) << kRegexPriority |
         std::min<uint64_t>(prefix_size, kMaxPrefix);
}

uint64_t traditional_priority_of(const model::Route& route, bool plain_hosts, bool regex,
                                 size_t prefix_size) {
  using namespace traditional;
  const auto kinds = static_cast<uint64_t>(std::popcount(category_of(route)));
  return kinds << kKinds | category_of(route) << kCategory | uint64_t{plain_hosts} << kPlainHosts |
         uint64_t{regex} << kRegex | headers_of(route) << kHeaders |
         regex_order_of(route, regex) << kRegexPriority |
         std::min<uint64_t>(prefix_size, kMaxPrefix);
}

uint64_t expression_priority_of(const model::Route& route) {
  constexpr int64_t kMost = (int64_t{1} << 46) - 1;  // below all routes of attributes
  return static_cast<uint64_t>(std::clamp<int64_t>(route.priority, 0, kMost));
}

std::optional<RouteRules> take_hosts_with_port(RouteRules& route) {
  const auto with_port =
      std::ranges::partition(route.hosts, [](const HostPattern& host) { return host.port == 0; });
  if (with_port.empty()) return std::nullopt;
  RouteRules out = route;
  out.hosts.assign(with_port.begin(), with_port.end());
  route.hosts.erase(with_port.begin(), with_port.end());
  for (Rule& rule : out.rules) rule.priority |= uint64_t{1} << traditional::kHostPort;
  return out;
}

Result<RouteRules> make_rules(const model::Route& route, uint32_t index, PatternCache& patterns,
                              Flavor flavor) {
  RouteRules out;
  set_protocols(route, out);
  if (out.protocols == 0) return out;
  if (auto sound = check_kinds(route, flavor); !sound) {
    return fail(about_route(route, sound.error()));
  }
  auto rules = route.expression.empty()
                   ? attribute_rules(route, index, patterns, flavor, std::move(out))
                   : expression_rules(route, index, patterns, std::move(out));
  if (!rules) return fail(about_route(route, rules.error()));
  return rules;
}

bool goes_before(const Rule& a, const Rule& b) {
  return std::tie(b.priority, a.created_at, a.id, a.route, a.path_order) <
         std::tie(a.priority, b.created_at, b.id, b.route, b.path_order);
}

}  // namespace sallyport::router
