// Fixed-size buffers that carry bytes between the kernel and the protocol code. A Block has one
// owner at a time and is handed on, not copied: received blocks become sent blocks. One pool per
// loop; only the loop's thread touches it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

namespace sallyport::net {

class BlockPool;

// Bytes of payload room in a pooled block: one TLS record, and what a multishot receive fills.
inline constexpr uint32_t kBlockSize = 16 * 1024;
// The same in a small one: most heads, which are held as long as a request is under way.
inline constexpr uint32_t kSmallBlockSize = 1024;
// Readable bytes behind the room, for scanners that look 32 bytes at a time.
inline constexpr uint32_t kBlockSlack = 64;

struct Block {
  Block* next = nullptr;
  BlockPool* pool = nullptr;
  uint32_t begin = 0;  // the valid bytes are [begin, end)
  uint32_t end = 0;
  uint32_t capacity = 0;

  char* bytes() { return reinterpret_cast<char*>(this + 1); }
  const char* bytes() const { return reinterpret_cast<const char*>(this + 1); }
  uint32_t size() const { return end - begin; }
  uint32_t room() const { return capacity - end; }
  std::string_view view() const { return {bytes() + begin, size()}; }
  // Copies as much of `text` as fits; returns how much that was.
  size_t append(std::string_view text);
};

struct BlockDeleter {
  void operator()(Block* block) const noexcept;
};
using BlockPtr = std::unique_ptr<Block, BlockDeleter>;

class BlockPool {
 public:
  BlockPool() = default;
  BlockPool(const BlockPool&) = delete;
  BlockPool& operator=(const BlockPool&) = delete;
  ~BlockPool();

  BlockPtr take() { return BlockPtr(take_raw()); }
  // At least `bytes` of room; blocks above kBlockSize come from malloc and go back to it.
  BlockPtr take(size_t bytes) { return bytes <= kBlockSize ? take() : make(bytes); }
  // The same, and no more room than needed: for bytes that stay for a while. What is used in every
  // round then stays in the caches of the processor.
  BlockPtr take_fitting(size_t bytes) {
    return bytes <= kSmallBlockSize ? BlockPtr(take_from(small_)) : take(bytes);
  }

  Block* take_raw() { return take_from(large_); }
  void put(Block* block) noexcept;

  size_t unused() const { return large_.count; }
  // Gives them all back to malloc.
  void trim() noexcept;

 private:
  struct Unused {
    uint32_t capacity;
    Block* first = nullptr;
    size_t count = 0;
  };
  Block* take_from(Unused& unused);
  BlockPtr make(size_t bytes);

  Unused large_{kBlockSize};
  Unused small_{kSmallBlockSize};
};

// Adds the bytes of `more` to `block`, which is replaced by a larger one when it has no room.
void append_block(BlockPtr& block, const Block& more, BlockPool& pool);

// A FIFO of blocks that owns them.
class BlockQueue {
 public:
  BlockQueue() = default;
  BlockQueue(BlockQueue&& other) noexcept
      : head_(std::exchange(other.head_, nullptr)),
        tail_(std::exchange(other.tail_, nullptr)),
        bytes_(std::exchange(other.bytes_, 0)) {}
  BlockQueue(const BlockQueue&) = delete;
  BlockQueue& operator=(const BlockQueue&) = delete;
  ~BlockQueue() { clear(); }

  bool empty() const { return head_ == nullptr; }
  size_t bytes() const { return bytes_; }
  Block* front() const { return head_; }
  void push(BlockPtr block);
  void push_front(BlockPtr block);
  // A copy of `bytes`, in the room of the last block as far as that goes, then in fitting ones.
  void append(std::string_view bytes, BlockPool& pool);
  BlockPtr pop();
  // Drops `count` bytes from the front; blocks that are used up go back to their pool.
  void consume(size_t count);
  void clear();

 private:
  Block* head_ = nullptr;
  Block* tail_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace sallyport::net
