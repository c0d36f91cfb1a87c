// The way from a stream route's service to a connection: the addresses of the host, or the targets
// of its upstream one after the other, as many as the service's retries allow. What fails is
// reported to the passive health checks. Lives in the coroutine that runs it; the worker's thread.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/task.h"
#include "net/loop.h"
#include "proxy/retry.h"
#include "proxy/targets.h"

namespace sallyport::proxy {

class Worker;

class StreamDial {
 public:
  // `client_ip` is what consistent hashing on ip goes by.
  StreamDial(Worker& worker, Target& target, std::string_view client_ip);
  StreamDial(const StreamDial&) = delete;
  StreamDial& operator=(const StreamDial&) = delete;
  ~StreamDial() { release(); }

  // A connection, after TLS's handshake where the service's protocol is tls; null: fault() says
  // why.
  Task<UpstreamConnectionPtr> connect();

  // The next address to try, for UDP; null: fault() says why.
  Task<AddressPool*> next();
  // What came of the last one.
  void report(AttemptFault fault);

  AttemptFault fault() const { return fault_; }

 private:
  Task<AttemptFault> try_one(UpstreamConnection& out);
  Task<AddressPool*> next_peer(BalancedUpstream& balanced);
  Task<AddressPool*> next_address();
  void release();

  Worker& worker_;
  Target& target_;
  std::string_view client_ip_;
  PeerRoutePtr route_;
  std::vector<balancer::PeerPtr> tried_;
  uint64_t attempt_started_ = 0;
  AttemptFault fault_ = AttemptFault::none;
};

}  // namespace sallyport::proxy
