#include "net/pipe_pool.h"

#include <algorithm>

#include <fcntl.h>
#include <unistd.h>

namespace sallyport::net {
namespace {

constexpr size_t kKeep = 64;
// Room for sixteen times the page fragments of a default pipe. Beyond the user's allowance
// (fs.pipe-user-pages-soft) the kernel refuses, and the default remains.
constexpr int kPipeBytes = 1 << 20;

}  // namespace

void PipeDeleter::operator()(Pipe* pipe) const noexcept {
  pipe->pool.put(pipe);
}

PipePool::~PipePool() {
  for (Pipe* pipe : unused_) close(pipe);
}

PipePtr PipePool::take(DescriptorLimit& descriptors, uint64_t now) {
  if (taken_ >= kMost) return nullptr;
  Pipe* pipe = nullptr;
  if (!unused_.empty()) {
    pipe = unused_.back();
    unused_.pop_back();
  } else {
    int ends[2];
    if (::pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) return nullptr;
    if (!descriptors.enough_for_client(std::max(ends[0], ends[1]), now)) {
      ::close(ends[0]);
      ::close(ends[1]);
      return nullptr;
    }
    ::fcntl(ends[1], F_SETPIPE_SZ, kPipeBytes);
    pipe = new Pipe{.pool = *this, .read = ends[0], .write = ends[1]};
  }
  ++taken_;
  return PipePtr(pipe);
}

void PipePool::put(Pipe* pipe) noexcept {
  --taken_;
  if (pipe->bytes > 0 || unused_.size() >= kKeep) return close(pipe);
  unused_.push_back(pipe);
}

void PipePool::close(Pipe* pipe) noexcept {
  ::close(pipe->read);
  ::close(pipe->write);
  delete pipe;
}

}  // namespace sallyport::net
