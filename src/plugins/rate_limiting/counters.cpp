#include "plugins/rate_limiting/counters.h"

namespace sallyport::plugins::rate_limiting {
namespace {

constexpr int64_t kSweepSeconds = 10;

}  // namespace

Counters& Counters::of_this_node() {
  static Counters counters;
  return counters;
}

int64_t Counters::read(const std::string& key, int64_t now) const {
  const Shard& shard = shard_of(key);
  std::lock_guard lock(shard.mutex);
  const auto found = shard.windows.find(key);
  return found == shard.windows.end() || found->second.ends <= now ? 0 : found->second.count;
}

void Counters::add(const std::string& key, int64_t ends, int64_t now) {
  auto& shard = const_cast<Shard&>(shard_of(key));
  std::lock_guard lock(shard.mutex);
  if (now - shard.swept >= kSweepSeconds) {
    std::erase_if(shard.windows, [now](const auto& entry) { return entry.second.ends <= now; });
    shard.swept = now;
  }
  Window& window = shard.windows[key];
  if (window.ends <= now) window.count = 0;
  window.ends = ends;
  ++window.count;
}

}  // namespace sallyport::plugins::rate_limiting
