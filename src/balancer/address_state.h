// Whether one address of a target is fit to take requests: a word that all workers and the health
// checks share, changed without a lock. Reports in a row change it when they reach a threshold.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>

#include "model/upstream.h"

namespace sallyport::balancer {

enum class Outcome : uint8_t { success, http_failure, tcp_failure, timeout };

// What a status says about its sender; nothing when it is in neither list.
std::optional<Outcome> judge(int status, std::span<const uint16_t> healthy,
                             std::span<const uint16_t> unhealthy);

// On a cache line of its own: what lies beside it in memory may be written by the request.
class alignas(64) AddressState {
 public:
  AddressState() : AddressState(steady_ms()) {}
  // `since_ms`: milliseconds of the steady clock, as a loop's now().
  explicit AddressState(uint64_t since_ms) : since_ms_(since_ms) {}

  bool healthy() const { return (word_.load(std::memory_order_relaxed) & kUnhealthy) == 0; }

  // True when the report changed the health. A success forgets the failures before it and a failure
  // the successes; a report that changes nothing writes nothing.
  bool report(Outcome outcome, const model::CheckThresholds& thresholds);

  // True when it was different before. Counts begin anew.
  bool mark(bool healthy);

  // When it was first seen, or became healthy again, whichever is later: see slow start in
  // balance.h.
  uint64_t since_ms() const { return since_ms_.load(std::memory_order_relaxed); }

 private:
  static uint64_t steady_ms();

  static constexpr uint64_t kUnhealthy = uint64_t{1} << 32;
  std::atomic<uint64_t> word_{0};  // four counters of 8 bits by Outcome, and kUnhealthy
  std::atomic<uint64_t> since_ms_;
};
static_assert(sizeof(AddressState) == 64);

}  // namespace sallyport::balancer
