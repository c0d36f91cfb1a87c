#include "net/listener.h"

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/errno_text.h"
#include "base/log.h"
#include "net/backend.h"
#include "net/loop.h"

namespace sallyport::net {
namespace {

constexpr uint64_t kPauseMs = 100;
constexpr uint64_t kWarningEveryMs = 10'000;
// For the last packet of a handshake: longer than a round trip, and shorter than the second after
// which a client asks again, to learn then that nobody listens.
constexpr uint64_t kFarewellMs = 500;

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
              "cannot listen on " + address.text() + ": " + errno_text(error), remedy_for(error));
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

int bind_to(int fd, const SocketAddress& address, const Listener::Config& config) {
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
  return ::bind(fd, address.data(), address.size()) == 0 ? 0 : errno;
}

// A socket that is closed resets the clients in its queue, and those whose handshake ends later.
// Without SYNs there are none of them after a while. Accepted sockets inherit the filter, which
// does them no harm.
void let_no_handshake_begin(int fd) {
  constexpr uint32_t kFlags = 13;  // the byte of the TCP header that has them
  constexpr uint32_t kSyn = 0x02;
  constexpr uint32_t kAck = 0x10;
  sock_filter steps[] = {BPF_STMT(BPF_LD | BPF_B | BPF_ABS, kFlags),
                         BPF_STMT(BPF_ALU | BPF_AND | BPF_K, kSyn | kAck),
                         BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kSyn, 0, 1),
                         BPF_STMT(BPF_RET | BPF_K, 0), BPF_STMT(BPF_RET | BPF_K, ~0U)};
  const sock_fprog program{.len = std::size(steps), .filter = steps};
  ::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

}  // namespace

Listener::Listener(int fd, SocketAddress address, std::shared_ptr<Socket> socket)
    : fd_(fd),
      socket_(std::move(socket)),
      address_(address),
      pause_([](void* self) { static_cast<Listener*>(self)->on_pause_over(); }, this),
      farewell_([](void* self) { static_cast<Listener*>(self)->finish_retiring(); }, this) {}

void Listener::on_pause_over() {
  if (!stopping) loop_->backend().start_accepting(*this);
}

Result<std::unique_ptr<Listener>> Listener::bind(const SocketAddress& address,
                                                 const Config& config) {
  const int fd = ::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return listen_error(address, errno);
  // In place of another one: under another name first, so that there is no moment without a socket
  // at the path.
  const bool beside = address.is_unix() && config.take_over;
  const auto where =
      beside ? SocketAddress::parse(address.text() + ".next", 0) : Result<SocketAddress>(address);
  if (!where) {
    ::close(fd);
    return fail(where.error());
  }
  if (beside) ::unlink(where->text().substr(5).c_str());
  if (address.is_unix() && !beside) remove_stale_socket(address);
  if (const int error = bind_to(fd, *where, config); error != 0) {
    ::close(fd);
    return listen_error(address, error);
  }
  sockaddr_storage bound{};
  socklen_t size = sizeof(bound);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size);
  auto actual = SocketAddress::from(reinterpret_cast<sockaddr*>(&bound), size);
  auto socket = std::make_shared<Socket>();
  if (address.is_unix()) {
    socket->path = address.text().substr(5);
    socket->inode = inode_of(where->text().substr(5));
    actual = address;
  }
  std::unique_ptr<Listener> listener(new Listener(fd, actual, std::move(socket)));
  if (beside) listener->beside_ = where->text().substr(5);
  return listener;
}

Result<void> Listener::listen(int backlog) {
  if (::listen(fd_, backlog) != 0) return listen_error(address_, errno);
  if (beside_.empty()) return {};
  if (::rename(std::exchange(beside_, "").c_str(), socket_->path.c_str()) != 0) {
    return listen_error(address_, errno);
  }
  return {};
}

Result<std::unique_ptr<Listener>> Listener::open(const SocketAddress& address,
                                                 const Config& config) {
  auto listener = bind(address, config);
  if (!listener) return listener;
  if (auto listening = (*listener)->listen(config.backlog); !listening) {
    return fail(listening.error());
  }
  return listener;
}

Result<std::unique_ptr<Listener>> Listener::share() const {
  const int fd = ::fcntl(fd_, F_DUPFD_CLOEXEC, 0);
  if (fd < 0) return listen_error(address_, errno);
  ++socket_->listeners;
  return std::unique_ptr<Listener>(new Listener(fd, address_, socket_));
}

Listener::~Listener() {
  stop();
}

void Listener::start(Loop& loop, Accepted accepted, void* owner) {
  loop_ = &loop;
  accepted_ = accepted;
  owner_ = owner;
  loop.backend().start_accepting(*this);
}

// True for the last.
bool Listener::leave_socket() {
  if (socket_->listeners.fetch_sub(1) != 1) return false;
  if (!beside_.empty()) ::unlink(beside_.c_str());
  const std::string& path = socket_->path;
  if (!path.empty() && inode_of(path) == socket_->inode) ::unlink(path.c_str());
  return true;
}

void Listener::retire(Closed closed, void* owner) {
  closed_ = closed;
  closed_owner_ = owner;
  last_ = leave_socket();
  if (!last_) return finish_retiring();
  if (socket_->path.empty()) let_no_handshake_begin(fd_);
  loop_->timers().schedule(farewell_, loop_->now() + kFarewellMs);
}

void Listener::finish_retiring() {
  stopping = true;
  loop_->timers().cancel(pause_);
  loop_->backend().stop_accepting(*this);
  if (!armed) on_disarmed();
}

void Listener::on_disarmed() {
  if (fd_ < 0 || closed_ == nullptr) return;
  if (last_) take_queue();
  ::close(std::exchange(fd_, -1));
  std::exchange(closed_, nullptr)(closed_owner_);
}

void Listener::take_queue() {
  ::fcntl(fd_, F_SETFL, O_NONBLOCK);
  const int flags = SOCK_CLOEXEC | loop_->backend().socket_flags();
  for (int fd = 0; (fd = ::accept4(fd_, nullptr, nullptr, flags)) >= 0;) on_accepted(fd);
}

void Listener::stop() {
  if (fd_ < 0) return;
  if (closed_ == nullptr) leave_socket();
  closed_ = nullptr;
  if (loop_ != nullptr) {
    loop_->timers().cancel(pause_);
    loop_->timers().cancel(farewell_);
    if (!stopping) loop_->backend().stop_accepting(*this);
  }
  stopping = true;
  ::close(std::exchange(fd_, -1));
}

// One that io_uring had accepted before it was told to stop may come after stop().
void Listener::on_accepted(int fd) {
  if (fd_ < 0) {
    ::close(fd);
  } else {
    accepted_(owner_, *this, fd);
  }
}

void Listener::on_accept_error(int error) {
  // These concern one connection that is gone, not us.
  if (error == ECONNABORTED || error == EINTR || error == EPROTO || error == EPERM) {
    loop_->backend().start_accepting(*this);
    return;
  }
  if (last_warning_ == 0 || loop_->now() - last_warning_ >= kWarningEveryMs) {
    last_warning_ = loop_->now();
    log::warn("cannot accept connections on {}: {}; trying again every {} ms. {}", address_.text(),
              errno_text(error), kPauseMs, remedy_for(error));
  }
  loop_->timers().schedule(pause_, loop_->now() + kPauseMs);
}

}  // namespace sallyport::net
