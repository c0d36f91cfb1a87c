// Reading a request's body whole, for those who need it all: API handlers and plugins, and
// upstreams that shall not wait for it.
#pragma once

#include <cstdint>
#include <string>

#include "base/task.h"
#include "proxy/answer.h"
#include "proxy/exchange.h"
#include "proxy/session.h"

namespace sallyport::proxy {

// Says 100 Continue where the client waits for it, once.
void send_continue(Session& session, Exchange& exchange);

// The longest body that the request may have, by the settings and its plugins.
uint64_t body_limit(const Session& session, const Exchange& exchange);

enum class BodyOutcome : uint8_t { complete, too_large, bad, timed_out, gone };

// Puts at most `limit` bytes into `out`. Says 100 Continue where the client waits for it.
Task<BodyOutcome> read_body(Session& session, Exchange& exchange, uint64_t limit, std::string& out);

// The most that gather_body() keeps in memory.
inline constexpr uint64_t kMostGathered = 64 * 1024;

// Kong's request_buffering, as far as memory goes: waits for a body of at most kMostGathered bytes,
// so that the upstream gets it at once, with its length, and another upstream can get it again. One
// that turns out longer, or ends in trailers, is `complete` too, and still pending: to be streamed.
Task<BodyOutcome> gather_body(Session& session, Exchange& exchange);

// The answer to a body that could not be read. False: the connection cannot go on.
Task<bool> answer_bad_body(Session& session, Exchange& exchange, BodyOutcome outcome,
                           ErrorSource source = ErrorSource::gateway);

}  // namespace sallyport::proxy
