#include "net/stream.h"

#include <cassert>
#include <cerrno>
#include <utility>

#include <sys/socket.h>

#include "net/backend.h"
#include "net/loop.h"

namespace sallyport::net {

Stream::Stream(Loop& loop, int fd)
    : loop_(loop),
      fd_(fd),
      timer_([](void* self) { static_cast<Stream*>(self)->on_timer(); }, this) {}

Stream::~Stream() {
  assert(!timer_.scheduled());
}

bool Stream::ready_to_receive() {
  if (!receive_ready()) loop_.backend().receive(*this);
  return receive_ready();
}

Received Stream::take_received() {
  if (receive_outcome_ != IoStatus::ok) {
    return {nullptr, std::exchange(receive_outcome_, IoStatus::ok)};
  }
  if (!received_.empty()) return {received_.pop(), IoStatus::ok};
  return {nullptr, receive_error_ != 0 ? IoStatus::failed : IoStatus::eof};
}

void Stream::cancel_receive() {
  if (!receiver_) return;
  receive_outcome_ = IoStatus::cancelled;
  std::exchange(receiver_, nullptr).resume();
}

void Stream::wake_receiver() {
  if (receiver_) {
    std::exchange(receiver_, nullptr).resume();
  } else if (notice_ != nullptr && (notice_any_ || receive_error_ != 0)) {
    call_notice();
  }
}

void Stream::watch(Notice notice, void* owner, bool any) {
  notice_ = notice;
  notice_owner_ = owner;
  notice_any_ = any;
  if (!receive_ready()) loop_.backend().receive(*this);
}

void Stream::call_notice() {
  std::exchange(notice_, nullptr)(notice_owner_);
}

void Stream::queue(BlockPtr block) {
  if (send_error_ != 0 || block->size() == 0) return;
  output_.push(std::move(block));
}

void Stream::start_sending() {
  loop_.backend().send(*this);
  if (output_.empty() || send_error_ != 0) return;
  sending_ = true;
  set_deadline(send_deadline_, send_timeout_);
}

void Stream::wake_drainer() {
  if (drainer_) std::exchange(drainer_, nullptr).resume();
}

void Stream::cancel_drain() {
  if (!drainer_) return;
  drain_outcome_ = IoStatus::cancelled;
  wake_drainer();
}

void Stream::shutdown_send() {
  ::shutdown(fd_, SHUT_WR);
}

void Stream::reset_on_close() {
  const linger now{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

void Stream::fail(int error) {
  if (receive_error_ == 0) receive_error_ = error;
  on_send_error(error);
  if (!kernel.closed) wake_receiver();
}

void Stream::close() {
  assert(!receiver_ && !drainer_ && !kernel.closed);
  kernel.closed = true;
  notice_ = nullptr;
  received_.clear();
  if (!kernel.send_armed) output_.clear();  // else the kernel still reads from it
  loop_.timers().cancel(timer_);
  loop_.forget(*this);
  loop_.backend().close(*this);
}

void Stream::on_data(BlockPtr block) {
  received_.push(std::move(block));
}

void Stream::on_end() {
  ended_ = true;
}

void Stream::on_receive_error(int error) {
  receive_error_ = error;
}

void Stream::on_sent(size_t bytes) {
  output_.consume(bytes);
  sending_ = !output_.empty();
  if (sending_) send_deadline_ = send_timeout_ != 0 ? loop_.now() + send_timeout_ : 0;
  if (drainer_ && output_.bytes() <= drain_level_) wake_drainer();
}

void Stream::on_send_error(int error) {
  if (send_error_ == 0) send_error_ = error;
  sending_ = false;
  if (!kernel.send_armed) output_.clear();
  wake_drainer();
}

void Stream::on_connected(int error) {
  if (error != 0) receive_error_ = send_error_ = error;
  wake_drainer();
}

// Deadlines mostly move away from now, so moving one is a store: the timer stays where it is and
// looks at the deadlines when it fires.
void Stream::set_deadline(uint64_t& deadline, uint32_t timeout_ms) {
  deadline = timeout_ms == 0 ? 0 : loop_.now() + timeout_ms;
  if (deadline == 0) return;
  if (!timer_.scheduled() || timer_.due > deadline) loop_.timers().schedule(timer_, deadline);
}

void Stream::on_timer() {
  const uint64_t now = loop_.now();
  uint64_t next = ~uint64_t{0};
  if (sending_ && send_deadline_ != 0) {
    if (send_deadline_ <= now) {
      if (drainer_) drain_outcome_ = IoStatus::timed_out;
      on_send_error(ETIMEDOUT);
      if (kernel.closed) return;
    } else {
      next = send_deadline_;
    }
  }
  if (receiver_ && receive_deadline_ != 0) {
    if (receive_deadline_ <= now) {
      receive_outcome_ = IoStatus::timed_out;
      std::exchange(receiver_, nullptr).resume();
      if (kernel.closed) return;
    } else if (receive_deadline_ < next) {
      next = receive_deadline_;
    }
  }
  if (next != ~uint64_t{0} && (!timer_.scheduled() || timer_.due > next)) {
    loop_.timers().schedule(timer_, next);
  }
}

}  // namespace sallyport::net
