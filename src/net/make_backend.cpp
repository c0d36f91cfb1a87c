#include "net/epoll_backend.h"
#include "net/loop.h"
#include "net/uring_backend.h"

namespace sallyport::net {

Result<std::unique_ptr<Backend>> make_backend(Loop& loop, BackendChoice choice,
                                              std::string* fallback) {
  if (choice == BackendChoice::epoll) return EpollBackend::create(loop);
  auto uring = UringBackend::create(loop);
  if (uring || choice == BackendChoice::io_uring) return uring;
  if (fallback != nullptr) *fallback = uring.error().detail;
  return EpollBackend::create(loop);
}

}  // namespace sallyport::net
