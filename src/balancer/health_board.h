// The health of every address that requests are balanced over, shared by the workers of a node and
// kept over changes of the configuration and reloads of the process. Workers take a pointer to an
// address's state when they learn the address and read it without a lock; the mutex is for
// configuration, name resolution and the Admin API. Any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "balancer/address_state.h"
#include "model/target_health.h"
#include "model/upstream.h"

namespace sallyport::balancer {

struct ResolvedAddress {
  std::string ip;
  uint16_t port = 0;
  uint32_t weight = 0;
};

// One upstream's part of the board.
// NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): what requests read stands apart
class UpstreamStates {
 public:
  // The targets as configured; those that are gone are forgotten, the others keep their states.
  void configure(const model::Upstream& upstream,
                 std::span<const std::shared_ptr<const model::Target>> targets);

  // What a target's name leads to, for a worker that has looked it up: in `answered_ms` of the
  // steady clock, or 0 for what never changes. The board tells the latest answer of any worker. The
  // states come in the order of `addresses`.
  std::vector<std::shared_ptr<AddressState>> resolved(const std::string& target,
                                                      std::span<const ResolvedAddress> addresses,
                                                      std::string_view error, uint64_t answered_ms);

  // Grows whenever an address changed its health: a worker then looks at all of them again.
  uint32_t version() const { return version_.load(std::memory_order_acquire); }
  void changed() { version_.fetch_add(1, std::memory_order_release); }

  model::UpstreamHealth read() const;
  bool mark(std::string_view target, std::string_view address, bool healthy);

 private:
  struct Address {
    ResolvedAddress at;
    std::shared_ptr<AddressState> state;
  };
  struct Target {
    std::string id;
    uint32_t weight = 0;
    std::vector<Address> addresses;
    std::map<std::string, std::shared_ptr<AddressState>> states;  // by address text
    std::string error;
    uint64_t answered_ms = 0;
    bool starts_unhealthy = false;  // marked as a whole before it had addresses
    bool configured = true;
  };
  std::shared_ptr<AddressState>& state_of(Target& target, const std::string& address);
  model::TargetHealth read(const std::string& name, const Target& target) const;

  mutable std::mutex mutex_;
  std::string id_;
  bool checks_ = false;
  double threshold_ = 0;
  uint32_t slots_ = 0;
  std::map<std::string, Target, std::less<>> targets_;  // by text
  alignas(64) std::atomic<uint32_t> version_{0};        // read by every request
};

class HealthBoard final : public model::TargetHealthBoard {
 public:
  // Made when it is not there yet.
  std::shared_ptr<UpstreamStates> upstream(const std::string& id);
  // Forgets the others.
  void keep_only(std::span<const std::string> ids);

  std::optional<model::UpstreamHealth> read(std::string_view upstream_id) const override;
  bool mark(std::string_view upstream_id, std::string_view target, std::string_view address,
            bool healthy) override;

 private:
  std::shared_ptr<UpstreamStates> find(std::string_view id) const;

  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<UpstreamStates>, std::less<>> upstreams_;
};

}  // namespace sallyport::balancer
