#include "base/ip_address.h"

#include <cstring>

#include <arpa/inet.h>

#include "base/text.h"

namespace sallyport {
namespace {

constexpr std::array<uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr int kMappedBits = 96;

}  // namespace

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
  out.v4 = std::memcmp(out.bytes.data(), kMapped.data(), kMapped.size()) == 0;
  return out;
}

std::string IpAddress::text() const {
  char buffer[INET6_ADDRSTRLEN];
  const char* result = v4 ? inet_ntop(AF_INET, &bytes[12], buffer, sizeof(buffer))
                          : inet_ntop(AF_INET6, bytes.data(), buffer, sizeof(buffer));
  return result ? result : "";
}

bool IpAddress::is_loopback() const {
  static constexpr std::array<uint8_t, 16> kSix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return v4 ? bytes[12] == 127 : bytes == kSix;
}

std::optional<Cidr> Cidr::parse(std::string_view text) {
  Cidr out;
  const size_t slash = text.find('/');
  auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  out.base_ = *address;
  if (slash == std::string_view::npos) return out;

  auto bits = text::to_integer(text.substr(slash + 1));
  // Bits of the text's family; a range that begins at ::ffff:0:0 and holds more than IPv4 is none.
  const bool short_form = text.find(':') == std::string_view::npos;
  const int before = short_form ? kMappedBits : 0;
  const int least = address->v4 ? kMappedBits : 0;
  if (!bits || *bits < least - before || *bits > 128 - before) return std::nullopt;
  out.bits_ = static_cast<int>(*bits) + before;
  return out;
}

bool Cidr::has_host_bits() const {
  for (int i = bits_; i < 128; ++i) {
    if ((base_.bytes[static_cast<size_t>(i / 8)] & (0x80 >> (i % 8))) != 0) return true;
  }
  return false;
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

}  // namespace sallyport
