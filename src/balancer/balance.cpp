#include "balancer/balance.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace sallyport::balancer {
namespace {

constexpr double kLatencyDecayMs = 10'000;
// What a failed attempt costs at least, and by how much more than the slowest of the others.
constexpr double kLeastPenaltyMs = 500;
constexpr double kPenaltyFactor = 10;

// With slow starts strengths are weights times this, so that a small weight can grow in steps.
constexpr uint64_t kWholeStrength = 1'000;
constexpr uint64_t kLeastStrength = kWholeStrength / 20;
// Into how many steps a slow start is divided.
constexpr uint64_t kSteps = 100;

bool tried_before(const Choice& choice, const Peer& peer) {
  return std::ranges::any_of(choice.tried, [&](const PeerPtr& t) { return t.get() == &peer; });
}

bool fits(const Choice& choice, bool skip_tried, const Peer& peer) {
  return peer.usable && !(skip_tried && tried_before(choice, peer));
}

// An old average says less and less: it fades, so that a peer that was slow once is asked again.
double expected_latency(const Peer& peer, uint64_t now_ms) {
  if (peer.answered_ms == 0) return peer.latency_ms;
  const double age = now_ms > peer.answered_ms ? static_cast<double>(now_ms - peer.answered_ms) : 0;
  return peer.latency_ms * std::exp(-age / kLatencyDecayMs);
}

double cost_of(const Peer& peer, uint64_t now_ms) {
  return (expected_latency(peer, now_ms) + 1) * (peer.active + 1);
}

// What a new peer is taken for: no better than the others, or every request would go to it.
double average_latency(std::span<const PeerPtr> peers) {
  double sum = 0;
  int count = 0;
  for (const PeerPtr& peer : peers) {
    if (peer->answered_ms == 0 || peer->failed) continue;
    sum += peer->latency_ms;
    ++count;
  }
  return count == 0 ? 0 : sum / count;
}

}  // namespace

void note_latency(Peer& peer, uint64_t latency_ms, uint64_t now_ms) {
  const auto latency = static_cast<double>(latency_ms);
  if (peer.answered_ms == 0 || peer.failed || latency > peer.latency_ms) {
    peer.latency_ms = latency;  // a peak counts at once, and a penalty is over
  } else {
    const double age = static_cast<double>(now_ms - std::min(now_ms, peer.answered_ms));
    // At least a tenth of each answer counts, however many come in a millisecond.
    const double keep = std::min(std::exp(-age / kLatencyDecayMs), 0.9);
    peer.latency_ms = peer.latency_ms * keep + latency * (1 - keep);
  }
  peer.answered_ms = now_ms;
  peer.failed = false;
}

void Balance::configure(const model::Upstream& upstream) {
  const bool new_slots = upstream.algorithm == model::Algorithm::consistent_hashing &&
                         (algorithm_ != upstream.algorithm || slots_ != upstream.slots);
  algorithm_ = upstream.algorithm;
  slots_ = upstream.slots;
  threshold_ = upstream.threshold;
  if (new_slots) hash_slots_ = HashSlots(peers_, slots_, hash_slots_);
  reviewed_.reset();
}

void Balance::set_peers(std::vector<NewPeer> peers) {
  const double latency = average_latency(peers_);
  // No more than it gains a turn: it would come up many times in a row.
  const uint64_t scale = slow_start_ms_ == 0 ? 1 : kLeastStrength;
  std::vector<PeerPtr> next;
  bool changed = peers.size() != peers_.size();
  for (NewPeer& fresh : peers) {
    auto known = std::ranges::find_if(peers_, [&](const PeerPtr& p) { return p->at == fresh.at; });
    PeerPtr peer = known != peers_.end() ? *known : std::make_shared<Peer>();
    if (known == peers_.end()) {
      peer->at = std::move(fresh.at);
      peer->latency_ms = latency;
      // Anywhere in its turn: workers that start together spread over the peers.
      peer->turn = static_cast<int64_t>(random() % (fresh.weight * scale + 1));
      changed = true;
    }
    changed |= peer->weight != fresh.weight || peer->index != next.size();
    peer->weight = fresh.weight;
    peer->state = std::move(fresh.state);
    peer->index = static_cast<uint32_t>(next.size());
    next.push_back(std::move(peer));
  }
  peers_ = std::move(next);
  reviewed_.reset();
  if (!changed) return;
  ++generation_;
  if (algorithm_ == model::Algorithm::consistent_hashing)
    hash_slots_ = HashSlots(peers_, slots_, hash_slots_);
}

void Balance::review(uint64_t now_ms) {
  if (now_ms >= strengthen_at_) strengthen(now_ms);
  const uint32_t version = states_->version();
  if (reviewed_ == version) return;
  reviewed_ = version;
  uint64_t total = 0;
  uint64_t available = 0;
  for (const PeerPtr& peer : peers_) {
    peer->usable = peer->weight > 0 && peer->state->healthy();
    total += peer->weight;
    if (peer->usable) available += peer->weight;
  }
  strengthen(now_ms);
  enough_ = available > 0 &&
            static_cast<double>(available) * 100 >= threshold_ * static_cast<double>(total);
}

void Balance::strengthen(uint64_t now_ms) {
  strengthen_at_ = ~uint64_t{0};
  for (const PeerPtr& peer : peers_) {
    peer->strength = peer->weight;
    if (slow_start_ms_ == 0) continue;
    const uint64_t since = peer->state->since_ms();
    const uint64_t age = now_ms > since ? now_ms - since : 0;
    if (age < slow_start_ms_)
      strengthen_at_ = now_ms + std::max(slow_start_ms_ / kSteps, uint64_t{1});
    peer->strength *=
        std::clamp(kWholeStrength * age / slow_start_ms_, kLeastStrength, kWholeStrength);
  }
}

PeerPtr Balance::pick(const Choice& choice) {
  review(choice.now_ms);
  if (!enough_) return nullptr;
  Peer* peer = choose(choice, true);
  if (peer == nullptr && !choice.tried.empty()) peer = choose(choice, false);
  return peer == nullptr ? nullptr : peers_[peer->index];
}

Peer* Balance::choose(const Choice& choice, bool skip_tried) {
  switch (algorithm_) {
    case model::Algorithm::round_robin:
      break;
    case model::Algorithm::consistent_hashing:
      return hash_slots_.find(peers_, choice.hash ? *choice.hash : random(),
                              [&](const Peer& peer) { return fits(choice, skip_tried, peer); });
    case model::Algorithm::least_connections:
      return least_connections(choice, skip_tried);
    case model::Algorithm::latency:
      return fastest_of_two(choice, skip_tried);
  }
  return next_in_turn(choice, skip_tried);
}

void Balance::note_failure(Peer& peer, uint64_t took_ms, uint64_t now_ms) {
  double others = 0;
  for (const PeerPtr& other : peers_) {
    if (other.get() != &peer && !other->failed) others = std::max(others, cost_of(*other, now_ms));
  }
  peer.latency_ms =
      static_cast<double>(took_ms) + std::max(kLeastPenaltyMs, kPenaltyFactor * others);
  peer.answered_ms = now_ms;
  peer.failed = true;
}

// Smooth weighted round-robin: everybody gains its strength, the one with most pays the sum.
Peer* Balance::next_in_turn(const Choice& choice, bool skip_tried) {
  Peer* best = nullptr;
  int64_t total = 0;
  for (const PeerPtr& peer : peers_) {
    if (!fits(choice, skip_tried, *peer)) continue;
    peer->turn += static_cast<int64_t>(peer->strength);
    total += static_cast<int64_t>(peer->strength);
    if (best == nullptr || peer->turn > best->turn) best = peer.get();
  }
  if (best != nullptr) best->turn -= total;
  return best;
}

// The lowest (active + 1) / strength; among equals whoever comes first from a random place on.
Peer* Balance::least_connections(const Choice& choice, bool skip_tried) {
  Peer* best = nullptr;
  const size_t start = random() % peers_.size();
  for (size_t i = 0; i < peers_.size(); ++i) {
    Peer* peer = peers_[(start + i) % peers_.size()].get();
    if (!fits(choice, skip_tried, *peer)) continue;
    if (best == nullptr || (uint64_t{peer->active} + 1) * best->strength <
                               (uint64_t{best->active} + 1) * peer->strength) {
      best = peer;
    }
  }
  return best;
}

Peer* Balance::any(const Choice& choice, bool skip_tried, const Peer* but) {
  const size_t start = random() % peers_.size();
  for (size_t i = 0; i < peers_.size(); ++i) {
    Peer* peer = peers_[(start + i) % peers_.size()].get();
    if (peer != but && fits(choice, skip_tried, *peer)) return peer;
  }
  return nullptr;
}

// Of two at random the faster one: nearly as good as the fastest of all, and no herd.
Peer* Balance::fastest_of_two(const Choice& choice, bool skip_tried) {
  Peer* first = any(choice, skip_tried, nullptr);
  if (first == nullptr) return nullptr;
  Peer* second = any(choice, skip_tried, first);
  if (second == nullptr) return first;
  // In a slow start it stands back as often as its strength is short of its weight.
  if (stands_back(*first)) return second;
  if (stands_back(*second)) return first;
  return cost_of(*second, choice.now_ms) < cost_of(*first, choice.now_ms) ? second : first;
}

bool Balance::stands_back(const Peer& peer) {
  if (slow_start_ms_ == 0 || strengthen_at_ == ~uint64_t{0}) return false;
  return random() % (peer.weight * kWholeStrength) >= peer.strength;
}

uint64_t Balance::random() {
  // xorshift64*
  random_ ^= random_ >> 12;
  random_ ^= random_ << 25;
  random_ ^= random_ >> 27;
  return random_ * 0x2545'f491'4f6c'dd1d;
}

}  // namespace sallyport::balancer
