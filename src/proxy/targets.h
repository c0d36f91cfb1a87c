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
#include "proxy/upstream_pool.h"
#include "runtime/snapshot.h"

namespace sallyport::proxy {

// Where the requests for one service go.
class Target {
 public:
  Target(std::shared_ptr<const runtime::ServiceTarget> entry, UpstreamPools& pools);

  const model::Service& service() const { return *entry_->service; }
  const std::string& host_header() const { return entry_->host_header; }
  bool unused() const { return entry_.use_count() == 1; }

  // The next address in turn when the addresses are known, else null: then resolve() first.
  AddressPool* pick(uint64_t now);
  // "" on success, else why the name has no address.
  Task<std::string> resolve(net::Resolver& resolver);

 private:
  std::shared_ptr<AddressPool> pool_at(const net::IpAddress& address);

  std::shared_ptr<const runtime::ServiceTarget> entry_;
  UpstreamPools& upstreams_;
  std::vector<std::shared_ptr<AddressPool>> pools_;
  uint64_t valid_until_ = 0;
  size_t next_ = 0;
};

struct PinnedSnapshot {
  std::shared_ptr<const runtime::Snapshot> snapshot;
  std::vector<Target*> targets;  // by route; null: not asked for yet
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
  explicit Targets(UpstreamPools& pools) : pools_(pools) {}
  Targets(const Targets&) = delete;
  Targets& operator=(const Targets&) = delete;
  ~Targets() { retire_current(); }

  void replace(std::shared_ptr<const runtime::Snapshot> snapshot);
  // Nothing before the first snapshot.
  SnapshotPin pin() const { return SnapshotPin(current_); }

  // The target of a route of a pinned snapshot whose entry has one.
  Target& of_route(PinnedSnapshot& pinned, uint32_t route);

 private:
  void retire_current();
  Target& make(const std::shared_ptr<const runtime::ServiceTarget>& entry);

  UpstreamPools& pools_;
  PinnedSnapshot* current_ = nullptr;
  std::unordered_map<const runtime::ServiceTarget*, std::unique_ptr<Target>> targets_;
};

}  // namespace sallyport::proxy
