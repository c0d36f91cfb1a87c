// An allocator that asks for large pages when a table is large: a lookup among 100,000 routes
// touches a dozen places in megabytes, and spends much of its time on address translation
// otherwise.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>
#include <vector>

#include <sys/mman.h>

namespace sallyport::router {

template <typename T>
struct LargePageAllocator {
  using value_type = T;
  static constexpr size_t kPage = size_t{2} << 20;

  LargePageAllocator() = default;
  template <typename U>
  explicit LargePageAllocator(const LargePageAllocator<U>&) {}

  T* allocate(size_t count) {
    size_t size = count * sizeof(T);
    if (size < kPage) {
      return static_cast<T*>(::operator new(size, std::align_val_t{alignof(T)}));
    }
    size = (size + kPage - 1) / kPage * kPage;
    void* memory = ::operator new(size, std::align_val_t{kPage});
    madvise(memory, size, MADV_HUGEPAGE);  // a wish: the kernel may not have any
    return static_cast<T*>(memory);
  }
  void deallocate(T* memory, size_t count) {
    bool large = count * sizeof(T) >= kPage;
    ::operator delete(memory, std::align_val_t{large ? kPage : alignof(T)});
  }
  bool operator==(const LargePageAllocator&) const { return true; }
};

template <typename T>
using Table = std::vector<T, LargePageAllocator<T>>;

}  // namespace sallyport::router
