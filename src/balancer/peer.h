// One address that a worker balances requests over: what is shared about it, and what this worker
// alone knows. Held by the worker's Balance and by the requests under way; the worker's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "balancer/address_state.h"

namespace sallyport::balancer {

// What makes a peer the same one after a change of the configuration.
struct PeerAddress {
  std::string target;  // as configured
  std::string host;    // of the target, without port and brackets
  std::string ip;
  uint16_t port = 0;

  bool operator==(const PeerAddress&) const = default;
};

struct Peer {
  PeerAddress at;
  uint32_t weight = 0;
  std::shared_ptr<AddressState> state;

  uint32_t index = 0;        // in the Balance's list, while it is in it
  bool usable = false;       // healthy, and of some weight
  uint64_t strength = 0;     // the weight that counts now: less than its own in a slow start
  int64_t turn = 0;          // smooth round-robin: who has most is next
  uint32_t active = 0;       // requests that this worker has under way
  double latency_ms = 0;     // weighted average of answers
  uint64_t answered_ms = 0;  // when the last one came, on the loop's clock; 0: never
  bool failed = false;       // instead of the last one: latency_ms is a penalty
};
using PeerPtr = std::shared_ptr<Peer>;

// Takes an answer's latency into the average: what is older than some ten seconds weighs little.
void note_latency(Peer& peer, uint64_t latency_ms, uint64_t now_ms);

}  // namespace sallyport::balancer
