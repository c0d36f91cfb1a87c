#include "net/datagram_socket.h"

#include <cerrno>
#include <cstring>
#include <string>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/errno_text.h"
#include "net/backend.h"
#include "net/loop.h"

namespace sallyport::net {
namespace {

union Control {
  char bytes[CMSG_SPACE(sizeof(in6_pktinfo)) + CMSG_SPACE(sizeof(in_pktinfo))];
  cmsghdr align;
};

std::optional<IpAddress> local_of(msghdr& message) {
  IpAddress ip;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_PKTINFO) {
      in_pktinfo info;
      std::memcpy(&info, CMSG_DATA(part), sizeof(info));
      ip.v4 = true;
      ip.bytes[10] = ip.bytes[11] = 0xff;
      std::memcpy(ip.bytes.data() + 12, &info.ipi_addr, 4);
      return ip;
    }
    if (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info;
      std::memcpy(&info, CMSG_DATA(part), sizeof(info));
      ip.v4 = false;
      std::memcpy(ip.bytes.data(), &info.ipi6_addr, 16);
      return ip;
    }
  }
  return std::nullopt;
}

// Makes the kernel take `from` for the sender.
template <typename Info>
void set_sender(msghdr& message, Control& control, int level, int type, const Info& info) {
  message.msg_control = control.bytes;
  message.msg_controllen = CMSG_SPACE(sizeof(info));
  cmsghdr* part = CMSG_FIRSTHDR(&message);
  part->cmsg_level = level;
  part->cmsg_type = type;
  part->cmsg_len = CMSG_LEN(sizeof(info));
  std::memcpy(CMSG_DATA(part), &info, sizeof(info));
}

std::unexpected<Error> bind_error(const SocketAddress& address) {
  return fail(
      "net.listen", Side::config,
      "cannot listen on " + address.text() + " for UDP: " + errno_text(errno),
      errno == EADDRINUSE ? "stop the process that listens there, or choose another port" : "");
}

}  // namespace

Result<std::unique_ptr<DatagramSocket>> DatagramSocket::bind(const SocketAddress& address,
                                                             bool ipv6only) {
  const int fd = ::socket(address.family(), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return bind_error(address);
  std::unique_ptr<DatagramSocket> socket(new DatagramSocket(fd, address));
  const int on = 1;
  const int only = ipv6only ? 1 : 0;
  if (address.family() == AF_INET6) {
    ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only));
    ::setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
  } else {
    ::setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
  }
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
  if (::bind(fd, address.data(), address.size()) != 0) return bind_error(address);
  sockaddr_storage bound{};
  socklen_t size = sizeof(bound);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size);
  socket->address_ = SocketAddress::from(reinterpret_cast<sockaddr*>(&bound), size);
  return socket;
}

std::unique_ptr<DatagramSocket> DatagramSocket::connect(const SocketAddress& peer) {
  const int fd = ::socket(peer.family(), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return nullptr;
  if (::connect(fd, peer.data(), peer.size()) != 0) {
    const int error = errno;
    ::close(fd);
    errno = error;
    return nullptr;
  }
  return std::unique_ptr<DatagramSocket>(new DatagramSocket(fd, peer));
}

DatagramSocket::~DatagramSocket() {
  if (watch_ != nullptr) loop_->backend().unwatch(watch_);
  ::close(fd_);
}

void DatagramSocket::start(Loop& loop, Ready ready, void* owner) {
  loop_ = &loop;
  ready_ = ready;
  owner_ = owner;
  watch_ = loop.backend().watch(
      fd_, POLLIN,
      [](void* self, uint32_t) {
        auto* socket = static_cast<DatagramSocket*>(self);
        socket->ready_(socket->owner_);
      },
      this);
}

DatagramSocket::Outcome DatagramSocket::receive(std::span<char> room, Datagram& out) {
  sockaddr_storage from{};
  iovec vector{room.data(), room.size()};
  Control control{};
  msghdr message{};
  message.msg_name = &from;
  message.msg_namelen = sizeof(from);
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof(control);
  const ssize_t size = ::recvmsg(fd_, &message, 0);
  if (size < 0) {
    const bool nothing = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    return nothing ? Outcome::nothing : Outcome::broken;
  }
  out.bytes = {room.data(), static_cast<size_t>(size)};
  out.from = SocketAddress::from(reinterpret_cast<sockaddr*>(&from), message.msg_namelen);
  out.local = local_of(message);
  return Outcome::received;
}

bool DatagramSocket::send(std::string_view bytes) {
  return ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) >= 0;
}

bool DatagramSocket::send(std::string_view bytes, const SocketAddress& to,
                          const std::optional<IpAddress>& from) {
  iovec vector{const_cast<char*>(bytes.data()), bytes.size()};
  Control control{};
  msghdr message{};
  message.msg_name = const_cast<sockaddr*>(to.data());
  message.msg_namelen = to.size();
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  if (from && address_.family() == AF_INET) {
    in_pktinfo info{};
    std::memcpy(&info.ipi_spec_dst, from->bytes.data() + 12, 4);
    set_sender(message, control, IPPROTO_IP, IP_PKTINFO, info);
  } else if (from && address_.family() == AF_INET6) {
    in6_pktinfo info{};
    std::memcpy(&info.ipi6_addr, from->bytes.data(), 16);
    set_sender(message, control, IPPROTO_IPV6, IPV6_PKTINFO, info);
  }
  return ::sendmsg(fd_, &message, MSG_NOSIGNAL) >= 0;
}

}  // namespace sallyport::net
