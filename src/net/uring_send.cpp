// UringBackend's sends, and which of them a wait need not end for: ADR 74.
#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <utility>

#include <sys/socket.h>
#include <unistd.h>

#include "net/loop.h"
#include "net/stream.h"
#include "net/uring_backend.h"
#include "net/uring_tag.h"

namespace sallyport::net {
namespace {

constexpr int kMaxVectors = 16;
constexpr int kUnreported = 5;  // ms that the outcome of a send may wait for company
// Guarding a send costs an entry more, which is worth it only where much may be left over.
constexpr size_t kUnguarded = size_t{4} * 1024;

}  // namespace

// The message of a send of several blocks; must not move until the kernel has taken the request.
struct UringBackend::SendVector {
  msghdr message{};
  std::array<iovec, kMaxVectors> vectors;
  size_t bytes = 0;
};

// What else is queued before the round ends goes with it.
void UringBackend::send(Stream& stream) {
  if (stream.kernel.send_armed) return;
  stream.kernel.send_armed = true;
  noted_.push_back(&stream);
}

void UringBackend::start_noted() {
  for (Stream* stream : noted_) start_noted(*stream);
  noted_.clear();
}

void UringBackend::push() {
  start_noted();
  io_uring_submit(&ring_);
}

void UringBackend::start_noted(Stream& stream) {
  if (!stream.send_failed()) return start_send(stream, true);
  stream.kernel.send_armed = false;
  stream.on_send_error(0);  // drops what was queued; nobody waits for it any more
}

void UringBackend::start_send(Stream& stream, bool at_once) {
  const BlockQueue& output = stream.output();
  Block* first = output.front();
  SendVector* vector = first->next != nullptr ? take_vector(first) : nullptr;
  const size_t bytes = vector != nullptr ? vector->bytes : first->size();
  const bool sure = bytes <= kUnguarded;
  // With more to come after it the send must be reported.
  at_once = at_once && bytes == output.bytes() && (sure || guards_);
  const bool guarded = at_once && !sure;
  io_uring_sqe* sqe = next_sqe(guarded ? 2 : 1);
  const int flags = MSG_NOSIGNAL | (at_once ? MSG_DONTWAIT : 0) | (guarded ? int{MSG_WAITALL} : 0);
  if (vector == nullptr) {
    io_uring_prep_send(sqe, stream.fd(), first->bytes() + first->begin, bytes, flags);
  } else {
    io_uring_prep_sendmsg(sqe, stream.fd(), &vector->message, static_cast<unsigned>(flags));
  }
  io_uring_sqe_set_data64(sqe, tagged(&stream, kSend));
  if (guarded) guard(*sqe);
  stream.kernel.send_vector = vector;
  stream.kernel.send_armed = true;
  stream.kernel.send_at_once = at_once;
  completed_at_once_ += at_once ? 1 : 0;
  ++stream.kernel.in_flight;
}

// Completes only when the send before it, which has MSG_WAITALL, did not take everything: one
// completion more than wait() has counted.
void UringBackend::guard(io_uring_sqe& send) {
  send.flags |= IOSQE_IO_LINK;
  io_uring_sqe* sqe = next_sqe(1);
  io_uring_prep_nop(sqe);
  sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
  io_uring_sqe_set_data64(sqe, kIgnored);
}

// Whether the kernel says how much of a guarded send has gone, and completes the guard: Linux 6.1.
bool UringBackend::probe_guards() {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return false;
  const int small = 1;  // the kernel's least
  ::setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
  const std::string bytes(size_t{256} * 1024, 'x');
  io_uring_sqe* sqe = next_sqe(2);
  io_uring_prep_send(sqe, pair[0], bytes.data(), bytes.size(),
                     MSG_NOSIGNAL | MSG_DONTWAIT | MSG_WAITALL);
  io_uring_sqe_set_data64(sqe, kSend);
  guard(*sqe);
  __kernel_timespec second{.tv_sec = 1, .tv_nsec = 0};
  io_uring_cqe* cqe = nullptr;
  io_uring_submit_and_wait_timeout(&ring_, &cqe, 2, &second, nullptr);
  int sent = 0;
  bool told = false;
  while (io_uring_peek_cqe(&ring_, &cqe) == 0) {
    if (cqe->user_data == kSend) {
      sent = cqe->res;
    } else {
      told = told || cqe->res == -ECANCELED;
    }
    io_uring_cqe_seen(&ring_, cqe);
  }
  std::string room(bytes.size(), ' ');
  const ssize_t arrived = ::recv(pair[1], room.data(), room.size(), MSG_DONTWAIT);
  ::close(pair[0]);
  ::close(pair[1]);
  return told && sent > 0 && sent == arrived;
}

UringBackend::SendVector* UringBackend::take_vector(Block* first) {
  SendVector* vector = nullptr;
  if (vectors_.empty()) {
    vector = new SendVector;
  } else {
    vector = vectors_.back();
    vectors_.pop_back();
  }
  vector->bytes = 0;
  int used = 0;
  for (Block* block = first; block != nullptr && used < kMaxVectors; block = block->next) {
    vector->vectors[used++] = {block->bytes() + block->begin, block->size()};
    vector->bytes += block->size();
  }
  vector->message = {};
  vector->message.msg_iov = vector->vectors.data();
  vector->message.msg_iovlen = used;
  return vector;
}

void UringBackend::free_vectors() {
  for (SendVector* vector : vectors_) delete vector;
}

// The call that submits sends completes them as well. That alone is no reason to come back, unless
// somebody waits for it or it left something over; a guard says so.
void UringBackend::wait(int timeout_ms) {
  unsigned wanted = 1;
  if (completed_at_once_ > 0 && loop_.output_is_nobodys_concern()) {
    wanted += completed_at_once_;
    timeout_ms = timeout_ms < 0 ? kUnreported : std::min(timeout_ms, kUnreported);
  }
  __kernel_timespec time{.tv_sec = timeout_ms / 1000, .tv_nsec = (timeout_ms % 1000) * 1'000'000LL};
  io_uring_cqe* first = nullptr;
  io_uring_submit_and_wait_timeout(&ring_, &first, wanted, timeout_ms < 0 ? nullptr : &time,
                                   nullptr);
}

void UringBackend::on_send(Stream& stream, int result) {
  stream.kernel.send_armed = false;
  --stream.kernel.in_flight;
  completed_at_once_ -= std::exchange(stream.kernel.send_at_once, false) ? 1 : 0;
  const Block* first = stream.output().front();
  size_t asked = first != nullptr ? first->size() : 0;
  if (stream.kernel.send_vector != nullptr) {
    vectors_.push_back(static_cast<SendVector*>(std::exchange(stream.kernel.send_vector, nullptr)));
    asked = vectors_.back()->bytes;
  }
  if (stream.kernel.closed) {
    if (stream.kernel.in_flight == 0) finish_close(stream);
    return;
  }
  if (result == -EAGAIN) return start_send(stream, false);
  if (result < 0) {
    stream.on_send_error(-result);
    return;
  }
  stream.on_sent(static_cast<size_t>(result));
  if (stream.kernel.closed || stream.output().empty() || stream.send_failed()) return;
  if (stream.kernel.send_armed) return;
  if (static_cast<size_t>(result) < asked) {
    start_send(stream, false);  // the socket is full: goes on when it takes bytes again
  } else {
    send(stream);
  }
}

}  // namespace sallyport::net
