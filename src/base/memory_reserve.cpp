#include "base/memory_reserve.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <new>

#include <malloc.h>
#include <sys/mman.h>

namespace sallyport::memory {
namespace {

constexpr size_t kSlices = 32;
constexpr size_t kSliceBytes = size_t{1} << 20;
// Slices that the system does not give as such are taken from what malloc has, which may lie in
// pieces: smaller than what malloc asks the system for, so that they are found among the free.
constexpr size_t kPieceBytes = size_t{64} * 1024;

// A slice's address, with kMapped in it when the system gave it; 0 for none.
using Slice = std::atomic<uintptr_t>;
constexpr uintptr_t kMapped = 1;

std::array<Slice, kSlices> slices{};
std::atomic<size_t> missing{0};
std::atomic_flag recovering = ATOMIC_FLAG_INIT;

void free_slice(uintptr_t slice) noexcept {
  void* memory = reinterpret_cast<void*>(slice & ~kMapped);  // NOLINT(performance-no-int-to-ptr)
  if ((slice & kMapped) != 0) {
    ::munmap(memory, kSliceBytes);
  } else {
    std::free(memory);
  }
}

uintptr_t new_slice() noexcept {
  void* mapped =
      ::mmap(nullptr, kSliceBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped != MAP_FAILED) return reinterpret_cast<uintptr_t>(mapped) | kMapped;
  return reinterpret_cast<uintptr_t>(std::malloc(kPieceBytes));
}

void on_out_of_memory() {
  if (!give_up_slice()) throw std::bad_alloc();
}

}  // namespace

void set_aside_reserve() {
  static std::once_flag once;
  std::call_once(once, [] { missing.store(kSlices, std::memory_order_relaxed); });
  recover();
  std::set_new_handler(&on_out_of_memory);
}

bool is_short() noexcept {
  return missing.load(std::memory_order_relaxed) != 0;
}

bool is_very_short() noexcept {
  return missing.load(std::memory_order_relaxed) >= kSlices / 2;
}

bool give_up_slice() noexcept {
  for (Slice& slice : slices) {
    const uintptr_t taken = slice.exchange(0, std::memory_order_relaxed);
    if (taken == 0) continue;
    free_slice(taken);
    missing.fetch_add(1, std::memory_order_relaxed);
    return true;
  }
  return false;
}

// One thread at a time fills: no slice is overwritten.
void recover() noexcept {
  if (recovering.test_and_set(std::memory_order_acquire)) return;
  ::malloc_trim(0);
  for (Slice& slice : slices) {
    if (slice.load(std::memory_order_relaxed) != 0) continue;
    const uintptr_t fresh = new_slice();
    if (fresh == 0) break;
    slice.store(fresh, std::memory_order_relaxed);
    missing.fetch_sub(1, std::memory_order_relaxed);
  }
  recovering.clear(std::memory_order_release);
}

void* allocate(size_t bytes) {
  for (;;) {
    if (void* memory = std::malloc(bytes)) return memory;
    if (!give_up_slice()) throw std::bad_alloc();
  }
}

}  // namespace sallyport::memory
