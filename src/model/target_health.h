// The health of targets as the Admin API reads and marks it: GET /upstreams/{u}/health, PUT
// /upstreams/{u}/targets/{t}[/{address}]/healthy|unhealthy. The data plane implements it
// (balancer/health_board.h); the state is this node's. Any thread; plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::model {

enum class Health : uint8_t {
  healthy,
  unhealthy,
  checks_off,  // the upstream has neither active nor passive checks
  dns_error,   // the target's name has no address
};

// Kong's word: "HEALTHY", "UNHEALTHY", "HEALTHCHECKS_OFF", "DNS_ERROR".
std::string_view name(Health health);

struct AddressHealth {
  std::string ip;
  uint16_t port = 0;
  uint32_t weight = 0;
  Health health = Health::healthy;
};

struct TargetHealth {
  std::string id;      // of the target
  std::string target;  // "host:port"
  std::string host;
  uint16_t port = 0;
  uint32_t weight = 0;
  Health health = Health::healthy;  // healthy while one of the addresses is
  std::vector<AddressHealth> addresses;
  std::string dns_error;  // why there are none; "" otherwise

  // Weights of all addresses together, of those that take requests, of those that do not.
  uint32_t total_weight() const;
  uint32_t available_weight() const;
};

struct UpstreamHealth {
  std::string id;
  Health health = Health::healthy;  // of the whole: unhealthy when no request gets a target
  double threshold = 0;             // percent of the weight that must be available
  uint32_t slots = 0;
  std::vector<TargetHealth> targets;
};

class TargetHealthBoard {
 public:
  virtual ~TargetHealthBoard() = default;

  // Nothing when the data plane does not know the upstream (yet).
  virtual std::optional<UpstreamHealth> read(std::string_view upstream_id) const = 0;

  // `address` is "ip:port" of one address, "" for all of the target's, those too that it gets
  // later. False when there is no such upstream, target or address.
  virtual bool mark(std::string_view upstream_id, std::string_view target, std::string_view address,
                    bool healthy) = 0;
};

}  // namespace sallyport::model
