#include "http/h2_memory.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <new>

#include "base/frame_pool.h"

namespace sallyport::http {
namespace {

// In front of every object: the pool wants its size back.
struct Head {
  alignas(std::max_align_t) size_t bytes;
};

Head* head_of(void* object) {
  return static_cast<Head*>(object) - 1;
}

void* take(size_t size, void*) {
  try {
    auto* head = new (allocate_frame(sizeof(Head) + size)) Head{sizeof(Head) + size};
    return head + 1;
  } catch (const std::bad_alloc&) {
    return nullptr;  // nghttp2 gives up the connection
  }
}

void give_back(void* object, void*) {
  if (object != nullptr) free_frame(head_of(object), head_of(object)->bytes);
}

void* take_zeroed(size_t count, size_t size, void* user) {
  if (size != 0 && count > SIZE_MAX / 2 / size) return nullptr;
  void* object = take(count * size, user);
  if (object != nullptr) std::memset(object, 0, count * size);
  return object;
}

void* resize(void* object, size_t size, void* user) {
  void* larger = take(size, user);
  if (larger == nullptr || object == nullptr) return larger;
  std::memcpy(larger, object, std::min(size, head_of(object)->bytes - sizeof(Head)));
  give_back(object, user);
  return larger;
}

}  // namespace

nghttp2_mem* h2_memory() {
  static nghttp2_mem memory{nullptr, &take, &give_back, &take_zeroed, &resize};
  return &memory;
}

}  // namespace sallyport::http
