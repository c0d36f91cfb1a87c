// Whether the database can be reached, as the change feed sees it: it holds a session all the time
// and is the first to know. Set by the feed's thread; any thread may read it, and say that it found
// the server silent, which makes the feed look at once.
#pragma once

#include <atomic>
#include <cstdint>

#include <sys/eventfd.h>
#include <unistd.h>

namespace sallyport::postgres {

class LinkHealth {
 public:
  enum class State : uint8_t { unknown, up, down };

  LinkHealth() : silence_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  ~LinkHealth() { ::close(silence_); }
  LinkHealth(const LinkHealth&) = delete;
  LinkHealth& operator=(const LinkHealth&) = delete;

  State state() const { return state_.load(std::memory_order_acquire); }
  void set(State state) { state_.store(state, std::memory_order_release); }

  // Down from now on, until the feed has had an answer.
  void report_silence() {
    set(State::down);
    ::eventfd_write(silence_, 1);
  }
  // For the feed: readable after a report; take_report() makes it quiet again.
  int silence() const { return silence_; }
  bool take_report() {
    eventfd_t reports;
    return ::eventfd_read(silence_, &reports) == 0;
  }

 private:
  std::atomic<State> state_ = State::unknown;
  int silence_;
};

}  // namespace sallyport::postgres
