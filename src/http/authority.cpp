#include "http/authority.h"

#include <cstddef>

#include "http/character.h"

namespace sallyport::http {
namespace {

// The size of the name that `text` begins with, up to ':' or the end; 0 when it is not valid.
size_t name_size(std::string_view host) {
  for (size_t i = 0; i < host.size(); ++i) {
    if (is(host[i], kHost)) continue;
    if (host[i] == ':') return i;
    if (host[i] != '%' || i + 2 >= host.size() || hex_value(host[i + 1]) < 0 ||
        hex_value(host[i + 2]) < 0) {
      return 0;
    }
    i += 2;
  }
  return host.size();
}

// Hexadecimal groups, ':' and a dotted IPv4 tail; the exact grammar is the connecting side's
// affair.
bool valid_literal(std::string_view inside) {
  bool colon = false;
  for (char c : inside) {
    if (hex_value(c) < 0 && c != ':' && c != '.') return false;
    colon |= c == ':';
  }
  return colon && inside.size() <= 45;
}

bool read_port(std::string_view digits, uint16_t& port) {
  if (digits.size() > 5) return false;
  uint32_t value = 0;
  for (char c : digits) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + static_cast<uint32_t>(c - '0');
  }
  if (value > 65535 || (value == 0 && !digits.empty())) return false;
  port = static_cast<uint16_t>(value);
  return true;
}

}  // namespace

std::optional<Authority> split_authority(std::string_view text) {
  Authority out;
  size_t end = 0;
  if (!text.empty() && text.front() == '[') {
    size_t close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    end = close + 1;
    if (end < text.size() && text[end] != ':') return std::nullopt;
    if (!valid_literal(text.substr(1, close - 1))) return std::nullopt;
  } else {
    end = name_size(text);
    if (end == 0) return std::nullopt;
  }
  out.host = text.substr(0, end);
  if (end < text.size()) {
    if (!read_port(text.substr(end + 1), out.port)) return std::nullopt;
    out.has_port = out.port != 0;
  }
  return out;
}

}  // namespace sallyport::http
