#include "net/socket_batch.h"

#include <cerrno>
#include <ctime>
#include <utility>

#include <sys/syscall.h>
#include <unistd.h>

namespace sallyport::net {

std::unique_ptr<SocketBatch> SocketBatch::create() {
  aio_context_t context = 0;
  if (::syscall(SYS_io_setup, kMost, &context) != 0) return nullptr;
  std::unique_ptr<SocketBatch> batch(new SocketBatch(context));
  // A filter of system calls may let one of them pass and not the others.
  io_event event;
  timespec at_once{};
  const bool usable = ::syscall(SYS_io_submit, context, 0, batch->pointers_.data()) == 0 &&
                      ::syscall(SYS_io_getevents, context, 0, 1, &event, &at_once) == 0;
  return usable ? std::move(batch) : nullptr;
}

SocketBatch::SocketBatch(aio_context_t context) : context_(context) {
  for (size_t i = 0; i < kMost; ++i) {
    requests_[i].aio_data = i;
    pointers_[i] = &requests_[i];
  }
}

SocketBatch::~SocketBatch() {
  ::syscall(SYS_io_destroy, context_);
}

void SocketBatch::add(int fd, int operation, void* bytes, size_t count) {
  iocb& request = requests_[size_++];
  request.aio_lio_opcode = static_cast<uint16_t>(operation);
  request.aio_fildes = static_cast<uint32_t>(fd);
  request.aio_buf = reinterpret_cast<uint64_t>(bytes);
  request.aio_nbytes = count;
}

void SocketBatch::run() {
  for (size_t done = 0; done < size_;) {
    const long taken = ::syscall(SYS_io_submit, context_, size_ - done, &pointers_[done]);
    if (taken > 0) {
      collect(static_cast<size_t>(taken));
      done += static_cast<size_t>(taken);
    } else {  // the first of them is at fault; the others have their turn
      results_[done++] = taken < 0 ? -errno : -EAGAIN;
    }
  }
  size_ = 0;
}

// They are done already: nothing is waited for.
void SocketBatch::collect(size_t count) {
  std::array<io_event, kMost> events;
  while (count > 0) {
    const long got = ::syscall(SYS_io_getevents, context_, count, count, events.data(), nullptr);
    for (long i = 0; i < got; ++i) results_[events[i].data] = events[i].res;
    if (got > 0) count -= static_cast<size_t>(got);
  }
}

}  // namespace sallyport::net
