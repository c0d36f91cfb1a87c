// Addresses: IPv4, IPv6 and unix sockets as the kernel takes them, and IP addresses as plain values
// for comparison with CIDR ranges. Values; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/error.h"

namespace sallyport::net {

// An IP address in 16 bytes; IPv4 as ::ffff:a.b.c.d, so that both families compare alike.
struct IpAddress {
  std::array<uint8_t, 16> bytes{};
  bool v4 = false;

  static std::optional<IpAddress> parse(std::string_view text);  // "10.0.0.1", "::1", "[::1]"
  std::string text() const;
  bool operator==(const IpAddress&) const = default;
};

// A range of addresses: "10.0.0.0/8", "::1", "0.0.0.0/0".
class Cidr {
 public:
  static std::optional<Cidr> parse(std::string_view text);
  bool contains(const IpAddress& address) const;

 private:
  IpAddress base_;
  int bits_ = 128;  // of the 16 bytes
};

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
