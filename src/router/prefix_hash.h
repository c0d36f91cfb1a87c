// Hashes of all wanted prefixes of one string in a single pass. Not for hostile keys: every hit is
// verified. Used by the router's index, on any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace sallyport::router {

inline uint64_t fold_multiply(uint64_t a, uint64_t b) {
  auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

class PrefixHasher {
 public:
  explicit PrefixHasher(std::string_view text) : text_(text) {}

  // The hash of the first `size` bytes mixed with `salt`. Sizes must rise from call to call.
  uint64_t at(size_t size, uint64_t salt) {
    while (done_ + 8 <= size) {
      state_ = fold_multiply(state_ ^ load(done_), kMultiplier);
      done_ += 8;
    }
    uint64_t tail = 0;
    if (size_t left = size - done_; left != 0) {
      tail = load(done_) & (~uint64_t{0} >> (64 - 8 * left));
    }
    return fold_multiply(state_ ^ tail, (salt * kSaltMultiplier + size) | 1);
  }

  static uint64_t of(std::string_view text, uint64_t salt) {
    return PrefixHasher(text).at(text.size(), salt);
  }

 private:
  static constexpr uint64_t kMultiplier = 0x9e3779b97f4a7c15ULL;
  static constexpr uint64_t kSaltMultiplier = 0xd6e8feb86659fd93ULL;

  uint64_t load(size_t at) const {
    uint64_t word = 0;
    if (text_.size() - at >= 8) {
      std::memcpy(&word, text_.data() + at, 8);
    } else {
      std::memcpy(&word, text_.data() + at, text_.size() - at);
    }
    return word;
  }

  std::string_view text_;
  uint64_t state_ = 0x2d358dccaa6c78a5ULL;
  size_t done_ = 0;
};

}  // namespace sallyport::router
