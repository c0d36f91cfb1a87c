// Why an attempt to have an upstream answer failed, what the client is told, and whether the
// request may be tried again. Pure; any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "http/message.h"

namespace sallyport::proxy {

enum class AttemptFault : uint8_t {
  none,
  resolve,    // the service's name has no address
  no_peer,    // no target of the upstream may take the request
  connect,    // refused or unreachable
  untrusted,  // its certificate did not pass, and would not at once
  misnamed,   // nor did it for a name that came with the request: the target is not to blame
  connect_timeout,
  no_descriptors,  // our own limits
  refused,         // HTTP/2: the upstream has not looked at the request
  stale,           // an idle connection turned out to be closed: no byte of an answer came
  closed,          // the upstream hung up before its answer was complete
  read_timeout,
  write_timeout,
  bad_response,    // what came is not HTTP, or not an answer to this request
  unsupported,     // a protocol that the gateway does not speak to upstreams yet
  client,          // the client went away or broke its own request body
  client_timeout,  // the client stopped sending its request body
  too_large,       // a chunked request body beyond the limit
  plugins,         // what they made of the answer cannot be sent
};

// The status that answers the client when no further attempt is made.
int status_of(AttemptFault fault);

// What else is to be said than Kong's sentence for the status; "" for nothing.
std::string_view message_of(AttemptFault fault);

// Methods that may be repeated when an upstream could have seen the first one already.
bool idempotent(http::Method method, std::string_view method_text);

// Whether the fault allows another attempt. `replayable`: everything that was sent can be sent
// again.
bool may_retry(AttemptFault fault, bool idempotent_method, bool replayable);

}  // namespace sallyport::proxy
