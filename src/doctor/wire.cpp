#include "doctor/wire.h"

#include <cerrno>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/errno_text.h"

namespace sallyport::doctor {
namespace {

socklen_t socket_address(const std::string& address, uint16_t port, sockaddr_storage& out) {
  std::memset(&out, 0, sizeof out);
  auto* v4 = reinterpret_cast<sockaddr_in*>(&out);
  if (inet_pton(AF_INET, address.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    return sizeof(sockaddr_in);
  }
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&out);
  if (inet_pton(AF_INET6, address.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    return sizeof(sockaddr_in6);
  }
  return 0;
}

Stop stop_of(int error) {
  switch (error) {
    case ETIMEDOUT:
      return Stop::timeout;
    case ECONNREFUSED:
      return Stop::refused;
    case ECONNRESET:
    case EPIPE:
      return Stop::reset;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case EADDRNOTAVAIL:
      return Stop::unreachable;
    default:
      return Stop::other;
  }
}

}  // namespace

Wire::~Wire() {
  if (fd_ >= 0) close(fd_);
}

bool Wire::failed(int error) {
  stop_ = stop_of(error);
  error_ = errno_text(error);
  return false;
}

bool Wire::wait(short events, TimePoint deadline) {
  for (;;) {
    pollfd entry{fd_, events, 0};
    auto left = remaining(deadline).count();
    int ready = left > 0 ? poll(&entry, 1, static_cast<int>(left)) : 0;
    if (ready > 0) return true;
    if (ready == 0) {
      stop_ = Stop::timeout;
      error_ = "no answer in time";
      return false;
    }
    if (errno != EINTR) return failed(errno);
  }
}

bool Wire::connect(const std::string& address, uint16_t port, TimePoint deadline) {
  sockaddr_storage to;
  socklen_t length = socket_address(address, port, to);
  if (length == 0) return failed(EINVAL);
  fd_ = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return failed(errno);
  int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(fd_, reinterpret_cast<sockaddr*>(&to), length) == 0) return true;
  if (errno != EINPROGRESS) return failed(errno);
  if (!wait(POLLOUT, deadline)) return false;
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
  return error == 0 || failed(error);
}

bool Wire::send(std::string_view bytes, TimePoint deadline) {
  while (!bytes.empty()) {
    ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n >= 0) {
      bytes.remove_prefix(static_cast<size_t>(n));
    } else if (errno == EAGAIN) {
      if (!wait(POLLOUT, deadline)) return false;
    } else if (errno != EINTR) {
      return failed(errno);
    }
  }
  return true;
}

bool Wire::receive(std::string& into, size_t limit, TimePoint deadline) {
  char buffer[16384];
  for (;;) {
    ssize_t n = recv(fd_, buffer, std::min(limit, sizeof buffer), 0);
    if (n > 0) {
      into.append(buffer, static_cast<size_t>(n));
      return true;
    }
    if (n == 0) {
      stop_ = Stop::closed;
      error_ = "the server closed the connection";
      return false;
    }
    if (errno == EAGAIN) {
      if (!wait(POLLIN, deadline)) return false;
    } else if (errno != EINTR) {
      return failed(errno);
    }
  }
}

}  // namespace sallyport::doctor
