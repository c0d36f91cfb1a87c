#include "router/stream_router.h"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "base/text.h"
#include "router/rule.h"

namespace sallyport::router {
namespace {

uint8_t protocol_bit(model::Protocol protocol) {
  return static_cast<uint8_t>(1U << static_cast<unsigned>(protocol));
}

uint8_t stream_protocols(const model::Route& route) {
  using enum model::Protocol;
  uint8_t bits = 0;
  for (const model::Protocol protocol : route.protocols) {
    if (protocol == tcp || protocol == tls || protocol == udp || protocol == tls_passthrough) {
      bits |= protocol_bit(protocol);
    }
  }
  return bits;
}

// Kong: an exact address counts 8, a port 4, a range 1; each kind once.
uint64_t weight_of(const std::vector<model::Peer>& peers) {
  uint64_t bits = 0;
  for (const model::Peer& peer : peers) {
    if (!peer.ip.empty()) bits |= peer.ip.find('/') == std::string::npos ? 8 : 1;
    if (peer.port != 0) bits |= 4;
  }
  return bits;
}

template <typename Peers>
bool one_fits(const Peers& peers, const std::optional<IpAddress>& ip, uint16_t port) {
  return peers.empty() ||
         std::ranges::any_of(peers, [&](const auto& peer) { return peer.matches(ip, port); });
}

}  // namespace

bool StreamRouter::Peer::matches(const std::optional<IpAddress>& ip, uint16_t actual_port) const {
  if (port != 0 && port != actual_port) return false;
  return !range || (ip && range->contains(*ip));
}

Result<StreamRouter::Peer> StreamRouter::parse_peer(const model::Peer& peer) {
  Peer out{.range = std::nullopt, .port = peer.port};
  if (peer.ip.empty()) return out;
  out.range = Cidr::parse(peer.ip);
  if (!out.range) {
    return fail("router.peer", Side::config, peer.ip + " is no IP address and no range of them");
  }
  return out;
}

Result<void> StreamRouter::parse_peers(const model::Route& route, Rule& rule) {
  for (const auto& [from, to] : {std::pair{&route.sources, &rule.sources},
                                 std::pair{&route.destinations, &rule.destinations}}) {
    for (const model::Peer& peer : *from) {
      auto parsed = parse_peer(peer);
      if (!parsed) return fail(parsed.error());
      to->push_back(*parsed);
    }
  }
  return {};
}

// The SNI, or both ends, before everything else.
uint64_t StreamRouter::priority_of(const model::Route& route) {
  const bool both = !route.sources.empty() && !route.destinations.empty();
  return uint64_t{!route.snis.empty() || both} << 61 | weight_of(route.sources) << 4 |
         weight_of(route.destinations);
}

Result<StreamRouter::Rule> StreamRouter::make_rule(const model::Route& route, uint32_t index,
                                                   Flavor flavor) {
  Rule rule{.created_at = route.created_at,
            .id = id_order(route.id),
            .route = index,
            .protocols = stream_protocols(route)};
  if (!route.expression.empty() && flavor == Flavor::expressions) {
    PatternCache patterns;
    ExpressionFault fault;
    const auto root = parse_expression(route.expression, Subsystem::stream, patterns, fault);
    if (!root) {
      return fail("router.expression", Side::config,
                  "its expression is broken: " + fault.text(route.expression));
    }
    rule.expression = std::make_shared<const ExpressionProgram>(*root);
    rule.priority = expression_priority_of(route);
    rule.created_at = -route.created_at;  // the newest of equals goes first
    return rule;
  }
  if (route.snis.empty() && route.sources.empty() && route.destinations.empty()) {
    return fail("router.empty", Side::config,
                "it has none of sources, destinations and snis, and would take every connection");
  }
  if (auto parsed = parse_peers(route, rule); !parsed) return fail(parsed.error());
  for (const std::string& sni : route.snis) rule.snis.push_back(parse_name(sni));
  rule.priority = priority_of(route);
  return rule;
}

bool StreamRouter::takes(const model::Route& route) {
  return stream_protocols(route) != 0;
}

StreamRouter StreamRouter::build(std::span<const std::shared_ptr<const model::Route>> routes,
                                 std::vector<Error>* faults, Flavor flavor) {
  StreamRouter router;
  for (uint32_t i = 0; i < routes.size(); ++i) {
    if (routes[i] == nullptr || stream_protocols(*routes[i]) == 0) continue;
    auto rule = make_rule(*routes[i], i, flavor);
    if (rule) {
      router.rules_.push_back(*std::move(rule));
    } else if (faults != nullptr) {
      Error error = rule.error();
      error.detail = fmt::format("route {}: {}", routes[i]->id, error.detail);
      faults->push_back(std::move(error));
    }
  }
  std::ranges::sort(router.rules_, [](const Rule& a, const Rule& b) {
    return std::tie(b.priority, a.created_at, a.id, a.route) <
           std::tie(a.priority, b.created_at, b.id, b.route);
  });
  return router;
}

int64_t StreamRouter::match(const StreamInput& input) const {
  const auto source = IpAddress::parse(input.source.ip);
  const auto destination = IpAddress::parse(input.destination.ip);
  const std::string sni = text::lower(input.sni);
  MatchInput asked;
  asked.sni = sni;
  asked.protocol = input.protocol;
  asked.source = input.source;
  asked.destination = input.destination;
  for (const Rule& rule : rules_) {
    if ((rule.protocols & protocol_bit(input.protocol)) == 0) continue;
    if (rule.expression != nullptr) {
      Match unused;
      if (rule.expression->matches(asked, {}, unused)) return rule.route;
      continue;
    }
    const bool named = rule.snis.empty() || std::ranges::any_of(rule.snis, [&](const auto& name) {
                         return name.matches(sni);
                       });
    if (named && one_fits(rule.sources, source, input.source.port) &&
        one_fits(rule.destinations, destination, input.destination.port)) {
      return rule.route;
    }
  }
  return -1;
}

}  // namespace sallyport::router
