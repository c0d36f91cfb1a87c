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

#include "net/listener.h"
#include "net/loop.h"
#include "net/stream.h"

namespace sallyport::net {
namespace {

// Few, so that what one round has touched is still in the cache when its answers are written.
constexpr int kMaxEvents = 32;
constexpr int kMaxVectors = 16;
constexpr int kAcceptsPerRound = 64;
// Blocks that one stream may read in a row before the others have their turn.
constexpr uint8_t kReadBudget = 8;

// What an event's pointer points at, in its low bits.
enum Tag : uintptr_t { kStream = 0, kListener = 1, kWatch = 2, kTagMask = 3 };

void* tagged(void* object, Tag tag) {
  return reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(object) | tag);
}

}  // namespace

Result<std::unique_ptr<Backend>> EpollBackend::create(Loop& loop) {
  const int fd = ::epoll_create1(EPOLL_CLOEXEC);
  if (fd < 0) {
    return fail("net.loop", Side::internal,
                std::string("cannot create an epoll instance: ") + std::strerror(errno));
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
  if (count > 0) {
    block->end = static_cast<uint32_t>(count);
    // A short read has emptied the socket; the next bytes are a new edge. The end is not.
    stream.kernel.readable = block->end == most || stream.kernel.hung_up;
    stream.on_data(std::move(block));
    return true;
  }
  stream.kernel.readable = false;
  if (count == 0) {
    stream.on_end();
  } else if (errno != EAGAIN) {
    stream.on_receive_error(errno);
  } else {
    return false;
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
  for (size_t i = 0; i < sending_.size(); ++i) {
    if (sending_[i] != nullptr) send_now(*sending_[i]);
  }
  sending_.clear();
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
    if (count < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) {
        stream.kernel.writable_wait = true;
        return;
      }
      stream.on_send_error(errno);
      return;
    }
    stream.on_sent(static_cast<size_t>(count));
    // A short write has filled the socket; EPOLLOUT comes when there is room.
    if (static_cast<size_t>(count) < total) {
      stream.kernel.writable_wait = true;
      return;
    }
  }
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
  for (int i = 0; i < count; ++i) {
    const auto bits = reinterpret_cast<uintptr_t>(events[i].data.ptr);
    void* object = reinterpret_cast<void*>(bits & ~uintptr_t{kTagMask});
    switch (bits & kTagMask) {
      case kStream:
        on_stream(*static_cast<Stream*>(object), events[i].events);
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

void EpollBackend::on_stream(Stream& stream, uint32_t events) {
  if (stream.kernel.closed) return;
  if (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) {
    on_writable(stream);
    if (stream.kernel.closed) return;
  }
  if (events & (EPOLLIN | EPOLLRDHUP | EPOLLERR | EPOLLHUP)) on_readable(stream, events);
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
