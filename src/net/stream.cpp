#include "net/stream.h"

#include <cassert>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/socket.h>

#include "net/backend.h"
#include "net/loop.h"

namespace sallyport::net {

Stream::Stream(Loop& loop, StreamBackend& backend, int fd)
    : loop_(loop),
      backend_(backend),
      fd_(fd),
      timer_([](void* self) { static_cast<Stream*>(self)->on_timer(); }, this) {}

Stream::~Stream() {
  assert(!timer_.scheduled());
}

bool Stream::ready_to_receive() {
  return receive_ready() || receive_until_ready();
}

// Bytes of a TLS connection need not hold any plaintext: then more are asked for.
bool Stream::receive_until_ready() {
  if (lent_) return false;
  while (backend_.receive(*this)) {
    if (receive_ready()) return true;
  }
  return false;
}

Received Stream::take_received() {
  if (receive_outcome_ != IoStatus::ok) {
    return {nullptr, std::exchange(receive_outcome_, IoStatus::ok)};
  }
  if (!received_.empty()) return {received_.pop(), IoStatus::ok};
  return {nullptr, receive_error_ != 0 ? IoStatus::failed : IoStatus::eof};
}

bool Stream::has_unseen() const {
  char byte = 0;
  if (kernel.read_ahead) return true;
  return fd_ >= 0 && ::recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

void Stream::cancel_receive() {
  if (!receiver_) return;
  receive_outcome_ = IoStatus::cancelled;
  std::exchange(receiver_, nullptr).resume();
}

void Stream::wake_receiver() {
  if (!receive_ready() && !(wanted() && receive_until_ready())) return;
  if (receiver_) {
    std::exchange(receiver_, nullptr).resume();
  } else if (notice_ != nullptr && (notice_any_ || gone())) {
    call_notice();
  }
}

void Stream::lend(bool on) {
  lent_ = on;
  if (!on && notice_ != nullptr && !receive_ready()) receive_until_ready();
}

void Stream::poll_receive() {
  polling_receive_ = true;
  loop_.backend().poll_receive(*this);
}

IoStatus Stream::take_poll() {
  polling_receive_ = false;
  if (receive_outcome_ != IoStatus::ok) return std::exchange(receive_outcome_, IoStatus::ok);
  return receive_error_ != 0 ? IoStatus::failed : IoStatus::ok;
}

void Stream::on_readable() {
  if (polling_receive_ && receiver_) std::exchange(receiver_, nullptr).resume();
}

void Stream::poll_send() {
  polling_send_ = sending_ = true;
  set_deadline(send_deadline_, send_timeout_);
  loop_.backend().poll_send(*this);
}

void Stream::on_writable() {
  if (polling_send_) wake_drainer();
}

void Stream::receive_small(bool on) {
  if (on == kernel.small_receives) return;
  kernel.small_receives = on;
  // One that may take more is under way.
  if (on && kernel.receive_armed) loop_.backend().restart_receive(*this);
}

void Stream::make_nonblocking() {
  if (kernel.nonblocking) return;
  kernel.nonblocking = true;
  if ((loop_.backend().socket_flags() & SOCK_NONBLOCK) == 0) {
    ::fcntl(fd_, F_SETFL, O_RDWR | O_NONBLOCK);
  }
}

void Stream::watch(Notice notice, void* owner, bool any) {
  notice_ = notice;
  notice_owner_ = owner;
  notice_any_ = any;
  if (!receive_ready()) receive_until_ready();
}

void Stream::call_notice() {
  std::exchange(notice_, nullptr)(notice_owner_);
}

void Stream::queue(BlockPtr block) {
  if (send_error_ != 0 || block->size() == 0) return;
  if (tls_ == nullptr) {
    output_.push(std::move(block));
    return;
  }
  if (!tls_->send(std::move(block))) return on_send_error(EPROTO);
  move_tls_output();
}

bool Stream::accept_tls(const TlsContext& context, const TlsAccept& options) {
  tls_ = TlsFilter::accept(context, loop_.blocks(), options);
  return tls_ != nullptr;
}

bool Stream::connect_tls(const TlsContext& context, const TlsConnect& options) {
  tls_ = TlsFilter::connect(context, loop_.blocks(), options);
  if (tls_ == nullptr) return false;
  move_tls_output();
  flush();
  return true;
}

void Stream::leave_tls() {
  tls_.reset();
  receive_error_ = 0;
}

bool Stream::ready_for_handshake() {
  shaking_hands_ = true;
  return ready_to_receive();
}

IoStatus Stream::take_handshake() {
  shaking_hands_ = false;
  if (receive_outcome_ != IoStatus::ok) return std::exchange(receive_outcome_, IoStatus::ok);
  if (tls_->established() && receive_error_ == 0) return IoStatus::ok;
  return receive_error_ != 0 ? IoStatus::failed : IoStatus::eof;
}

void Stream::take_ciphertext(BlockPtr block) {
  const bool sound = tls_->receive(std::move(block), received_);
  // Also what a broken handshake has to say: the peer learns why.
  move_tls_output();
  if (send_error_ == 0) flush();
  if (!sound) receive_error_ = EPROTO;
  if (tls_->peer_finished()) ended_ = true;
}

void Stream::move_tls_output() {
  while (BlockPtr block = tls_->take_output()) output_.push(std::move(block));
}

void Stream::finish_output() {
  if (tls_ == nullptr || send_error_ != 0) return;
  tls_->close_notify();
  move_tls_output();
  flush();
}

void Stream::start_sending() {
  backend_.send(*this);
  if (output_.empty() || send_error_ != 0) return;
  sending_ = true;
  set_deadline(send_deadline_, send_timeout_);
}

void Stream::wait_for_output(std::coroutine_handle<> waiting) {
  drainer_ = waiting;
  loop_.output_awaited(true);
}

void Stream::wake_drainer() {
  if (!drainer_) return;
  loop_.output_awaited(false);
  std::exchange(drainer_, nullptr).resume();
}

void Stream::cancel_drain() {
  if (!drainer_) return;
  drain_outcome_ = IoStatus::cancelled;
  wake_drainer();
}

void Stream::shutdown_send() {
  if (fd_ >= 0) ::shutdown(fd_, SHUT_WR);
}

void Stream::reset_on_close() {
  if (fd_ < 0) return;
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
  backend_.close(*this);
}

void Stream::on_bytes(std::string_view bytes) {
  received_.append(bytes, loop_.blocks());
}

void Stream::on_receive_error(int error) {
  receive_error_ = error;
}

void Stream::on_sent(size_t bytes) {
  output_.consume(bytes);
  sending_ = !output_.empty();
  if (sending_) send_deadline_ = send_timeout_ != 0 ? loop_.now() + send_timeout_ : 0;
  if (drainer_ && unsent() <= drain_level_) wake_drainer();
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
