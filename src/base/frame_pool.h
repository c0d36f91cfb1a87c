// Memory for coroutine frames and what else lives as long as a request: per-thread free lists by
// size, so that a request costs no malloc. A frame must be freed on the thread that made it. Under
// ASan every frame is its own allocation, so that a use after free is seen.
#pragma once

#include <cstddef>

namespace sallyport {

// `bytes` is the same at both ends, as the compiler passes it to operator new and delete.
void* allocate_frame(size_t bytes);
void free_frame(void* frame, size_t bytes) noexcept;

// Gives the calling thread's unused frames back to malloc; call before a thread ends.
void trim_frames() noexcept;

// Base of what is made and freed on one thread with every request or connection.
struct Pooled {
  static void* operator new(size_t bytes) { return allocate_frame(bytes); }
  static void operator delete(void* object, size_t bytes) noexcept { free_frame(object, bytes); }
};

}  // namespace sallyport
