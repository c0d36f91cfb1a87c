// Consistent hashing: every peer has a number of points on a ring that grows with its weight, and a
// value belongs to the next point. Where a peer stands depends on its address alone, so that all
// workers and nodes agree and a change moves few values. Immutable once built.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "balancer/peer.h"

namespace sallyport::balancer {

uint64_t hash_of(std::string_view value);

class HashRing {
 public:
  HashRing() = default;
  // About `slots` points, shared by weight; peers without weight have none.
  HashRing(std::span<const PeerPtr> peers, uint32_t slots);

  // The peer of the first point at or behind `hash` that `fits` takes; null when it takes none.
  template <typename Fits>
  Peer* find(std::span<const PeerPtr> peers, uint64_t hash, Fits fits) const {
    const size_t start = first_at(hash);
    for (size_t i = 0; i < points_.size(); ++i) {
      Peer* peer = peers[points_[(start + i) % points_.size()].peer].get();
      if (fits(*peer)) return peer;
    }
    return nullptr;
  }

  size_t size() const { return points_.size(); }

 private:
  struct Point {
    uint64_t hash;
    uint32_t peer;
  };
  size_t first_at(uint64_t hash) const;

  std::vector<Point> points_;
};

}  // namespace sallyport::balancer
