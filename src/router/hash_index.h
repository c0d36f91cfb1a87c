// An open-addressing table from 64-bit hashes to 32-bit numbers: 8 bytes a slot, at most half full,
// filled once and then only read. Keys live elsewhere; every hit is verified there.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace sallyport::router {

class HashIndex {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  // Room for `count` insertions; must come first, and drops what was there.
  void reserve(size_t count) {
    slots_.assign(std::bit_ceil(count * 2 + 2), Slot{});
    mask_ = slots_.size() - 1;
  }

  void insert(uint64_t hash, uint32_t value) {
    size_t at = hash & mask_;
    while (slots_[at].value != kNone) at = (at + 1) & mask_;
    slots_[at] = {.tag = static_cast<uint32_t>(hash >> 32), .value = value};
  }

  // The value for which `is_it(value)` holds, or kNone. Nothing may have been inserted.
  template <typename IsIt>
  uint32_t find(uint64_t hash, IsIt&& is_it) const {
    if (slots_.empty()) return kNone;
    auto tag = static_cast<uint32_t>(hash >> 32);
    for (size_t at = hash & mask_; slots_[at].value != kNone; at = (at + 1) & mask_) {
      if (slots_[at].tag == tag && is_it(slots_[at].value)) return slots_[at].value;
    }
    return kNone;
  }

 private:
  struct Slot {
    uint32_t tag = 0;
    uint32_t value = kNone;
  };
  std::vector<Slot> slots_;
  size_t mask_ = 0;
};

}  // namespace sallyport::router
