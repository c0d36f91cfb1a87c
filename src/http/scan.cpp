#include "http/scan.h"

#include <algorithm>
#include <cstring>

#include "http/character.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace sallyport::http::scan {
namespace {

Block classify_block_scalar(const char* bytes) {
  Block block;
  for (unsigned i = 0; i < 64; ++i) {
    uint8_t bits = kCharacters[static_cast<uint8_t>(bytes[i])];
    block.control |= uint64_t{(bits & kControl) != 0} << i;
    block.non_token |= uint64_t{(bits & kToken) == 0} << i;
  }
  return block;
}

// Runs `classify_block` over whole blocks and over a padded copy of the rest.
template <typename ClassifyBlock>
[[gnu::always_inline]] inline void each_block(const char* bytes, size_t size, Block* blocks,
                                              ClassifyBlock classify_block) {
  for (; size >= 64; bytes += 64, size -= 64) *blocks++ = classify_block(bytes);
  if (size == 0) return;
  char padded[64] = {};
  std::memcpy(padded, bytes, size);
  Block block = classify_block(padded);
  uint64_t valid = (uint64_t{1} << size) - 1;
  *blocks = {.control = block.control & valid, .non_token = block.non_token & valid};
}

#if defined(__x86_64__)
// tchar by two table look-ups: bit h of kByLowNibble[l] says that the byte 0xhl is a token
// character.
constexpr std::array<uint8_t, 16> make_low_nibbles() {
  std::array<uint8_t, 16> table{};
  for (unsigned c = 0; c < 128; ++c) {
    if (is(static_cast<char>(c), kToken)) table[c % 16] |= static_cast<uint8_t>(1U << (c / 16));
  }
  return table;
}
alignas(16) constexpr std::array<uint8_t, 16> kByLowNibble = make_low_nibbles();
alignas(16) constexpr std::array<uint8_t, 16> kHighNibbleBit = {1, 2, 4, 8, 16, 32, 64, 128};

__attribute__((target("sse4.2"))) inline Block classify_block_sse42(const char* bytes) {
  const __m128i low_table = _mm_load_si128(reinterpret_cast<const __m128i*>(kByLowNibble.data()));
  const __m128i high_table =
      _mm_load_si128(reinterpret_cast<const __m128i*>(kHighNibbleBit.data()));
  const __m128i nibble = _mm_set1_epi8(0x0f);
  Block block;
  for (unsigned i = 0; i < 4; ++i) {
    __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes + size_t{16} * i));
    __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(0x1f)), v);
    __m128i control = _mm_or_si128(_mm_andnot_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('\t')), low),
                                   _mm_cmpeq_epi8(v, _mm_set1_epi8(0x7f)));
    __m128i high = _mm_and_si128(_mm_srli_epi16(v, 4), nibble);
    __m128i token =
        _mm_and_si128(_mm_shuffle_epi8(low_table, v), _mm_shuffle_epi8(high_table, high));
    __m128i non_token = _mm_cmpeq_epi8(token, _mm_setzero_si128());
    block.control |= static_cast<uint64_t>(_mm_movemask_epi8(control)) << (16 * i);
    block.non_token |= static_cast<uint64_t>(_mm_movemask_epi8(non_token)) << (16 * i);
  }
  return block;
}

__attribute__((target("avx2"))) inline Block classify_block_avx2(const char* bytes) {
  const __m256i low_table = _mm256_broadcastsi128_si256(
      _mm_load_si128(reinterpret_cast<const __m128i*>(kByLowNibble.data())));
  const __m256i high_table = _mm256_broadcastsi128_si256(
      _mm_load_si128(reinterpret_cast<const __m128i*>(kHighNibbleBit.data())));
  const __m256i nibble = _mm256_set1_epi8(0x0f);
  Block block;
  for (unsigned i = 0; i < 2; ++i) {
    __m256i v = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes + size_t{32} * i));
    __m256i low = _mm256_cmpeq_epi8(_mm256_min_epu8(v, _mm256_set1_epi8(0x1f)), v);
    __m256i control =
        _mm256_or_si256(_mm256_andnot_si256(_mm256_cmpeq_epi8(v, _mm256_set1_epi8('\t')), low),
                        _mm256_cmpeq_epi8(v, _mm256_set1_epi8(0x7f)));
    __m256i high = _mm256_and_si256(_mm256_srli_epi16(v, 4), nibble);
    __m256i token =
        _mm256_and_si256(_mm256_shuffle_epi8(low_table, v), _mm256_shuffle_epi8(high_table, high));
    __m256i non_token = _mm256_cmpeq_epi8(token, _mm256_setzero_si256());
    block.control |= uint64_t{static_cast<uint32_t>(_mm256_movemask_epi8(control))} << (32 * i);
    block.non_token |= uint64_t{static_cast<uint32_t>(_mm256_movemask_epi8(non_token))} << (32 * i);
  }
  return block;
}
#endif

}  // namespace

void classify_scalar(const char* bytes, size_t size, Block* blocks) {
  each_block(bytes, size, blocks, classify_block_scalar);
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) void classify_sse42(const char* bytes, size_t size,
                                                      Block* blocks) {
  each_block(bytes, size, blocks, classify_block_sse42);
}
__attribute__((target("avx2"))) void classify_avx2(const char* bytes, size_t size, Block* blocks) {
  each_block(bytes, size, blocks, classify_block_avx2);
}

std::array<Version, 3> versions() {
  return {{{"scalar", classify_scalar, true},
           {"sse4.2", classify_sse42, __builtin_cpu_supports("sse4.2") != 0},
           {"avx2", classify_avx2, __builtin_cpu_supports("avx2") != 0}}};
}
#else
std::array<Version, 3> versions() {
  return {{{"scalar", classify_scalar, true},
           {"sse4.2", classify_scalar, false},
           {"avx2", classify_scalar, false}}};
}
#endif

Classify best() {
  static const Classify chosen = [] {
    Classify found = classify_scalar;
    for (const Version& version : versions()) {
      if (version.usable) found = version.classify;
    }
    return found;
  }();
  return chosen;
}

void Window::load(size_t block) {
  first_ = block;
  size_t begin = block * 64;
  classify_(bytes_.data() + begin, std::min(bytes_.size() - begin, kBlocks * 64), blocks_.data());
}

}  // namespace sallyport::http::scan
