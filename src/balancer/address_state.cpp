#include "balancer/address_state.h"

#include <algorithm>
#include <chrono>

namespace sallyport::balancer {
namespace {

constexpr uint64_t kCounter = 0xff;

int shift_of(Outcome outcome) {
  return static_cast<int>(outcome) * 8;
}

uint8_t threshold_of(Outcome outcome, const model::CheckThresholds& thresholds) {
  switch (outcome) {
    case Outcome::success:
      return thresholds.successes;
    case Outcome::http_failure:
      return thresholds.http_failures;
    case Outcome::tcp_failure:
      return thresholds.tcp_failures;
    case Outcome::timeout:
      break;
  }
  return thresholds.timeouts;
}

}  // namespace

std::optional<Outcome> judge(int status, std::span<const uint16_t> healthy,
                             std::span<const uint16_t> unhealthy) {
  if (std::ranges::find(healthy, status) != healthy.end()) return Outcome::success;
  if (std::ranges::find(unhealthy, status) != unhealthy.end()) return Outcome::http_failure;
  return std::nullopt;
}

uint64_t AddressState::steady_ms() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

bool AddressState::report(Outcome outcome, const model::CheckThresholds& thresholds) {
  const bool good = outcome == Outcome::success;
  const uint8_t threshold = threshold_of(outcome, thresholds);
  const int shift = shift_of(outcome);
  const uint64_t opposite = good ? ~kCounter & 0xffff'ffff : kCounter << shift_of(Outcome::success);
  uint64_t word = word_.load(std::memory_order_relaxed);
  for (;;) {
    uint64_t next = word & ~opposite;
    const bool unhealthy = (word & kUnhealthy) != 0;
    bool flips = false;
    if (threshold != 0 && good == unhealthy) {
      const uint64_t count = ((next >> shift) & kCounter) + 1;
      flips = count >= threshold;
      next =
          flips ? (unhealthy ? 0 : kUnhealthy) : (next & ~(kCounter << shift)) | (count << shift);
    }
    if (next == word) return false;
    if (!word_.compare_exchange_weak(word, next, std::memory_order_relaxed)) continue;
    if (flips && unhealthy) since_ms_.store(steady_ms(), std::memory_order_relaxed);
    return flips;
  }
}

bool AddressState::mark(bool healthy) {
  const uint64_t before = word_.exchange(healthy ? 0 : kUnhealthy, std::memory_order_relaxed);
  const bool changed = ((before & kUnhealthy) == 0) != healthy;
  if (changed && healthy) since_ms_.store(steady_ms(), std::memory_order_relaxed);
  return changed;
}

}  // namespace sallyport::balancer
