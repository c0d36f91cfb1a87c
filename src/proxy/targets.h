// A worker's own view of the configuration: the snapshot that new requests pin, and for every
// service in it where its upstream is. Pins are counted without atomics, for only the worker's
// thread pins.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/task.h"
#include "net/resolver.h"
#include "proxy/balanced_upstream.h"
#include "proxy/upstream_pool.h"
#include "runtime/snapshot.h"

namespace sallyport::proxy {

// How one service reaches one peer of its upstream.
struct PeerRoute {
  balancer::PeerPtr peer;
  std::shared_ptr<AddressPool> pool;
  std::string host_header;
};
using PeerRoutePtr = std::shared_ptr<const PeerRoute>;

// Where the requests for one service go.
class Target {
 public:
  // `balanced` is null when the service's host is a host.
  Target(std::shared_ptr<const runtime::ServiceTarget> entry, UpstreamPools& pools,
         std::shared_ptr<BalancedUpstream> balanced);

  const model::Service& service() const { return *entry_->service; }
  const std::string& host_header() const { return entry_->host_header; }
  // Whom the log names: the service's name, or its id when it has none.
  const std::string& log_name() const {
    return service().name.empty() ? service().id : service().name;
  }
  bool unused() const { return entry_.use_count() == 1; }

  // And where to: "10.0.0.1:80", with the target and the upstream that it is of, if any.
  std::string log_address(const AddressPool& pool, const PeerRoutePtr& route) const;

  // Null: the requests go to the host's addresses, by pick() and resolve().
  BalancedUpstream* balanced() const { return balanced_.get(); }
  // How the service reaches a peer that balanced() has just picked.
  PeerRoutePtr route_to(const balancer::PeerPtr& peer);

  // The next address in turn when the addresses are known, else null: then resolve() first.
  AddressPool* pick(uint64_t now);
  // "" on success, else why the name has no address.
  Task<std::string> resolve(net::Resolver& resolver);

 private:
  std::shared_ptr<AddressPool> pool_at(const net::IpAddress& address, uint16_t port,
                                       const std::string& name);
  bool secure() const {
    return service().protocol == model::Protocol::https ||
           service().protocol == model::Protocol::grpcs ||
           service().protocol == model::Protocol::tls;
  }
  bool http2() const {
    return service().protocol == model::Protocol::grpc ||
           service().protocol == model::Protocol::grpcs;
  }

  std::shared_ptr<const runtime::ServiceTarget> entry_;
  UpstreamPools& upstreams_;
  struct Way {
    std::shared_ptr<AddressPool> pool;
    int64_t weight = 1;  // of an SRV record
    int64_t turn = 0;    // smooth round-robin: who has most is next
  };
  std::vector<Way> ways_;
  uint64_t valid_until_ = 0;
  std::shared_ptr<BalancedUpstream> balanced_;
  std::vector<PeerRoutePtr> peer_routes_;  // by the peer's index; null: not asked for yet
  uint32_t generation_ = 0;                // of the peers
};

struct PinnedSnapshot {
  std::shared_ptr<const runtime::Snapshot> snapshot;
  uint32_t pins = 0;
  bool current = true;
};

// Keeps a snapshot alive for one request.
class SnapshotPin {
 public:
  SnapshotPin() = default;
  explicit SnapshotPin(PinnedSnapshot* pinned) : pinned_(pinned) {
    if (pinned_ != nullptr) ++pinned_->pins;
  }
  SnapshotPin(SnapshotPin&& other) noexcept : pinned_(std::exchange(other.pinned_, nullptr)) {}
  SnapshotPin& operator=(SnapshotPin&& other) noexcept {
    if (this != &other) {
      release();
      pinned_ = std::exchange(other.pinned_, nullptr);
    }
    return *this;
  }
  ~SnapshotPin() { release(); }

  explicit operator bool() const { return pinned_ != nullptr; }
  PinnedSnapshot* operator->() const { return pinned_; }
  PinnedSnapshot& operator*() const { return *pinned_; }

 private:
  void release() {
    if (pinned_ == nullptr) return;
    if (--pinned_->pins == 0 && !pinned_->current) delete pinned_;
    pinned_ = nullptr;
  }

  PinnedSnapshot* pinned_ = nullptr;
};

class Targets {
 public:
  Targets(net::Loop& loop, net::Resolver& resolver, UpstreamPools& pools,
          std::shared_ptr<balancer::HealthBoard> board, uint64_t seed, uint64_t slow_start_ms)
      : loop_(loop),
        resolver_(resolver),
        pools_(pools),
        board_(std::move(board)),
        seed_(seed),
        slow_start_ms_(slow_start_ms),
        renewal_([](void* self) { static_cast<Targets*>(self)->renew_names(); }, this) {}
  Targets(const Targets&) = delete;
  Targets& operator=(const Targets&) = delete;
  ~Targets();

  void replace(std::shared_ptr<const runtime::Snapshot> snapshot);
  // Nothing before the first snapshot.
  SnapshotPin pin() const { return SnapshotPin(current_); }

  // Null before the first snapshot; until the next replace().
  const runtime::Snapshot* current() const {
    return current_ != nullptr ? current_->snapshot.get() : nullptr;
  }

  // The upstreams of the current snapshot.
  template <typename Visit>
  void each_upstream(Visit visit) {
    for (auto& [id, upstream] : balanced_) visit(*upstream);
  }

  // The target of a route's entry in a pinned snapshot, which has one.
  Target& of_route(const runtime::RouteEntry& route);

 private:
  void retire_current();
  void renew_names();
  Target& make(const std::shared_ptr<const runtime::ServiceTarget>& entry);

  std::shared_ptr<BalancedUpstream> make_upstream(const std::string& id);
  void configure_upstreams(const std::shared_ptr<const runtime::UpstreamList>& upstreams);

  net::Loop& loop_;
  net::Resolver& resolver_;
  UpstreamPools& pools_;
  std::shared_ptr<balancer::HealthBoard> board_;
  uint64_t seed_;
  const uint64_t slow_start_ms_;
  net::Timer renewal_;  // of the names of targets
  PinnedSnapshot* current_ = nullptr;
  std::shared_ptr<const runtime::UpstreamList> upstreams_;                       // as configured
  std::unordered_map<std::string, std::shared_ptr<BalancedUpstream>> balanced_;  // by upstream id
  std::unordered_map<const runtime::ServiceTarget*, std::unique_ptr<Target>> targets_;
};

}  // namespace sallyport::proxy
