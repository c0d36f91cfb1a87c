// Requests to the Admin API that came before the node's own data plane had heard of the rows that
// they are about: a target that was made a moment ago is marked. They are asked again every few
// milliseconds, and answered as they stand after a second. Control thread.
#pragma once

#include <functional>
#include <vector>

#include "base/clock.h"
#include "http/message.h"
#include "proxy/options.h"

namespace sallyport::app {

class EarlyRequests {
 public:
  // Sets `*early` when the answer may be a better one in a moment.
  using Handle =
      std::function<http::BufferedResponse(const http::BufferedRequest& request, bool* early)>;

  explicit EarlyRequests(Handle handle) : handle_(std::move(handle)) {}

  void answer(http::BufferedRequest request, proxy::Reply reply);

  // For ControlLoop::Source. The data plane has no way to say that it has taken a snapshot over: a
  // look at it is cheap, and seldom needed.
  TimePoint next_look() const { return next_look_; }
  void look();

 private:
  struct Waiting {
    http::BufferedRequest request;
    proxy::Reply reply;
    TimePoint deadline;
  };
  void answer(Waiting one);

  Handle handle_;
  std::vector<Waiting> waiting_;
  TimePoint next_look_ = TimePoint::max();
};

}  // namespace sallyport::app
