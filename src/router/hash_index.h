// An open-addressing table from 64-bit hashes to 32-bit numbers: 8 bytes a slot, at most half full,
// filled once and then only read. Keys live elsewhere; every hit is verified there. A bitmap in
// front, small enough to stay in the processor's cache, answers most questions for keys that are
// not there.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "router/large_pages.h"

namespace sallyport::router {

class HashIndex {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  // Room for `count` insertions; must come first, and drops what was there.
  void reserve(size_t count) {
    slots_.assign(std::bit_ceil(count * 2 + 2), Slot{});
    filter_.assign(std::bit_ceil(count / 4 + 1), 0);  // 16 bits a key
  }

  void insert(uint64_t hash, uint32_t value) {
    size_t at = hash & (slots_.size() - 1);
    while (slots_[at].value != kNone) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = {.tag = static_cast<uint32_t>(hash >> 32), .value = value};
    filter_[word_of(hash)] |= bit_of(hash);
  }

  // The value for which `is_it(value)` holds, or kNone.
  template <typename IsIt>
  uint32_t find(uint64_t hash, IsIt&& is_it) const {
    if (filter_.empty() || (filter_[word_of(hash)] & bit_of(hash)) == 0) return kNone;
    auto tag = static_cast<uint32_t>(hash >> 32);
    size_t mask = slots_.size() - 1;
    for (size_t at = hash & mask; slots_[at].value != kNone; at = (at + 1) & mask) {
      if (slots_[at].tag == tag && is_it(slots_[at].value)) return slots_[at].value;
    }
    return kNone;
  }

 private:
  struct Slot {
    uint32_t tag = 0;
    uint32_t value = kNone;
  };

  size_t word_of(uint64_t hash) const { return (hash >> 26) & (filter_.size() - 1); }
  static uint64_t bit_of(uint64_t hash) { return uint64_t{1} << (hash >> 58); }

  Table<Slot> slots_;
  Table<uint64_t> filter_;
};

}  // namespace sallyport::router
