// What decides between routes that are alike in everything else: their ids, so that all nodes
// decide alike. As numbers, which a sort compares without following a pointer to a text.
#pragma once

#include <compare>
#include <cstdint>
#include <string_view>

namespace sallyport::router {

struct IdOrder {
  uint64_t high = 0;
  uint64_t low = 0;
  auto operator<=>(const IdOrder&) const = default;
};

// Of a UUID its value. Other ids are ordered by their first 16 bytes.
inline IdOrder id_order(std::string_view id) {
  constexpr size_t kDigits = 32;
  const bool uuid = id.size() == 36;
  IdOrder out;
  auto shift_in = [&out](unsigned bits, uint64_t value) {
    out.high = out.high << bits | out.low >> (64 - bits);
    out.low = out.low << bits | value;
  };
  if (!uuid) {
    for (size_t i = 0; i < kDigits / 2; ++i) {
      shift_in(8, i < id.size() ? static_cast<unsigned char>(id[i]) : 0);
    }
    return out;
  }
  for (const char c : id) {
    if (c == '-') continue;
    shift_in(4, static_cast<uint64_t>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10) & 0xf);
  }
  return out;
}

}  // namespace sallyport::router
