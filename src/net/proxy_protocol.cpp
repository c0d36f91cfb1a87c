#include "net/proxy_protocol.h"

#include <array>
#include <charconv>
#include <cstring>

namespace sallyport::net {
namespace {

constexpr std::string_view kStartV1 = "PROXY ";
constexpr std::string_view kStartV2("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr size_t kFixedV2 = 16;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Decimal, 0-65535, no sign and no leading zero.
std::optional<uint16_t> parse_port(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  for (char c : text) {
    if (!is_digit(c)) return std::nullopt;
  }
  uint32_t port = 0;
  std::from_chars(text.data(), text.data() + text.size(), port);
  if (port > 65535) return std::nullopt;
  return static_cast<uint16_t>(port);
}

std::optional<IpAddress> parse_ip(std::string_view text, bool v4) {
  if (text.starts_with('[')) return std::nullopt;
  const auto ip = IpAddress::parse(text);
  if (!ip || (text.find(':') == std::string_view::npos) != v4) return std::nullopt;
  return ip;
}

// The next word, up to one blank or the end.
std::string_view take_word(std::string_view& line) {
  const size_t blank = line.find(' ');
  const std::string_view word = line.substr(0, blank);
  line = blank == std::string_view::npos ? std::string_view{} : line.substr(blank + 1);
  return word;
}

ProxyParse read_v1(std::string_view bytes, ProxyHeader& out) {
  const std::string_view window = bytes.substr(0, kMaxProxyHeaderV1);
  const size_t end = window.find("\r\n");
  if (end == std::string_view::npos) {
    return window.size() < kMaxProxyHeaderV1 ? ProxyParse::need_more : ProxyParse::error;
  }
  out.size = end + 2;
  std::string_view line = window.substr(kStartV1.size(), end - kStartV1.size());
  const std::string_view family = take_word(line);
  // What stands behind UNKNOWN is to be ignored.
  if (family == "UNKNOWN") return ProxyParse::complete;
  if (family != "TCP4" && family != "TCP6") return ProxyParse::error;
  const bool v4 = family == "TCP4";
  const auto source = parse_ip(take_word(line), v4);
  const auto destination = parse_ip(take_word(line), v4);
  const auto source_port = parse_port(take_word(line));
  const size_t last = line.size();
  const auto destination_port = parse_port(take_word(line));
  if (!source || !destination || !source_port || !destination_port || last == 0 || !line.empty() ||
      bytes[end - 1] == ' ') {
    return ProxyParse::error;
  }
  out.source = SocketAddress::from(*source, *source_port);
  return ProxyParse::complete;
}

uint16_t big_endian(const char* bytes) {
  return static_cast<uint16_t>((static_cast<uint8_t>(bytes[0]) << 8) |
                               static_cast<uint8_t>(bytes[1]));
}

IpAddress raw_ip(const char* bytes, bool v4) {
  IpAddress ip;
  ip.v4 = v4;
  if (v4) {
    ip.bytes[10] = ip.bytes[11] = 0xff;
    std::memcpy(ip.bytes.data() + 12, bytes, 4);
  } else {
    std::memcpy(ip.bytes.data(), bytes, 16);
  }
  return ip;
}

ProxyParse read_v2(std::string_view bytes, ProxyHeader& out) {
  if (bytes.size() < kFixedV2) return ProxyParse::need_more;
  const auto version_and_command = static_cast<uint8_t>(bytes[12]);
  const auto family = static_cast<uint8_t>(bytes[13]);
  const size_t length = big_endian(bytes.data() + 14);
  if (version_and_command >> 4 != 2 || (version_and_command & 0xf) > 1) return ProxyParse::error;
  if (kFixedV2 + length > kMaxProxyHeaderV2) return ProxyParse::error;
  if (bytes.size() < kFixedV2 + length) return ProxyParse::need_more;
  out.size = kFixedV2 + length;
  const bool local = (version_and_command & 0xf) == 0;
  constexpr uint8_t kUnspecified = 0x00;
  constexpr uint8_t kTcp4 = 0x11;
  constexpr uint8_t kTcp6 = 0x21;
  constexpr uint8_t kUnixStream = 0x31;
  if (local || family == kUnspecified || family == kUnixStream) return ProxyParse::complete;
  if (family != kTcp4 && family != kTcp6) return ProxyParse::error;
  const bool v4 = family == kTcp4;
  const size_t address = v4 ? 4 : 16;
  if (length < 2 * address + 4) return ProxyParse::error;
  const char* at = bytes.data() + kFixedV2;
  out.source = SocketAddress::from(raw_ip(at, v4), big_endian(at + 2 * address));
  return ProxyParse::complete;
}

}  // namespace

ProxyParse read_proxy_header(std::string_view bytes, ProxyHeader& out) {
  out = {};
  if (bytes.substr(0, kStartV1.size()) == kStartV1.substr(0, bytes.size())) {
    return bytes.size() < kStartV1.size() ? ProxyParse::need_more : read_v1(bytes, out);
  }
  if (bytes.substr(0, kStartV2.size()) == kStartV2.substr(0, bytes.size())) {
    return bytes.size() < kStartV2.size() ? ProxyParse::need_more : read_v2(bytes, out);
  }
  return ProxyParse::error;
}

}  // namespace sallyport::net
