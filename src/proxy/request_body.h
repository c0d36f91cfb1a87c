// Reading a request's body whole, for those who need it all: API handlers and plugins.
#pragma once

#include <cstdint>
#include <string>

#include "base/task.h"
#include "proxy/exchange.h"
#include "proxy/session.h"

namespace sallyport::proxy {

enum class BodyOutcome : uint8_t { complete, too_large, bad, timed_out, gone };

// Puts at most `limit` bytes into `out`. Says 100 Continue where the client waits for it.
Task<BodyOutcome> read_body(Session& session, Exchange& exchange, uint64_t limit, std::string& out);

// The answer to a body that could not be read. False: the connection cannot go on.
Task<bool> answer_bad_body(Session& session, Exchange& exchange, BodyOutcome outcome);

}  // namespace sallyport::proxy
