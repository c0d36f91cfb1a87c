// One question of the active health checks to one address, and what the answer says. The worker's
// thread.
#pragma once

#include <optional>
#include <string>

#include "balancer/address_state.h"
#include "balancer/peer.h"
#include "base/task.h"
#include "model/upstream.h"
#include "net/key_pair.h"
#include "net/loop.h"
#include "net/tls.h"

namespace sallyport::proxy {

struct Probe {
  net::Loop& loop;
  const net::TlsContext* tls = nullptr;               // null: plain
  int verify_depth = 1;                               // intermediates
  std::shared_ptr<const net::KeyPair> identity = {};  // of the upstream; null: the node's
  model::ActiveChecks checks;
  balancer::PeerPtr peer;
  std::string host_header;  // of the upstream; "": the target's
};

// What an HTTP check sends.
std::string probe_request(const Probe& probe);

// Nothing when the answer's status says neither. Done within the checks' timeout.
Task<std::optional<balancer::Outcome>> run_probe(Probe probe);

}  // namespace sallyport::proxy
