// What happens to a request between its head and its answer: checks, routing, and then the
// upstream, an API handler or an answer of the gateway's own.
#pragma once

#include "base/task.h"
#include "proxy/exchange.h"
#include "proxy/session.h"

namespace sallyport::proxy {

// Serves one request whose head is read. True when the connection may serve another.
Task<bool> serve(Session& session, Exchange& exchange);

}  // namespace sallyport::proxy
