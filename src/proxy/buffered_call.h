// Requests of the admin and status listeners: read whole, handed to the app's handler, which may
// answer from another thread, and answered when the reply has come home to the worker's loop.
#pragma once

#include <coroutine>
#include <memory>
#include <optional>

#include "base/task.h"
#include "http/message.h"
#include "net/mailbox.h"
#include "proxy/exchange.h"
#include "proxy/session.h"

namespace sallyport::proxy {

// A reply that is on its way. Lives on the worker's thread; the handler's side holds it through
// messages to the worker's mailbox.
class PendingReply {
 public:
  // The first one counts.
  void complete(http::BufferedResponse response);

  bool await_ready() const { return response_.has_value(); }
  void await_suspend(std::coroutine_handle<> waiting) { waiting_ = waiting; }
  http::BufferedResponse await_resume() { return std::move(*response_); }

 private:
  std::coroutine_handle<> waiting_;
  std::optional<http::BufferedResponse> response_;
};

Task<bool> serve_buffered(Session& session, Exchange& exchange);

}  // namespace sallyport::proxy
