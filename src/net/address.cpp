#include "net/address.h"

#include <cstring>

#include <arpa/inet.h>

#include "base/text.h"

namespace sallyport::net {

Result<SocketAddress> SocketAddress::parse(std::string_view address, uint16_t port) {
  if (address.starts_with("unix:")) {
    const std::string_view path = address.substr(5);
    SocketAddress out;
    if (path.empty() || path.size() >= sizeof(out.storage_.local.sun_path)) {
      return fail("net.address", Side::config,
                  "the unix socket path '" + std::string(path) + "' is empty or too long");
    }
    out.storage_.local = {};
    out.storage_.local.sun_family = AF_UNIX;
    std::memcpy(out.storage_.local.sun_path, path.data(), path.size());
    out.size_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
    return out;
  }
  auto ip = IpAddress::parse(address);
  if (!ip) {
    return fail("net.address", Side::config, "'" + std::string(address) + "' is not an IP address");
  }
  return from(*ip, port);
}

SocketAddress SocketAddress::from(const IpAddress& address, uint16_t port) {
  SocketAddress out;
  if (address.v4) {
    out.storage_.v4 = {};
    out.storage_.v4.sin_family = AF_INET;
    out.storage_.v4.sin_port = htons(port);
    std::memcpy(&out.storage_.v4.sin_addr, &address.bytes[12], 4);
    out.size_ = sizeof(sockaddr_in);
  } else {
    out.storage_.v6 = {};
    out.storage_.v6.sin6_family = AF_INET6;
    out.storage_.v6.sin6_port = htons(port);
    std::memcpy(&out.storage_.v6.sin6_addr, address.bytes.data(), 16);
    out.size_ = sizeof(sockaddr_in6);
  }
  return out;
}

SocketAddress SocketAddress::from(const sockaddr* address, socklen_t length) {
  SocketAddress out;
  out.size_ = std::min<socklen_t>(length, sizeof(out.storage_));
  std::memcpy(&out.storage_, address, out.size_);
  return out;
}

uint16_t SocketAddress::port() const {
  if (family() == AF_INET) return ntohs(storage_.v4.sin_port);
  if (family() == AF_INET6) return ntohs(storage_.v6.sin6_port);
  return 0;
}

std::optional<IpAddress> SocketAddress::ip() const {
  IpAddress out;
  if (family() == AF_INET) {
    out.v4 = true;
    out.bytes[10] = out.bytes[11] = 0xff;
    std::memcpy(&out.bytes[12], &storage_.v4.sin_addr, 4);
    return out;
  }
  if (family() != AF_INET6) return std::nullopt;
  std::memcpy(out.bytes.data(), &storage_.v6.sin6_addr, 16);
  // A client that reached a dual-stack listener over IPv4.
  static constexpr uint8_t kMapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  out.v4 = std::memcmp(out.bytes.data(), kMapped, sizeof(kMapped)) == 0;
  return out;
}

std::string SocketAddress::text() const {
  if (is_unix()) return "unix:" + std::string(storage_.local.sun_path);
  const auto address = ip();
  if (!address) return "";
  const std::string host = family() == AF_INET6 ? "[" + address->text() + "]" : address->text();
  return host + ":" + std::to_string(port());
}

bool SocketAddress::operator==(const SocketAddress& other) const {
  return size_ == other.size_ && std::memcmp(&storage_, &other.storage_, size_) == 0;
}

}  // namespace sallyport::net
