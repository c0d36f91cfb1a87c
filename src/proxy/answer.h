// Answers that the gateway gives itself: errors, redirects, what an API handler says. Writes the
// head and body into the client's output and decides what becomes of the connection and of a
// request body that nobody has read.
#pragma once

#include <string>
#include <string_view>

#include "base/task.h"
#include "proxy/exchange.h"
#include "proxy/session.h"

namespace sallyport::proxy {

struct Answer {
  int status = 500;
  std::string_view content_type = {};
  std::string_view body = {};
  std::string_view extra_fields = {};  // whole lines, ends included
  bool close = false;                  // the connection cannot go on
  bool admin = false;                  // Server and latency fields are the handler's
  int grpc_status = -1;                // told to gRPC clients; -1: what `status` is to them
};

// True when the connection may serve another request.
Task<bool> answer(Session& session, Exchange& exchange, const Answer& given);

// What an error is told in when there is no Accept.
enum class ErrorSource : uint8_t {
  gateway,  // our own decision (no route): JSON
  handler,  // the protocol or the upstream failed: as the request's own body, or error_default_type
};

// An error in the format that the client accepts. `message` "" stands for Kong's sentence.
Task<bool> answer_error(Session& session, Exchange& exchange, int status, std::string_view message,
                        ErrorSource source, bool close = false);

}  // namespace sallyport::proxy
