// Passes the bytes of two connections on to each other, whatever they mean, until both directions
// have ended, one breaks, or neither has moved for too long. An end is passed on as an end, a break
// as a reset, and so is an end of TLS without close_notify. Blocks are handed on, not copied; what
// a slow side leaves unsent is bounded. Lives in the coroutine that runs it; the worker's thread.
#pragma once

#include <cstdint>
#include <optional>

#include "base/task.h"
#include "net/loop.h"
#include "proxy/counters.h"

namespace sallyport::proxy {

class Relay {
 public:
  // `idle_ms` 0: for ever. Bytes are counted as they pass.
  Relay(net::Stream& client, net::Stream& upstream, uint32_t idle_ms, Count& received, Count& sent);

  Task<void> run();

  uint64_t received() const { return from_client_.bytes; }
  uint64_t sent() const { return from_upstream_.bytes; }
  bool timed_out() const { return timed_out_; }

 private:
  struct Direction {
    net::Stream& from;
    net::Stream& to;
    Count& count;
    uint64_t bytes = 0;
  };
  Task<void> pump(Direction& way);
  Task<bool> pass_end(Direction& way);
  void abort(Direction& way, bool reset);

  uint32_t idle_ms_;
  uint64_t last_byte_;  // on the loop's clock
  bool over_ = false;
  bool timed_out_ = false;
  Direction from_client_;
  Direction from_upstream_;
};

}  // namespace sallyport::proxy
