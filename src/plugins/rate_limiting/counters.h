// How often something happened in the current window of time, for all workers of this node: Kong's
// policy `local`. Kept over changes of the configuration. Any thread: one of many mutexes is held
// for the time of a look-up, on routes with this plugin only.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>

namespace sallyport::plugins::rate_limiting {

class Counters {
 public:
  static Counters& of_this_node();

  // The windows end at `ends` (Unix seconds) and are forgotten some time after.
  int64_t read(const std::string& key, int64_t now) const;
  void add(const std::string& key, int64_t ends, int64_t now);

 private:
  struct Window {
    int64_t count = 0;
    int64_t ends = 0;
  };
  struct alignas(64) Shard {
    mutable std::mutex mutex;
    std::unordered_map<std::string, Window> windows;
    int64_t swept = 0;
  };
  static constexpr size_t kShards = 64;
  const Shard& shard_of(const std::string& key) const {
    return shards_[std::hash<std::string>()(key) % kShards];
  }
  std::array<Shard, kShards> shards_;
};

}  // namespace sallyport::plugins::rate_limiting
