// gRPC's own health check (grpc.health.v1.Health/Check, of the server as a whole) over a connection
// that is made for it. The worker's thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "balancer/address_state.h"
#include "base/task.h"
#include "net/loop.h"

namespace sallyport::proxy {

struct GrpcProbe {
  net::Loop& loop;
  net::StreamPtr stream;  // connected; TLS has begun with `tls`
  bool tls = false;
  std::string authority;
  std::string fields;     // further ones, whole lines
  uint64_t deadline = 0;  // milliseconds of the loop's clock
};

// SERVING is a success; so is UNIMPLEMENTED, which only a living server says. Any other answer is a
// failure of HTTP's kind. Nothing when the worker stops.
Task<std::optional<balancer::Outcome>> ask_grpc_health(GrpcProbe probe);

}  // namespace sallyport::proxy
