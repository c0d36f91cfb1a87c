#include "net/epoll_backend.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/errno_text.h"
#include "net/listener.h"
#include "net/loop.h"
#include "net/stream.h"

namespace sallyport::net {
namespace {

// Few, so that what one round has touched is still in the cache when its answers are written.
constexpr int kMaxEvents = SocketBatch::kMost;
constexpr int kMaxVectors = 16;
constexpr int kAcceptsPerRound = 64;
// Blocks that one stream may read in a row before the others have their turn.
constexpr uint8_t kReadBudget = 8;

// What an event's pointer points at, in its low bits.
enum Tag : uintptr_t { kStream = 0, kListener = 1, kWatch = 2, kTagMask = 3 };

void* tagged(void* object, Tag tag) {
  return static_cast<char*>(object) + tag;
}

uintptr_t tag_of(const void* tagged) {
  return reinterpret_cast<uintptr_t>(tagged) & kTagMask;
}

}  // namespace

Result<std::unique_ptr<Backend>> EpollBackend::create(Loop& loop) {
  const int fd = ::epoll_create1(EPOLL_CLOEXEC);
  if (fd < 0) {
    return fail("net.loop", Side::internal,
                std::string("cannot create an epoll instance: ") + errno_text(errno));
  }
  return std::unique_ptr<Backend>(new EpollBackend(loop, fd));
}

EpollBackend::~EpollBackend() {
  free_unwatched();
  ::close(fd_);
}

int EpollBackend::socket_flags() const {
  return SOCK_CLOEXEC | SOCK_NONBLOCK;
}

bool EpollBackend::add(Stream& stream) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = tagged(&stream, kStream);
  return ::epoll_ctl(fd_, EPOLL_CTL_ADD, stream.fd(), &event) == 0;
}

bool EpollBackend::receive(Stream& stream) {
  if (!stream.kernel.readable) return false;
  if (stream.kernel.budget == 0) {
    postponed_.push_back(&stream);
    return false;
  }
  --stream.kernel.budget;
  BlockPtr block = loop_.blocks().take();
  const uint32_t most = stream.kernel.small_receives ? kSmallReceive : block->capacity;
  ssize_t count = 0;
  do {
    count = ::recv(stream.fd(), block->bytes(), most, 0);
  } while (count < 0 && errno == EINTR);
  return on_received(stream, std::move(block), count < 0 ? -errno : count, most);
}

// Whether there was anything. `result` is what reading up to `most` bytes gave, or the errno,
// negative.
bool EpollBackend::on_received(Stream& stream, BlockPtr block, int64_t result, uint32_t most) {
  stream.kernel.readable = false;
  if (result == -EAGAIN) return false;
  if (result > 0) {
    block->end = static_cast<uint32_t>(result);
    // A short read has emptied the socket; the next bytes are a new edge. The end is not.
    stream.kernel.readable = block->end == most || stream.kernel.hung_up;
    stream.on_data(std::move(block));
  } else if (result == 0) {
    stream.on_end();
  } else {
    stream.on_receive_error(static_cast<int>(-result));
  }
  return true;
}

void EpollBackend::send(Stream& stream) {
  if (stream.kernel.send_armed || stream.kernel.writable_wait) return;
  stream.kernel.send_armed = true;
  queued_.push_back(&stream);
}

// What is sent meanwhile, by coroutines that have waited for room, has its turn in the next round,
// which does not wait then.
void EpollBackend::submit() {
  sending_.swap(queued_);
  if (batch_ != nullptr && sending_.size() >= SocketBatch::kFewest) {
    for (size_t i = 0; i < sending_.size(); i += SocketBatch::kMost) {
      send_batch(std::span(sending_).subspan(i, std::min(SocketBatch::kMost, sending_.size() - i)));
    }
  } else {
    for (size_t i = 0; i < sending_.size(); ++i) {
      if (sending_[i] != nullptr) send_now(*sending_[i]);
    }
  }
  sending_.clear();
}

// One block each; those that have more are rare, and written by themselves.
void EpollBackend::send_batch(std::span<Stream* const> streams) {
  struct Write {
    Stream* stream;
    size_t bytes;
  };
  std::array<Write, SocketBatch::kMost> writes;
  size_t count = 0;
  for (Stream* const& place : streams) {
    Stream* stream = place;
    if (stream == nullptr) continue;
    Block* block = stream->output().front();
    if (stream->send_failed() || block == nullptr || block->next != nullptr) {
      send_now(*stream);
      continue;
    }
    writes[count++] = {stream, block->size()};
    batch_->add_write(stream->fd(), block->bytes() + block->begin, block->size());
  }
  batch_->run();
  for (size_t i = 0; i < count; ++i) writes[i].stream->kernel.send_armed = false;
  // Whom one of them wakes may close another.
  for (size_t i = 0; i < count; ++i) {
    Stream& stream = *writes[i].stream;
    if (stream.kernel.closed || stream.send_failed()) continue;
    if (on_sent(stream, batch_->result(i), writes[i].bytes)) send_now(stream);
  }
}

void EpollBackend::send_now(Stream& stream) {
  stream.kernel.send_armed = false;
  if (stream.send_failed()) return stream.on_send_error(0);
  while (!stream.output().empty()) {
    std::array<iovec, kMaxVectors> vectors;
    size_t used = 0;
    size_t total = 0;
    for (Block* block = stream.output().front(); block != nullptr && used < kMaxVectors;
         block = block->next) {
      vectors[used++] = {block->bytes() + block->begin, block->size()};
      total += block->size();
    }
    msghdr message{};
    message.msg_iov = vectors.data();
    message.msg_iovlen = used;
    const ssize_t count = used == 1 ? ::send(stream.fd(), vectors[0].iov_base, total, MSG_NOSIGNAL)
                                    : ::sendmsg(stream.fd(), &message, MSG_NOSIGNAL);
    if (!on_sent(stream, count < 0 ? -errno : count, total)) return;
  }
}

// Whether more may be written. `result` is what writing `total` bytes gave, or the errno, negative.
bool EpollBackend::on_sent(Stream& stream, int64_t result, size_t total) {
  if (result == -EINTR) return true;
  if (result == -EAGAIN) {
    stream.kernel.writable_wait = true;
    return false;
  }
  if (result < 0) {
    stream.on_send_error(static_cast<int>(-result));
    return false;
  }
  stream.on_sent(static_cast<size_t>(result));
  // A short write has filled the socket; EPOLLOUT comes when there is room.
  if (static_cast<size_t>(result) == total) return true;
  stream.kernel.writable_wait = true;
  return false;
}

void EpollBackend::connect(Stream& stream, const SocketAddress& address) {
  if (::connect(stream.fd(), address.data(), address.size()) == 0) return;
  if (errno == EINPROGRESS || errno == EINTR) {
    stream.kernel.connect_armed = true;
  } else {
    stream.on_connected(errno);
  }
}

void EpollBackend::close(Stream& stream) {
  if (stream.kernel.send_armed) {
    for (auto* list : {&queued_, &sending_}) std::ranges::replace(*list, &stream, nullptr);
    send_now(stream);
  }
  ::close(stream.fd());
  std::erase(postponed_, &stream);
  loop_.retire(&stream);
}

void EpollBackend::poll_receive(Stream& stream) {
  if (stream.kernel.readable) postponed_.push_back(&stream);
}

void EpollBackend::poll_send(Stream& stream) {
  stream.kernel.writable_wait = true;
}

void EpollBackend::start_accepting(Listener& listener) {
  if (listener.armed) return;
  ::fcntl(listener.fd(), F_SETFL, O_NONBLOCK);
  epoll_event event{};
  event.events = EPOLLIN | EPOLLEXCLUSIVE;  // unix listeners share one socket
  event.data.ptr = tagged(&listener, kListener);
  listener.armed = ::epoll_ctl(fd_, EPOLL_CTL_ADD, listener.fd(), &event) == 0;
  if (!listener.armed) listener.on_accept_error(errno);
}

void EpollBackend::stop_accepting(Listener& listener) {
  if (listener.armed) ::epoll_ctl(fd_, EPOLL_CTL_DEL, listener.fd(), nullptr);
  listener.armed = false;
}

FdWatch* EpollBackend::watch(int fd, uint32_t events, FdWatch::Ready ready, void* owner) {
  auto* watch = new FdWatch{.fd = fd, .events = events, .ready = ready, .owner = owner};
  epoll_event event{};
  event.events = ((events & POLLIN) ? EPOLLIN : 0U) | ((events & POLLOUT) ? EPOLLOUT : 0U);
  event.data.ptr = tagged(watch, kWatch);
  watch->armed = ::epoll_ctl(fd_, EPOLL_CTL_ADD, fd, &event) == 0;
  return watch;
}

void EpollBackend::unwatch(FdWatch* watch) {
  if (watch->armed) ::epoll_ctl(fd_, EPOLL_CTL_DEL, watch->fd, nullptr);
  watch->removed = true;
  unwatched_.push_back(watch);
}

void EpollBackend::turn(int timeout_ms) {
  std::array<epoll_event, kMaxEvents> events;
  const bool idle = postponed_.empty() && queued_.empty();
  const int count = ::epoll_wait(fd_, events.data(), kMaxEvents, idle ? timeout_ms : 0);
  loop_.update_now();
  resume_postponed();
  if (batch_ != nullptr && count >= int{SocketBatch::kFewest}) {
    receive_ahead(std::span(events).first(static_cast<size_t>(count)));
  }
  for (int i = 0; i < count; ++i) {
    const uintptr_t tag = tag_of(events[i].data.ptr);
    void* object = static_cast<char*>(events[i].data.ptr) - tag;
    switch (tag) {
      case kStream:
        on_stream(*static_cast<Stream*>(object), events[i].events, ahead_[i]);
        break;
      case kListener:
        on_listener(*static_cast<Listener*>(object));
        break;
      default: {
        auto* watch = static_cast<FdWatch*>(object);
        if (!watch->removed) watch->ready(watch->owner, events[i].events);
      }
    }
  }
  free_unwatched();
}

void EpollBackend::resume_postponed() {
  std::vector<Stream*> streams;
  streams.swap(postponed_);
  for (Stream* stream : streams) {
    if (!stream->kernel.closed) on_readable(*stream, 0);
  }
}

// Reads from all sockets that somebody waits for and that have nothing but bytes to tell. Until the
// event has its turn nobody else is to read from them: `readable` is off.
void EpollBackend::receive_ahead(std::span<const epoll_event> events) {
  std::array<uint8_t, SocketBatch::kMost> places;
  size_t count = 0;
  for (size_t i = 0; i < events.size(); ++i) {
    if (tag_of(events[i].data.ptr) != kStream) continue;
    const Stream& stream = *static_cast<Stream*>(events[i].data.ptr);
    constexpr uint32_t kReading = EPOLLIN | EPOLLRDHUP | EPOLLERR | EPOLLHUP;
    if ((events[i].events & kReading) == EPOLLIN && stream.wanted() && !stream.receive_ready() &&
        !stream.lent() && !stream.kernel.closed) {
      places[count++] = static_cast<uint8_t>(i);
    }
  }
  if (count < SocketBatch::kFewest) return;
  for (size_t i = 0; i < count; ++i) {
    Stream& stream = *static_cast<Stream*>(events[places[i]].data.ptr);
    Ahead& ahead = ahead_[places[i]];
    ahead.block = loop_.blocks().take();
    ahead.most = stream.kernel.small_receives ? kSmallReceive : ahead.block->capacity;
    batch_->add_read(stream.fd(), ahead.block->bytes(), ahead.most);
    stream.kernel.read_ahead = true;
    stream.kernel.readable = false;
  }
  batch_->run();
  for (size_t i = 0; i < count; ++i) ahead_[places[i]].result = batch_->result(i);
}

void EpollBackend::on_stream(Stream& stream, uint32_t events, Ahead& ahead) {
  if (!stream.kernel.closed && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0) {
    on_writable(stream);
  }
  if (stream.kernel.closed) {
    ahead.block.reset();
  } else if (ahead.block != nullptr) {
    on_read(stream, events, ahead);
  } else if (events & (EPOLLIN | EPOLLRDHUP | EPOLLERR | EPOLLHUP)) {
    on_readable(stream, events);
  }
}

void EpollBackend::on_read(Stream& stream, uint32_t events, Ahead& ahead) {
  BlockPtr block = std::move(ahead.block);
  stream.kernel.read_ahead = false;
  if (ahead.result == -EINTR) return on_readable(stream, events);
  stream.kernel.budget = kReadBudget - 1;
  if (on_received(stream, std::move(block), ahead.result, ahead.most)) stream.wake_receiver();
}

void EpollBackend::on_readable(Stream& stream, uint32_t events) {
  stream.kernel.readable = true;
  stream.kernel.budget = kReadBudget;
  if (events & (EPOLLRDHUP | EPOLLERR | EPOLLHUP)) stream.kernel.hung_up = true;
  if (stream.lent()) return stream.on_readable();
  if (!stream.wanted()) return;
  if ((events & EPOLLERR) != 0 && stream.watched_for_breaking()) {
    stream.on_receive_error(ECONNRESET);
    stream.wake_receiver();
    return;
  }
  if (stream.receive_ready() || receive(stream)) stream.wake_receiver();
}

void EpollBackend::on_writable(Stream& stream) {
  if (stream.kernel.connect_armed) {
    stream.kernel.connect_armed = false;
    int error = 0;
    socklen_t size = sizeof(error);
    ::getsockopt(stream.fd(), SOL_SOCKET, SO_ERROR, &error, &size);
    stream.on_connected(error);
    return;
  }
  if (stream.kernel.writable_wait) {
    stream.kernel.writable_wait = false;
    if (stream.polling_send()) return stream.on_writable();
    send_now(stream);
  }
}

void EpollBackend::on_listener(Listener& listener) {
  const int flags = socket_flags();
  for (int i = 0; i < kAcceptsPerRound && listener.armed; ++i) {
    const int fd = ::accept4(listener.fd(), nullptr, nullptr, flags);
    if (fd >= 0) {
      listener.on_accepted(fd);
    } else if (errno == EAGAIN) {
      return;
    } else {
      const int error = errno;
      stop_accepting(listener);
      listener.on_accept_error(error);
      return;
    }
  }
}

void EpollBackend::free_unwatched() {
  for (FdWatch* watch : unwatched_) delete watch;
  unwatched_.clear();
}

}  // namespace sallyport::net
