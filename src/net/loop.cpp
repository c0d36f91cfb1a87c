#include "net/loop.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>

#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/frame_pool.h"
#include "base/memory_reserve.h"

namespace sallyport::net {

Loop::Loop() : mailbox_(std::make_shared<Mailbox>()) {
  // splice() to a connection that is gone raises it, and knows no MSG_NOSIGNAL.
  sigset_t broken_pipe;
  ::sigemptyset(&broken_pipe);
  ::sigaddset(&broken_pipe, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
  update_now();
  timers_ = TimerWheel(now_);
}

Result<std::unique_ptr<Loop>> Loop::create(BackendChoice choice, std::string* fallback) {
  std::unique_ptr<Loop> loop(new Loop());
  auto backend = make_backend(*loop, choice, fallback);
  if (!backend) return sallyport::fail(backend.error());
  loop->backend_ = std::move(*backend);
  if (loop->mailbox_->fd() < 0) {
    return sallyport::fail("net.loop", Side::internal,
                           "no file descriptor left for a worker's mailbox",
                           "raise the limit on open files (ulimit -n)");
  }
  loop->mail_watch_ = loop->backend_->watch(
      loop->mailbox_->fd(), POLLIN,
      [](void* owner, uint32_t) { static_cast<Loop*>(owner)->mailbox_->run_all(); }, loop.get());
  return loop;
}

Loop::~Loop() {
  mailbox_->close();
  if (backend_ != nullptr) {
    if (mail_watch_ != nullptr) backend_->unwatch(mail_watch_);
    // Lets cancelled operations come home.
    for (int i = 0; i < 100 && (i == 0 || closing_ > 0); ++i) turn(i < 10 ? 0 : 1);
  }
  backend_.reset();
  free_retired();
  trim_frames();
}

void Loop::run() {
  stopped_ = false;
  while (!stopped_) turn(wait_time());
}

void Loop::turn(int timeout_ms) {
  backend_->turn(timeout_ms);
  timers_.advance(now_);
  if (memory::is_short() && relief_ != nullptr) relief_(relief_owner_);
  // Before the next wait is measured: whoever waited for it may set a timer.
  backend_->submit();
  free_retired();
}

int Loop::wait_time() const {
  const uint64_t due = timers_.next_due();
  if (due == ~uint64_t{0}) return -1;
  return due <= now_ ? 0 : static_cast<int>(std::min<uint64_t>(due - now_, 60'000));
}

void Loop::update_now() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  now_ =
      static_cast<uint64_t>(time.tv_sec) * 1000 + static_cast<uint64_t>(time.tv_nsec) / 1'000'000;
}

StreamPtr Loop::adopt(int fd) {
  auto* stream = new (allocate_frame(sizeof(Stream))) Stream(*this, *backend_, fd);
  if (!backend_->add(*stream)) {
    const int error = errno;
    ::close(fd);
    stream->~Stream();
    free_frame(stream, sizeof(Stream));
    errno = error;
    return nullptr;
  }
  link(*stream);
  return StreamPtr(stream);
}

StreamPtr Loop::make_stream(StreamBackend& backend) {
  auto* stream = new (allocate_frame(sizeof(Stream))) Stream(*this, backend, -1);
  link(*stream);
  return StreamPtr(stream);
}

void Loop::link(Stream& stream) {
  stream.next_ = streams_;
  if (streams_ != nullptr) streams_->prev_ = &stream.next_;
  stream.prev_ = &streams_;
  streams_ = &stream;
}

Task<Connected> Loop::connect(const SocketAddress& address, uint32_t timeout_ms) {
  const int fd = ::socket(address.family(), SOCK_STREAM | backend_->socket_flags(), 0);
  if (fd < 0) co_return Connected{nullptr, errno};
  if (!descriptors_.enough_for_upstream(fd, now_)) {
    ::close(fd);
    co_return Connected{nullptr, EMFILE};
  }
  if (!address.is_unix()) {
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  }
  StreamPtr stream = adopt(fd);
  if (stream == nullptr) co_return Connected{nullptr, errno};

  struct Awaiter {
    Loop& loop;
    Stream& stream;
    const SocketAddress& address;
    uint32_t timeout_ms;
    bool await_ready() const {
      loop.backend_->connect(stream, address);
      return !stream.kernel.connect_armed;
    }
    void await_suspend(std::coroutine_handle<> waiting) const {
      stream.wait_for_output(waiting);
      stream.sending_ = true;  // so that the send deadline rules the connect
      stream.set_deadline(stream.send_deadline_, timeout_ms);
    }
    void await_resume() const {
      stream.sending_ = false;
      stream.drain_outcome_ = IoStatus::ok;
    }
  };
  co_await Awaiter{*this, *stream, address, timeout_ms};
  if (const int error = stream->error(); error != 0) co_return Connected{nullptr, error};
  co_return Connected{std::move(stream), 0};
}

void Loop::push_output() {
  backend_->push();
}

void Loop::fail_streams(int error) {
  // Failing one may close it and others: start again from the head until all have been seen.
  for (Stream* stream = streams_; stream != nullptr;) {
    if (stream->receive_error_ != 0 && stream->send_error_ != 0) {
      stream = stream->next_;
      continue;
    }
    stream->fail(error);
    stream = streams_;
  }
}

void Loop::forget(Stream& stream) {
  *stream.prev_ = stream.next_;
  if (stream.next_ != nullptr) stream.next_->prev_ = stream.prev_;
  stream.prev_ = nullptr;
  ++closing_;
}

void Loop::retire(Stream* stream) {
  stream->next_ = retired_;
  retired_ = stream;
  --closing_;
}

void Loop::free_retired() {
  while (Stream* stream = retired_) {
    retired_ = stream->next_;
    stream->~Stream();
    free_frame(stream, sizeof(Stream));
  }
}

}  // namespace sallyport::net
