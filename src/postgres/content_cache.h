// Keeps what was parsed from a file for as long as the file says the same: by content, for a mount
// that is swapped (Kubernetes) or a restored file keeps no useful times. Any thread.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>

#include <xxhash.h>

namespace sallyport::postgres {

// 128 bits over several pieces; the borders between them count.
class ContentHash {
 public:
  using Value = std::pair<uint64_t, uint64_t>;

  void add(std::string_view piece) {
    XXH128_hash_t hash = XXH3_128bits_withSeed(piece.data(), piece.size(), value_.first);
    value_ = {hash.low64 ^ piece.size(), hash.high64 ^ (value_.second * 0x9E3779B97F4A7C15ULL)};
  }
  void add(Value piece) {
    add(std::string_view{reinterpret_cast<const char*>(&piece),
                         sizeof piece});  // two integers, no padding
  }
  Value value() const { return value_; }

 private:
  Value value_{0x5a11, 0};
};

template <typename T>
class ContentCache {
 public:
  std::shared_ptr<const T> find(ContentHash::Value key) {
    std::lock_guard lock(mutex_);
    for (auto& [kept, value] : entries_) {
      if (kept == key) return value;
    }
    return nullptr;
  }

  void keep(ContentHash::Value key, std::shared_ptr<const T> value) {
    std::lock_guard lock(mutex_);
    entries_.emplace_front(key, std::move(value));
    if (entries_.size() > kEntries) entries_.pop_back();
  }

 private:
  // Two links with an old and a new generation each.
  static constexpr size_t kEntries = 4;
  std::mutex mutex_;
  std::deque<std::pair<ContentHash::Value, std::shared_ptr<const T>>> entries_;
};

}  // namespace sallyport::postgres
