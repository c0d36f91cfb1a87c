// Which peer of an upstream takes the next request: one worker's view. Pure of sockets and names;
// the worker's thread. Peers keep what is known of them when the configuration changes.
//
// Slow start: a peer that is new, or healthy again, has a twentieth of its weight at first and all
// of it when `slow_start_ms` have passed. Peers that are equally new share as they always would, so
// that the start of a node needs no exception. Hashing knows none: it would move values twice.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "balancer/hash_slots.h"
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
  // `seed` is different for each worker: they do not begin with the same peer. `slow_start_ms` 0:
  // everybody has its whole weight at once.
  Balance(std::shared_ptr<UpstreamStates> states, uint64_t seed, uint64_t slow_start_ms = 0)
      : states_(std::move(states)), slow_start_ms_(slow_start_ms), random_(seed | 1) {}

  // Takes over algorithm, slots and threshold.
  void configure(const model::Upstream& upstream);
  void set_peers(std::vector<NewPeer> peers);

  // Null when no peer may take requests. One that was tried already only when there is no other.
  PeerPtr pick(const Choice& choice);

  std::span<const PeerPtr> peers() const { return peers_; }
  // An attempt that failed after `took_ms`: for `latency` the peer is slower than all the others,
  // which fades as a latency does.
  void note_failure(Peer& peer, uint64_t took_ms, uint64_t now_ms);
  // Grows when peers() changes.
  uint32_t generation() const { return generation_; }

 private:
  void review(uint64_t now_ms);
  void strengthen(uint64_t now_ms);
  Peer* choose(const Choice& choice, bool skip_tried);
  Peer* next_in_turn(const Choice& choice, bool skip_tried);
  Peer* least_connections(const Choice& choice, bool skip_tried);
  Peer* fastest_of_two(const Choice& choice, bool skip_tried);
  bool stands_back(const Peer& peer);
  Peer* any(const Choice& choice, bool skip_tried, const Peer* but);
  uint64_t random();

  std::shared_ptr<UpstreamStates> states_;
  const uint64_t slow_start_ms_;
  uint64_t strengthen_at_ = ~uint64_t{0};  // when strengths must be worked out again
  model::Algorithm algorithm_ = model::Algorithm::round_robin;
  uint32_t slots_ = 0;
  double threshold_ = 0;
  std::vector<PeerPtr> peers_;
  HashSlots hash_slots_;
  bool enough_ = false;               // weight is available
  std::optional<uint32_t> reviewed_;  // the version of the states when usable was last worked out
  uint32_t generation_ = 0;
  uint64_t random_;
};

}  // namespace sallyport::balancer
