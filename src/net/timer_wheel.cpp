#include "net/timer_wheel.h"

#include <algorithm>
#include <bit>

namespace sallyport::net {

void TimerWheel::schedule(Timer& timer, uint64_t due) {
  if (timer.scheduled()) unlink(timer);
  constexpr uint64_t kFar = uint64_t{1} << (kBits * (kLevels - 1));  // two years
  timer.due = std::clamp(due, now_ + 1, now_ + kFar);
  link(timer);
}

void TimerWheel::cancel(Timer& timer) {
  if (timer.scheduled()) unlink(timer);
}

// A timer sits on the level of the highest group of bits in which it differs from now, so lower
// levels are always due first and on a level only later slots are occupied.
void TimerWheel::link(Timer& timer) {
  const uint64_t differ = timer.due ^ now_;
  const int level = differ == 0 ? 0 : (63 - std::countl_zero(differ)) / kBits;
  timer.level = static_cast<uint8_t>(level);
  timer.slot = static_cast<uint8_t>((timer.due >> (level * kBits)) & (kSlots - 1));
  Timer*& head = slots_[timer.level][timer.slot];
  timer.next = head;
  if (head != nullptr) head->prev = &timer.next;
  timer.prev = &head;
  head = &timer;
  occupied_[timer.level] |= uint64_t{1} << timer.slot;
}

void TimerWheel::unlink(Timer& timer) {
  *timer.prev = timer.next;
  if (timer.next != nullptr) timer.next->prev = timer.prev;
  timer.next = nullptr;
  timer.prev = nullptr;
  if (slots_[timer.level][timer.slot] == nullptr) {
    occupied_[timer.level] &= ~(uint64_t{1} << timer.slot);
  }
}

bool TimerWheel::find_next(int& level, int& slot, uint64_t& start) const {
  for (level = 0; level < kLevels; ++level) {
    if (occupied_[level] == 0) continue;
    slot = std::countr_zero(occupied_[level]);
    const int shift = level * kBits;
    const uint64_t above = now_ >> (shift + kBits) << (shift + kBits);
    start = above | (static_cast<uint64_t>(slot) << shift);
    return true;
  }
  return false;
}

void TimerWheel::advance(uint64_t now) {
  int level = 0;
  int slot = 0;
  uint64_t start = 0;
  while (find_next(level, slot, start) && start <= now) {
    now_ = std::max(now_, start);
    while (Timer* timer = slots_[level][slot]) {
      unlink(*timer);
      if (timer->due <= now_) {
        timer->fire(timer->owner);
      } else {
        link(*timer);
      }
    }
  }
  now_ = std::max(now_, now);
}

uint64_t TimerWheel::next_due() const {
  int level = 0;
  int slot = 0;
  uint64_t start = 0;
  return find_next(level, slot, start) ? start : ~uint64_t{0};
}

}  // namespace sallyport::net
