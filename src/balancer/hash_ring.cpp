#include "balancer/hash_ring.h"

#include <algorithm>
#include <tuple>

#include <xxhash.h>

#include "balancer/target_name.h"

namespace sallyport::balancer {

uint64_t hash_of(std::string_view value) {
  return XXH64(value.data(), value.size(), 0);
}

HashRing::HashRing(std::span<const PeerPtr> peers, uint32_t slots) {
  uint64_t total = 0;
  for (const PeerPtr& peer : peers) total += peer->weight;
  if (total == 0) return;
  points_.reserve(slots + peers.size());
  for (uint32_t i = 0; i < peers.size(); ++i) {
    if (peers[i]->weight == 0) continue;
    const PeerAddress& at = peers[i]->at;
    const std::string name = at.target + '|' + address_text(at.ip, at.port);
    const uint64_t seed = hash_of(name);
    const uint64_t count = std::max<uint64_t>(1, slots * uint64_t{peers[i]->weight} / total);
    for (uint64_t n = 0; n < count; ++n) {
      points_.push_back({XXH64(&n, sizeof(n), seed), i});
    }
  }
  std::ranges::sort(points_, [](const Point& a, const Point& b) {
    return std::tie(a.hash, a.peer) < std::tie(b.hash, b.peer);
  });
}

size_t HashRing::first_at(uint64_t hash) const {
  const auto found = std::ranges::lower_bound(points_, hash, {}, &Point::hash);
  return found == points_.end() ? 0 : static_cast<size_t>(found - points_.begin());
}

}  // namespace sallyport::balancer
