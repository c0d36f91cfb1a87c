#include "net/listener.h"

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "net/backend.h"
#include "net/loop.h"

namespace sallyport::net {
namespace {

constexpr uint64_t kPauseMs = 100;
constexpr uint64_t kWarningEveryMs = 10'000;

std::string remedy_for(int error) {
  switch (error) {
    case EADDRINUSE:
      return "stop the process that listens there, or choose another port";
    case EADDRNOTAVAIL:
      return "use an address of this machine, or 0.0.0.0";
    case EACCES:
      return "use a port above 1023, or grant CAP_NET_BIND_SERVICE";
    case EMFILE:
    case ENFILE:
      return "raise the limit on open files (ulimit -n)";
    default:
      return "";
  }
}

std::unexpected<Error> listen_error(const SocketAddress& address, int error) {
  return fail("net.listen", Side::config,
              "cannot listen on " + address.text() + ": " + std::strerror(error),
              remedy_for(error));
}

// A unix socket file outlives its process. One that refuses connections is nobody's.
void remove_stale_socket(const SocketAddress& address) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  if (::connect(fd, address.data(), address.size()) != 0 && errno == ECONNREFUSED) {
    ::unlink(address.text().substr(5).c_str());
  }
  ::close(fd);
}

uint64_t inode_of(const std::string& path) {
  struct stat named;
  return ::stat(path.c_str(), &named) == 0 ? named.st_ino : 0;
}

// Under another name first, so that there is no moment without a socket at the path.
int bind_in_place_of(int fd, const SocketAddress& address, int backlog) {
  const std::string path = address.text().substr(5);
  const std::string beside = path + ".next";
  ::unlink(beside.c_str());
  const auto other = SocketAddress::parse("unix:" + beside, 0);
  if (!other) return ENAMETOOLONG;
  if (::bind(fd, other->data(), other->size()) != 0 || ::listen(fd, backlog) != 0) return errno;
  return ::rename(beside.c_str(), path.c_str()) == 0 ? 0 : errno;
}

int bind_and_listen(int fd, const SocketAddress& address, const Listener::Config& config) {
  if (address.is_unix() && config.take_over) return bind_in_place_of(fd, address, config.backlog);
  const int on = 1;
  const int only = config.ipv6only ? 1 : 0;
  if (address.family() == AF_INET6) {
    ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only));
  }
  if (!address.is_unix()) {
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (config.reuse_port) ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
    // Accepted sockets inherit it: no call per connection.
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  }
  if (::bind(fd, address.data(), address.size()) != 0) return errno;
  return ::listen(fd, config.backlog) == 0 ? 0 : errno;
}

}  // namespace

Listener::Listener(int fd, SocketAddress address, std::shared_ptr<Path> path)
    : fd_(fd),
      path_(std::move(path)),
      address_(address),
      pause_([](void* self) { static_cast<Listener*>(self)->on_pause_over(); }, this) {}

void Listener::on_pause_over() {
  if (!stopping) loop_->backend().start_accepting(*this);
}

Result<std::unique_ptr<Listener>> Listener::open(const SocketAddress& address,
                                                 const Config& config) {
  const int fd = ::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return listen_error(address, errno);
  if (address.is_unix()) remove_stale_socket(address);
  if (const int error = bind_and_listen(fd, address, config); error != 0) {
    ::close(fd);
    return listen_error(address, error);
  }
  sockaddr_storage bound{};
  socklen_t size = sizeof(bound);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size);
  auto actual = SocketAddress::from(reinterpret_cast<sockaddr*>(&bound), size);
  std::shared_ptr<Path> path;
  if (address.is_unix()) {
    path = std::make_shared<Path>();
    path->path = address.text().substr(5);
    path->inode = inode_of(path->path);
    actual = address;
  }
  return std::unique_ptr<Listener>(new Listener(fd, actual, std::move(path)));
}

Result<std::unique_ptr<Listener>> Listener::share() const {
  const int fd = ::fcntl(fd_, F_DUPFD_CLOEXEC, 0);
  if (fd < 0) return listen_error(address_, errno);
  if (path_) ++path_->listeners;
  return std::unique_ptr<Listener>(new Listener(fd, address_, path_));
}

Listener::~Listener() {
  if (fd_ >= 0) stop();
}

void Listener::start(Loop& loop, Accepted accepted, void* owner) {
  loop_ = &loop;
  accepted_ = accepted;
  owner_ = owner;
  loop.backend().start_accepting(*this);
}

void Listener::stop() {
  stopping = true;
  const bool last = path_ == nullptr || path_->listeners.fetch_sub(1) == 1;
  if (loop_ != nullptr) {
    loop_->timers().cancel(pause_);
    loop_->backend().stop_accepting(*this);
  }
  if (last && loop_ != nullptr) {
    // Closing would reset what waits in the queue.
    ::fcntl(fd_, F_SETFL, O_NONBLOCK);
    const int flags = SOCK_CLOEXEC | loop_->backend().socket_flags();
    for (int fd = 0; (fd = ::accept4(fd_, nullptr, nullptr, flags)) >= 0;) on_accepted(fd);
  }
  if (last && path_ && inode_of(path_->path) == path_->inode) ::unlink(path_->path.c_str());
  ::close(std::exchange(fd_, -1));
}

void Listener::on_accept_error(int error) {
  // These concern one connection that is gone, not us.
  if (error == ECONNABORTED || error == EINTR || error == EPROTO || error == EPERM) {
    if (!stopping) loop_->backend().start_accepting(*this);
    return;
  }
  if (stopping) return;
  if (last_warning_ == 0 || loop_->now() - last_warning_ >= kWarningEveryMs) {
    last_warning_ = loop_->now();
    log::warn("cannot accept connections on {}: {}; trying again every {} ms. {}", address_.text(),
              std::strerror(error), kPauseMs, remedy_for(error));
  }
  loop_->timers().schedule(pause_, loop_->now() + kPauseMs);
}

}  // namespace sallyport::net
