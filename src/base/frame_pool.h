// Memory for coroutine frames: per-thread free lists by size, so that a request costs no malloc. A
// frame must be freed on the thread that made it. Under ASan every frame is its own allocation, so
// that a use after free is seen.
#pragma once

#include <cstddef>

namespace sallyport {

// `bytes` is the same at both ends, as the compiler passes it to operator new and delete.
void* allocate_frame(size_t bytes);
void free_frame(void* frame, size_t bytes) noexcept;

// Gives the calling thread's unused frames back to malloc; call before a thread ends.
void trim_frames() noexcept;

}  // namespace sallyport
