// Whether the database can be reached, as the change feed sees it: it holds a session all the time
// and is the first to know. Written by the feed's thread, read by any.
#pragma once

#include <atomic>
#include <cstdint>

namespace sallyport::postgres {

class LinkHealth {
 public:
  enum class State : uint8_t { unknown, up, down };

  State state() const { return state_.load(std::memory_order_acquire); }
  void set(State state) { state_.store(state, std::memory_order_release); }

 private:
  std::atomic<State> state_ = State::unknown;
};

}  // namespace sallyport::postgres
