// Addresses: IPv4, IPv6 and unix sockets as the kernel takes them. Values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/error.h"
#include "base/ip_address.h"

namespace sallyport::net {

using sallyport::Cidr;
using sallyport::IpAddress;

class SocketAddress {
 public:
  SocketAddress() = default;
  // `address` as in a listen directive: a literal IP or "unix:/path".
  // Errors: "net.address" (Side::config), naming what is wrong.
  static Result<SocketAddress> parse(std::string_view address, uint16_t port);
  static SocketAddress from(const IpAddress& address, uint16_t port);
  static SocketAddress from(const sockaddr* address, socklen_t length);

  int family() const { return storage_.base.sa_family; }
  bool is_unix() const { return family() == AF_UNIX; }
  uint16_t port() const;
  std::optional<IpAddress> ip() const;
  std::string text() const;  // "127.0.0.1:80", "[::1]:80", "unix:/path"

  const sockaddr* data() const { return &storage_.base; }
  sockaddr* data() { return &storage_.base; }
  socklen_t size() const { return size_; }

  bool operator==(const SocketAddress& other) const;

 private:
  union Storage {
    sockaddr base{};
    sockaddr_in v4;
    sockaddr_in6 v6;
    sockaddr_un local;
  };
  Storage storage_;
  socklen_t size_ = 0;
};

}  // namespace sallyport::net
