#include "proxy/retry.h"

namespace sallyport::proxy {

int status_of(AttemptFault fault) {
  switch (fault) {
    case AttemptFault::resolve:
    case AttemptFault::no_peer:
    case AttemptFault::no_descriptors:
      return 503;
    case AttemptFault::connect_timeout:
    case AttemptFault::read_timeout:
    case AttemptFault::write_timeout:
      return 504;
    case AttemptFault::client:
      return 400;
    case AttemptFault::client_timeout:
      return 408;
    case AttemptFault::too_large:
      return 413;
    case AttemptFault::plugins:
      return 500;
    default:
      return 502;
  }
}

std::string_view message_of(AttemptFault fault) {
  if (fault == AttemptFault::no_peer) return "failure to get a peer from the ring-balancer";
  return fault == AttemptFault::resolve ? "name resolution failed" : "";
}

bool idempotent(http::Method method, std::string_view method_text) {
  return method != http::Method::post && method != http::Method::patch && method_text != "LOCK";
}

bool may_retry(AttemptFault fault, bool idempotent_method, bool replayable) {
  switch (fault) {
    case AttemptFault::connect:
    case AttemptFault::connect_timeout:
    case AttemptFault::untrusted:
    case AttemptFault::refused:
      return replayable;  // the upstream has seen nothing
    case AttemptFault::stale:
    case AttemptFault::closed:
    case AttemptFault::read_timeout:
    case AttemptFault::write_timeout:
      return idempotent_method && replayable;
    default:
      return false;
  }
}

}  // namespace sallyport::proxy
