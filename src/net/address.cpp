#include "net/address.h"

#include <cstring>

#include <arpa/inet.h>

#include "base/text.h"

namespace sallyport::net {

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  if (text.size() > 2 && text.front() == '[' && text.back() == ']') {
    text = text.substr(1, text.size() - 2);
  }
  char buffer[INET6_ADDRSTRLEN + 1];
  if (text.empty() || text.size() >= sizeof(buffer)) return std::nullopt;
  std::memcpy(buffer, text.data(), text.size());
  buffer[text.size()] = '\0';

  IpAddress out;
  if (inet_pton(AF_INET, buffer, &out.bytes[12]) == 1) {
    out.bytes[10] = out.bytes[11] = 0xff;
    out.v4 = true;
    return out;
  }
  if (inet_pton(AF_INET6, buffer, out.bytes.data()) != 1) return std::nullopt;
  return out;
}

std::string IpAddress::text() const {
  char buffer[INET6_ADDRSTRLEN];
  const char* result = v4 ? inet_ntop(AF_INET, &bytes[12], buffer, sizeof(buffer))
                          : inet_ntop(AF_INET6, bytes.data(), buffer, sizeof(buffer));
  return result ? result : "";
}

std::optional<Cidr> Cidr::parse(std::string_view text) {
  Cidr out;
  const size_t slash = text.find('/');
  auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  out.base_ = *address;
  if (slash == std::string_view::npos) return out;

  auto bits = text::to_integer(text.substr(slash + 1));
  const int width = address->v4 ? 32 : 128;
  if (!bits || *bits < 0 || *bits > width) return std::nullopt;
  out.bits_ = static_cast<int>(*bits) + (128 - width);
  return out;
}

bool Cidr::contains(const IpAddress& address) const {
  if (base_.v4 != address.v4) return false;
  const int whole = bits_ / 8;
  if (std::memcmp(base_.bytes.data(), address.bytes.data(), whole) != 0) return false;
  const int rest = bits_ % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<uint8_t>(0xff << (8 - rest));
  return (base_.bytes[whole] & mask) == (address.bytes[whole] & mask);
}

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
