// A route taken apart for matching: one rule per path (or one without), each with its place in
// Kong's order of priorities. Made on the control thread when the router is built.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "model/entities.h"
#include "router/conditions.h"
#include "router/flavor.h"
#include "router/id_order.h"
#include "router/pattern.h"

namespace sallyport::router {

class ExpressionProgram;

struct HostPattern {
  NamePattern name;
  uint16_t port = 0;  // 0: any
};

// "example.com", "*.example.com:8443", "[::1]:80".
HostPattern parse_host(std::string_view text);

inline constexpr uint8_t kOverHttp = 1;   // the rule can match plain http requests
inline constexpr uint8_t kOverHttps = 2;  // and those over TLS

struct Rule {
  uint64_t priority = 0;  // bigger first; see priority_of()
  int64_t created_at = 0;
  IdOrder id;
  uint32_t route = 0;
  uint32_t path_order = 0;                 // of a regex among the paths of its route
  std::string prefix;                      // what the path must begin with
  std::shared_ptr<const Pattern> pattern;  // and then match; null for a prefix path
};

struct RouteRules {
  std::vector<Rule> rules;
  std::vector<HostPattern> hosts;
  Conditions conditions;
  std::shared_ptr<const ExpressionProgram> expression;  // the rest only narrows the search
  uint16_t methods = 0;                                 // method_bits()
  uint8_t protocols = 0;  // kOverHttp | kOverHttps; 0: not a route for HTTP
  bool https_only = false;
};

// The order of Kong's traditional_compatible router as one number, from the highest bits down: how
// many kinds of attribute the route has; only plain hosts; the number of headers; a regex path;
// regex_priority (regex paths only); the length of a prefix path.
uint64_t priority_of(const model::Route& route, bool plain_hosts, bool regex, size_t prefix_size);

// The order of Kong's traditional router: how many kinds; which (hosts before headers, paths,
// methods, snis); only plain hosts; a regex path; the number of headers; regex_priority (regex
// paths only); the length of a prefix path.
uint64_t traditional_priority_of(const model::Route& route, bool plain_hosts, bool regex,
                                 size_t prefix_size);

// The rules of the traditional flavor for those hosts of `route` that have a port, which `route`
// loses: they stand before all others of as many kinds. Nothing when there are none.
std::optional<RouteRules> take_hosts_with_port(RouteRules& route);

// The priority of a route's expression, within Kong's bounds.
uint64_t expression_priority_of(const model::Route& route);

// Errors: "router.regex", "router.path", "router.empty", "router.expression", each naming the
// route.
Result<RouteRules> make_rules(const model::Route& route, uint32_t index, PatternCache& patterns,
                              Flavor flavor);

// Whether `a` is tried before `b`.
bool goes_before(const Rule& a, const Rule& b);

}  // namespace sallyport::router
