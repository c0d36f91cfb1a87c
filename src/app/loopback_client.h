// One HTTP request to this machine, for commands that talk to their own node: blocking, bounded,
// one connection each. Not for the data plane.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "http/message.h"

namespace sallyport::app {

// Sends `request` to 127.0.0.1:`port` with `Connection: close` and reads the whole answer.
// Errors: "client.connect", "client.timeout", "client.answer".
Result<http::BufferedResponse> ask(uint16_t port, const http::BufferedRequest& request,
                                   Milliseconds within = Milliseconds(5000));

// True when nobody listens on 127.0.0.1:`port` and this process could.
bool port_is_free(uint16_t port);

}  // namespace sallyport::app
