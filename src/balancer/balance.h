// Which peer of an upstream takes the next request: one worker's view. Pure of sockets and names;
// the worker's thread. Peers keep what is known of them when the configuration changes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "balancer/hash_ring.h"
#include "balancer/health_board.h"
#include "balancer/peer.h"
#include "model/upstream.h"

namespace sallyport::balancer {

struct NewPeer {
  PeerAddress at;
  uint32_t weight = 0;
  std::shared_ptr<AddressState> state;
};

struct Choice {
  std::optional<uint64_t> hash = {};    // of the value to hash on; nothing: any peer will do
  std::span<const PeerPtr> tried = {};  // by this request, in vain
  uint64_t now_ms = 0;
};

class Balance {
 public:
  // `seed` is different for each worker: they do not begin with the same peer.
  Balance(std::shared_ptr<UpstreamStates> states, uint64_t seed)
      : states_(std::move(states)), random_(seed | 1) {}

  // Takes over algorithm, slots and threshold.
  void configure(const model::Upstream& upstream);
  void set_peers(std::vector<NewPeer> peers);

  // Null when no peer may take requests. One that was tried already only when there is no other.
  PeerPtr pick(const Choice& choice);

  std::span<const PeerPtr> peers() const { return peers_; }
  // Grows when peers() changes.
  uint32_t generation() const { return generation_; }

 private:
  void review();
  Peer* choose(const Choice& choice, bool skip_tried);
  Peer* next_in_turn(const Choice& choice, bool skip_tried);
  Peer* least_connections(const Choice& choice, bool skip_tried);
  Peer* fastest_of_two(const Choice& choice, bool skip_tried);
  Peer* any(const Choice& choice, bool skip_tried, const Peer* but);
  uint64_t random();

  std::shared_ptr<UpstreamStates> states_;
  model::Algorithm algorithm_ = model::Algorithm::round_robin;
  uint32_t slots_ = 0;
  double threshold_ = 0;
  std::vector<PeerPtr> peers_;
  HashRing ring_;
  bool enough_ = false;               // weight is available
  std::optional<uint32_t> reviewed_;  // the version of the states when usable was last worked out
  uint32_t generation_ = 0;
  uint64_t random_;
};

}  // namespace sallyport::balancer
