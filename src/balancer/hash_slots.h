// Consistent hashing: a value belongs to one of a fixed number of slots, and for every slot the
// peers draw lots, weighted; the winner has it. A peer's lots depend on its address alone, so that
// all workers and nodes agree, and a change moves what the changed peer wins or loses and nothing
// else. A slot whose owner may not take requests goes to whom it would have without that peer.
// Immutable once built.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "balancer/peer.h"

namespace sallyport::balancer {

uint64_t hash_of(std::string_view value);

class HashSlots {
 public:
  HashSlots() = default;
  // Peers without weight win nothing. What `before` has found out is not worked out again.
  HashSlots(std::span<const PeerPtr> peers, uint32_t slots, const HashSlots& before);

  // The peer of the slot of `hash`, of those that `fits` takes; null when it takes none. `peers`
  // are those that the slots were made for.
  template <typename Fits>
  Peer* find(std::span<const PeerPtr> peers, uint64_t hash, Fits fits) const {
    if (owners_.empty()) return nullptr;
    const uint64_t slot = hash % owners_.size();
    Peer* owner = peers[owners_[slot]].get();
    if (fits(*owner)) return owner;
    Draw draw(slot);
    for (uint32_t i = 0; i < entrants_.size(); ++i) {
      if (entrants_[i].weight > 0 && fits(*peers[i])) draw.enter(i, entrants_[i]);
    }
    return draw.winner() < 0 ? nullptr : peers[static_cast<size_t>(draw.winner())].get();
  }

 private:
  struct Entrant {
    uint64_t seed = 0;
    double weight = 0;
  };
  // Who wins one slot.
  class Draw {
   public:
    explicit Draw(uint64_t slot) : slot_(slot) {}
    void enter(uint32_t index, const Entrant& entrant);
    int64_t winner() const { return winner_; }

   private:
    uint64_t slot_;
    double least_ = 0;
    int64_t winner_ = -1;
  };

  uint32_t draw(uint64_t slot) const;

  std::vector<Entrant> entrants_;  // as the peers
  std::vector<uint32_t> owners_;   // by slot
};

}  // namespace sallyport::balancer
