#include "net/block.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "base/memory_reserve.h"

namespace sallyport::net {
namespace {

// Unused blocks of a size above this many are given back: 16 MiB and 1 MiB per worker.
constexpr size_t kKeep = 1024;

Block* allocate(BlockPool* pool, size_t capacity) {
  void* memory = memory::allocate(sizeof(Block) + capacity + kBlockSlack);
  auto* block = new (memory) Block;
  block->pool = pool;
  block->capacity = static_cast<uint32_t>(capacity);
  return block;
}

}  // namespace

size_t Block::append(std::string_view text) {
  const size_t count = std::min<size_t>(text.size(), room());
  if (count > 0) std::memcpy(bytes() + end, text.data(), count);
  end += static_cast<uint32_t>(count);
  return count;
}

void BlockDeleter::operator()(Block* block) const noexcept {
  block->pool->put(block);
}

BlockPool::~BlockPool() {
  trim();
}

Block* BlockPool::take_from(Unused& unused) {
  Block* block = unused.first;
  if (block == nullptr) return allocate(this, unused.capacity);
  unused.first = block->next;
  --unused.count;
  block->next = nullptr;
  block->begin = block->end = 0;
  return block;
}

BlockPtr BlockPool::make(size_t bytes) {
  return BlockPtr(allocate(this, bytes));
}

void BlockPool::trim() noexcept {
  for (Unused* unused : {&large_, &small_}) {
    while (Block* block = unused->first) {
      unused->first = block->next;
      std::free(block);
    }
    unused->count = 0;
  }
}

void BlockPool::put(Block* block) noexcept {
  Unused& unused = block->capacity == kSmallBlockSize ? small_ : large_;
  if (block->capacity != unused.capacity || unused.count >= kKeep) {
    std::free(block);
    return;
  }
  block->next = unused.first;
  unused.first = block;
  ++unused.count;
}

void append_block(BlockPtr& block, const Block& more, BlockPool& pool) {
  if (block->room() < more.size()) {
    BlockPtr larger = pool.take(2 * (size_t{block->size()} + more.size()));
    larger->append(block->view());
    block = std::move(larger);
  }
  block->append(more.view());
}

void BlockQueue::push(BlockPtr block) {
  Block* raw = block.release();
  raw->next = nullptr;
  bytes_ += raw->size();
  if (tail_) {
    tail_->next = raw;
  } else {
    head_ = raw;
  }
  tail_ = raw;
}

void BlockQueue::push_front(BlockPtr block) {
  Block* raw = block.release();
  raw->next = head_;
  bytes_ += raw->size();
  head_ = raw;
  if (tail_ == nullptr) tail_ = raw;
}

void BlockQueue::append(std::string_view bytes, BlockPool& pool) {
  if (tail_ != nullptr) {
    const size_t fits = tail_->append(bytes);
    bytes_ += fits;
    bytes.remove_prefix(fits);
  }
  while (!bytes.empty()) {
    BlockPtr block = pool.take_fitting(std::min<size_t>(bytes.size(), kBlockSize));
    bytes.remove_prefix(block->append(bytes));
    push(std::move(block));
  }
}

BlockPtr BlockQueue::pop() {
  Block* raw = head_;
  if (raw == nullptr) return nullptr;
  head_ = raw->next;
  if (head_ == nullptr) tail_ = nullptr;
  raw->next = nullptr;
  bytes_ -= raw->size();
  return BlockPtr(raw);
}

void BlockQueue::consume(size_t count) {
  while (head_ != nullptr && count >= head_->size()) {
    count -= head_->size();
    pop();
  }
  if (count > 0 && head_ != nullptr) {
    head_->begin += static_cast<uint32_t>(count);
    bytes_ -= count;
  }
}

void BlockQueue::clear() {
  while (head_ != nullptr) pop();
}

}  // namespace sallyport::net
