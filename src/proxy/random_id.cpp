#include "proxy/random_id.h"

#include <bit>
#include <cstring>
#include <random>

#include <sys/random.h>

namespace sallyport::proxy {
namespace {

// The sixteen digits of 64 bits, eight bytes at a time: spread the nibbles, then turn each into its
// digit without a table.
uint64_t digits_of(uint32_t half) {
  uint64_t x = half;
  x = ((x & 0x00000000ffff0000) << 16) | (x & 0x000000000000ffff);
  x = ((x & 0x0000ff000000ff00) << 8) | (x & 0x000000ff000000ff);
  x = ((x & 0x00f000f000f000f0) << 4) | (x & 0x000f000f000f000f);
  const uint64_t above_nine = ((x + 0x0606060606060606) >> 4) & 0x0101010101010101;
  return x + 0x3030303030303030 + above_nine * ('a' - '0' - 10);
}

}  // namespace

RandomId::RandomId() {
  if (::getrandom(state_.data(), sizeof(state_), 0) == sizeof(state_)) return;
  std::random_device device;
  for (uint64_t& word : state_) word = (uint64_t{device()} << 32) | device();
}

// xoshiro256++
uint64_t RandomId::next() {
  const uint64_t result = std::rotl(state_[0] + state_[3], 23) + state_[0];
  const uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

void RandomId::write(std::array<char, 32>& out) {
  for (int i = 0; i < 2; ++i) {
    const uint64_t word = next();
    const uint64_t high = digits_of(static_cast<uint32_t>(word >> 32));
    const uint64_t low = digits_of(static_cast<uint32_t>(word));
    std::memcpy(out.data() + 16 * i, &high, 8);
    std::memcpy(out.data() + 16 * i + 8, &low, 8);
  }
}

}  // namespace sallyport::proxy
