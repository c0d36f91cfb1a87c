// Finds the bytes that matter in a message head, 64 at a time: control bytes (which end or spoil a
// line) and bytes that cannot stand in a name. Three versions of one function; the fastest that the
// processor has is picked once. Any thread.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sallyport::http::scan {

// Bit i stands for byte i of the block.
struct Block {
  uint64_t control = 0;    // 0x00-0x1f without HT, and 0x7f
  uint64_t non_token = 0;  // anything but tchar
};

// Fills ceil(size / 64) blocks; bits at and beyond `size` are 0.
using Classify = void (*)(const char* bytes, size_t size, Block* blocks);

void classify_scalar(const char* bytes, size_t size, Block* blocks);
#if defined(__x86_64__)
void classify_sse42(const char* bytes, size_t size, Block* blocks);
void classify_avx2(const char* bytes, size_t size, Block* blocks);
#endif

struct Version {
  std::string_view name;  // "scalar", "sse4.2", "avx2"
  Classify classify;
  bool usable;  // by this processor
};

// All that were compiled in, slowest first.
std::array<Version, 3> versions();

// The last usable of versions(), found once.
Classify best();

// Answers "where is the next such byte" for rising positions of one head, classifying a window at a
// time. Going back before the window costs a new one.
class Window {
 public:
  explicit Window(std::string_view bytes) : bytes_(bytes), classify_(best()) {}

  // The first at or after `from`; size() when there is none.
  size_t control(size_t from) { return find(&Block::control, from); }
  size_t non_token(size_t from) { return find(&Block::non_token, from); }

  size_t size() const { return bytes_.size(); }

 private:
  static constexpr size_t kBlocks = 8;

  size_t find(uint64_t Block::* mask, size_t from) {
    while (from < bytes_.size()) {
      size_t block = from / 64;
      if (block - first_ >= kBlocks) load(block);
      uint64_t bits = blocks_[block - first_].*mask >> (from % 64);
      if (bits != 0) return from + static_cast<size_t>(std::countr_zero(bits));
      from = (block + 1) * 64;
    }
    return bytes_.size();
  }

  void load(size_t block);

  std::string_view bytes_;
  Classify classify_;
  size_t first_ = static_cast<size_t>(-1) / 2;  // no block is near it
  std::array<Block, kBlocks> blocks_;
};

}  // namespace sallyport::http::scan
