#include "balancer/hash_slots.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include <xxhash.h>

#include "balancer/target_name.h"

namespace sallyport::balancer {
namespace {

// The finaliser of splitmix64: all bits of the outcome depend on all that go in.
uint64_t mix(uint64_t bits) {
  bits = (bits ^ (bits >> 30)) * 0xbf58'476d'1ce4'e5b9;
  bits = (bits ^ (bits >> 27)) * 0x94d0'49bb'1331'11eb;
  return bits ^ (bits >> 31);
}

}  // namespace

uint64_t hash_of(std::string_view value) {
  return XXH64(value.data(), value.size(), 0);
}

// Each waits for a time that is distributed exponentially, at the rate of its weight: the first is
// each with the probability of its share, whoever else is there.
void HashSlots::Draw::enter(uint32_t index, const Entrant& entrant) {
  const uint64_t lot = mix(entrant.seed + (slot_ + 1) * 0x9e37'79b9'7f4a'7c15);
  const double part = (static_cast<double>(lot >> 11) + 0.5) * 0x1p-53;  // between 0 and 1
  // -log(1 - part) is at least `part`: of many peers nearly all need no logarithm.
  if (winner_ >= 0 && part >= least_ * entrant.weight) return;
  const double wait = -std::log1p(-part) / entrant.weight;
  if (winner_ >= 0 && wait >= least_) return;
  least_ = wait;
  winner_ = index;
}

uint32_t HashSlots::draw(uint64_t slot) const {
  Draw draw(slot);
  for (uint32_t i = 0; i < entrants_.size(); ++i) {
    if (entrants_[i].weight > 0) draw.enter(i, entrants_[i]);
  }
  return static_cast<uint32_t>(draw.winner());
}

HashSlots::HashSlots(std::span<const PeerPtr> peers, uint32_t slots, const HashSlots& before) {
  const bool any = std::ranges::any_of(peers, [](const PeerPtr& peer) { return peer->weight > 0; });
  if (!any) return;
  std::unordered_map<uint64_t, uint32_t> index;  // by seed
  for (const PeerPtr& peer : peers) {
    const PeerAddress& at = peer->at;
    const uint64_t seed = hash_of(at.target + '|' + address_text(at.ip, at.port));
    index.emplace(seed, entrants_.size());
    entrants_.push_back({.seed = seed, .weight = static_cast<double>(peer->weight)});
  }
  // Where each of those before is now, if it is as it was; and who is not as before.
  constexpr uint32_t kGone = ~uint32_t{0};
  std::vector<uint32_t> now(before.entrants_.size(), kGone);
  std::vector<bool> known(entrants_.size(), false);
  for (size_t i = 0; i < now.size(); ++i) {
    const auto found = index.find(before.entrants_[i].seed);
    if (found == index.end() || known[found->second]) continue;
    if (entrants_[found->second].weight != before.entrants_[i].weight) continue;
    now[i] = found->second;
    known[found->second] = true;
  }
  std::vector<uint32_t> fresh;
  for (uint32_t i = 0; i < entrants_.size(); ++i) {
    if (!known[i] && entrants_[i].weight > 0) fresh.push_back(i);
  }
  const bool same_slots = before.owners_.size() == slots;
  owners_.reserve(slots);
  for (uint32_t slot = 0; slot < slots; ++slot) {
    const uint32_t owner = same_slots ? now[before.owners_[slot]] : kGone;
    if (owner == kGone) {
      owners_.push_back(draw(slot));
      continue;
    }
    // It has beaten the others already.
    Draw against(slot);
    against.enter(owner, entrants_[owner]);
    for (const uint32_t i : fresh) against.enter(i, entrants_[i]);
    owners_.push_back(static_cast<uint32_t>(against.winner()));
  }
}

}  // namespace sallyport::balancer
