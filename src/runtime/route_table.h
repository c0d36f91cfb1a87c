// What the data plane knows of each route, by the slot that the router's Match names. Copies share
// everything that is not changed after the copy, so that a snapshot of 100,000 routes costs a copy
// of 400 pointers. Written on the control thread; a copy that is not written to, any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "model/entities.h"
#include "plugin/chain.h"

namespace sallyport::runtime {

struct ServiceTarget;

struct RouteEntry {
  std::shared_ptr<const model::Route> route;    // null: the slot is free
  std::shared_ptr<const ServiceTarget> target;  // null: no service, or the service is disabled
  std::shared_ptr<const plugin::Chain> chain;   // null: no plugins
  // What holds: v1 only in the traditional flavor.
  model::PathHandling path_handling = model::PathHandling::v0;
};

class RouteTable {
 public:
  // `slot` is below size().
  const RouteEntry& operator[](size_t slot) const {
    return (*chunks_[slot / kChunk])[slot % kChunk];
  }
  size_t size() const { return size_; }  // free slots included

  // Grows to hold `slot`.
  void set(size_t slot, RouteEntry entry) {
    while (chunks_.size() <= slot / kChunk) chunks_.push_back(std::make_shared<Chunk>());
    auto& chunk = chunks_[slot / kChunk];
    if (chunk.use_count() > 1) chunk = std::make_shared<Chunk>(*chunk);
    (*chunk)[slot % kChunk] = std::move(entry);
    if (slot >= size_) size_ = slot + 1;
  }

 private:
  static constexpr size_t kChunk = 256;
  using Chunk = std::array<RouteEntry, kChunk>;

  std::vector<std::shared_ptr<Chunk>> chunks_;
  size_t size_ = 0;
};

}  // namespace sallyport::runtime
