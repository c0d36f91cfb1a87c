// Time. Durations are std::chrono; a deadline is a point on the steady clock.
#pragma once

#include <chrono>

namespace sallyport {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Milliseconds = std::chrono::milliseconds;

// Milliseconds from now until `deadline`; 0 when it has passed.
inline Milliseconds remaining(TimePoint deadline) {
  auto left = std::chrono::ceil<Milliseconds>(deadline - Clock::now());
  return left.count() < 0 ? Milliseconds(0) : left;
}

// Seconds since 1970, for stored timestamps.
inline int64_t unix_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace sallyport
