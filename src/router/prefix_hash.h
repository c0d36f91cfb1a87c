// Hashes of any prefixes of one string, after one pass over it. Not for hostile keys: every hit is
// verified. Used by the router's index, on any thread.
#pragma once

#include <algorithm>
#include <array>
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
  // No prefix longer than `longest` will be asked for.
  PrefixHasher(std::string_view text, size_t longest) : text_(text) {
    states_[0] = kSeed;
    size_t words = std::min({text.size(), longest, 8 * kWords}) / 8;
    for (size_t i = 0; i < words; ++i) {
      states_[i + 1] = fold_multiply(states_[i] ^ load(8 * i), kMultiplier);
    }
  }

  // The hash of the first `size` bytes mixed with `salt`.
  uint64_t at(size_t size, uint64_t salt) const {
    size_t word = std::min(size / 8, kWords);
    uint64_t state = states_[word];
    for (; word < size / 8; ++word) state = fold_multiply(state ^ load(8 * word), kMultiplier);
    uint64_t tail = 0;
    if (size_t left = size % 8; left != 0) {
      tail = load(8 * word) & (~uint64_t{0} >> (64 - 8 * left));
    }
    return fold_multiply(state ^ tail, (salt * kSaltMultiplier + size) | 1);
  }

  static uint64_t of(std::string_view text, uint64_t salt) {
    return PrefixHasher(text, text.size()).at(text.size(), salt);
  }

 private:
  static constexpr uint64_t kMultiplier = 0x9e3779b97f4a7c15ULL;
  static constexpr uint64_t kSaltMultiplier = 0xd6e8feb86659fd93ULL;
  static constexpr uint64_t kSeed = 0x2d358dccaa6c78a5ULL;
  static constexpr size_t kWords = 32;  // longer prefixes than 256 bytes go on from there

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
  std::array<uint64_t, kWords + 1> states_;  // after so many words
};

}  // namespace sallyport::router
