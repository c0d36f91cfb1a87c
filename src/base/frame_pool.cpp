#include "base/frame_pool.h"

#include <cstdlib>

#include "base/memory_reserve.h"

namespace sallyport {
namespace {

constexpr size_t kStep = 64;
constexpr size_t kClasses = 32;  // frames up to 2 KiB are pooled

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
constexpr bool kPooled = false;
#else
constexpr bool kPooled = true;
#endif
#else
constexpr bool kPooled = true;
#endif

struct FreeFrame {
  FreeFrame* next;
};

// The list of frames of such a size; kClasses: none is kept.
size_t class_of(size_t bytes) {
  return kPooled ? (bytes - 1) / kStep : kClasses;
}

// Trivial on purpose: a thread_local without constructor costs one instruction to reach.
constinit thread_local FreeFrame* free_frames[kClasses] = {};

}  // namespace

void* allocate_frame(size_t bytes) {
  const size_t index = class_of(bytes);
  if (index < kClasses) {
    if (FreeFrame* frame = free_frames[index]) {
      free_frames[index] = frame->next;
      return frame;
    }
    bytes = (index + 1) * kStep;
  }
  return memory::allocate(bytes);
}

void free_frame(void* frame, size_t bytes) noexcept {
  const size_t index = class_of(bytes);
  if (index >= kClasses) {
    std::free(frame);
    return;
  }
  auto* free = static_cast<FreeFrame*>(frame);
  free->next = free_frames[index];
  free_frames[index] = free;
}

void trim_frames() noexcept {
  for (FreeFrame*& list : free_frames) {
    while (FreeFrame* frame = list) {
      list = frame->next;
      std::free(frame);
    }
  }
}

}  // namespace sallyport
