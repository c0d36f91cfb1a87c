// IP addresses and ranges of them as plain values. Any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sallyport {

// An IP address in 16 bytes; IPv4 as ::ffff:a.b.c.d, so that both families compare alike. Text of
// that form (RFC 4291 section 2.5.5.2) is IPv4, too: peers on dual-stack sockets write it so.
struct IpAddress {
  std::array<uint8_t, 16> bytes{};
  bool v4 = false;

  static std::optional<IpAddress> parse(std::string_view text);  // "10.0.0.1", "::1", "[::1]"
  std::string text() const;
  bool is_loopback() const;  // 127.0.0.0/8, ::1
  bool operator==(const IpAddress&) const = default;
};

// A range of addresses: "10.0.0.0/8", "::1", "0.0.0.0/0".
class Cidr {
 public:
  static std::optional<Cidr> parse(std::string_view text);
  bool contains(const IpAddress& address) const;
  // Whether the base is more than the beginning of the range, as in 10.0.0.1/8.
  bool has_host_bits() const;

 private:
  IpAddress base_;
  int bits_ = 128;  // of the 16 bytes
};

}  // namespace sallyport
