// Timers of one loop, in milliseconds: a hierarchical wheel of seven levels of 64 slots. Scheduling
// and cancelling are a few instructions; finding the next one is a bit scan. The loop's thread
// only.
#pragma once

#include <array>
#include <cstdint>

namespace sallyport::net {

// Embedded in its owner, who cancels it before it dies. Fires once.
struct Timer {
  using Fire = void (*)(void* owner);

  Timer(Fire on_fire, void* its_owner) : fire(on_fire), owner(its_owner) {}
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  bool scheduled() const { return prev != nullptr; }

  Timer* next = nullptr;
  Timer** prev = nullptr;  // what points at us; null: not scheduled
  uint64_t due = 0;        // milliseconds on the loop's clock
  Fire fire;
  void* owner;
  uint8_t level = 0;
  uint8_t slot = 0;
};

class TimerWheel {
 public:
  explicit TimerWheel(uint64_t now = 0) : now_(now) {}

  // Moves the timer when it is scheduled already. A time that has passed fires at the next advance.
  void schedule(Timer& timer, uint64_t due);
  void cancel(Timer& timer);

  // Fires everything due up to `now`. Callbacks may schedule and cancel any timer.
  void advance(uint64_t now);

  // The earliest moment at which advance() has something to do, never later than the first due
  // time; ~0 when there is no timer.
  uint64_t next_due() const;

 private:
  static constexpr int kBits = 6;
  static constexpr int kSlots = 1 << kBits;
  static constexpr int kLevels = 7;  // 2^42 ms, more than a century of uptime

  void link(Timer& timer);
  void unlink(Timer& timer);
  bool find_next(int& level, int& slot, uint64_t& start) const;

  uint64_t now_;
  std::array<uint64_t, kLevels> occupied_{};
  std::array<std::array<Timer*, kSlots>, kLevels> slots_{};
};

}  // namespace sallyport::net
