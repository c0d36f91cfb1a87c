// Host names with ports, as in Host headers and absolute request targets (RFC 3986 section 3.2).
// Views into the input; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace sallyport::http {

struct Authority {
  std::string_view host;  // IPv6 literals keep their brackets
  uint16_t port = 0;      // 0: none given, or an empty one ("example.com:")
  bool has_port = false;
};

// Nothing for what no server may accept as Host: an empty host, a user, a comma (two hosts read as
// one), a character that RFC 3986 forbids there, a port that is not 1-65535.
std::optional<Authority> split_authority(std::string_view text);

}  // namespace sallyport::http
