// Which route answers a connection of a stream listener: tcp, tls, udp and tls_passthrough, in any
// of Kong's flavors. Built once per snapshot on the control thread, immutable, matched from all
// workers. Tries the rules in their order: stream routes are few, and a connection is not a
// request.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/ip_address.h"
#include "router/conditions.h"
#include "router/expression_program.h"
#include "router/id_order.h"
#include "router/router.h"

namespace sallyport::router {

// What is matched; all views outlive the match.
struct StreamInput {
  model::Protocol protocol = model::Protocol::tcp;  // tcp, tls, udp or tls_passthrough
  std::string_view sni{};                           // any case; "" for none
  Endpoint source{};                                // the client
  Endpoint destination{};                           // where it was accepted
};

class StreamRouter {
 public:
  // Routes of other protocols are left out silently, those that cannot be built are reported in
  // `faults`, which may be null. Ties are decided by created_at, then by id.
  // Null routes are passed over.
  static StreamRouter build(std::span<const std::shared_ptr<const model::Route>> routes,
                            std::vector<Error>* faults,
                            Flavor flavor = Flavor::traditional_compatible);

  // Whether the route has a protocol of streams.
  static bool takes(const model::Route& route);

  // The index into the routes given to build(), or -1.
  int64_t match(const StreamInput& input) const;

  bool empty() const { return rules_.empty(); }

 private:
  struct Peer {
    std::optional<Cidr> range;  // none: any address
    uint16_t port = 0;          // 0: any
    bool matches(const std::optional<IpAddress>& ip, uint16_t actual_port) const;
  };
  struct Rule {
    uint64_t priority = 0;
    int64_t created_at = 0;
    IdOrder id;
    uint32_t route = 0;
    uint8_t protocols = 0;  // one bit per model::Protocol
    std::vector<NamePattern> snis{};
    std::vector<Peer> sources{};
    std::vector<Peer> destinations{};
    std::shared_ptr<const ExpressionProgram> expression{};
  };

  static Result<Peer> parse_peer(const model::Peer& peer);
  static Result<void> parse_peers(const model::Route& route, Rule& rule);
  static Result<Rule> make_rule(const model::Route& route, uint32_t index, Flavor flavor);
  static uint64_t priority_of(const model::Route& route);

  std::vector<Rule> rules_;  // the first that fits wins
};

}  // namespace sallyport::router
