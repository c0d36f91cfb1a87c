#include "model/formats.h"

#include <algorithm>
#include <charconv>

#include <arpa/inet.h>
#include <fmt/format.h>

#include "base/text.h"
#include "model/pattern.h"

namespace sallyport::model::formats {
namespace {

std::string quoted_fault(std::string_view text, std::string_view rest) {
  return fmt::format("invalid value '{}': {}", text, rest);
}

// Splits "host:port"; `port` is empty when there is none. IPv6 needs brackets to carry a port.
struct HostPort {
  std::string_view host;
  std::string_view port;
  bool has_port = false;
};

HostPort split_port(std::string_view text) {
  if (text.starts_with('[')) {
    size_t close = text.find(']');
    if (close == std::string_view::npos) return {text, {}, false};
    std::string_view rest = text.substr(close + 1);
    std::string_view inside = text.substr(1, close - 1);
    if (rest.empty()) return {inside, {}, false};
    if (rest.front() == ':') return {inside, rest.substr(1), true};
    return {text, {}, false};
  }
  size_t colon = text.find(':');
  if (colon == std::string_view::npos || text.find(':', colon + 1) != std::string_view::npos) {
    return {text, {}, false};
  }
  return {text.substr(0, colon), text.substr(colon + 1), true};
}

bool valid_port(std::string_view text) {
  auto port = text::to_integer(text);
  return port && *port >= 0 && *port <= 65535 &&
         text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool is_address_or_name(std::string_view text) {
  return is_ipv4(text) || is_ipv6(text) || is_hostname(text);
}

bool inet_is(int family, std::string_view text) {
  char buffer[16];
  std::string copy(text);
  return copy.size() == text.size() && inet_pton(family, copy.c_str(), buffer) == 1;
}

std::string broken_escape(std::string_view text) {
  for (size_t at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 1)) {
    if (!matches("^%%%x%x", text.substr(at, 3))) {
      return fmt::format("invalid url-encoded value: '{}'", text.substr(at, 3));
    }
  }
  return {};
}

// Escapes, which are sound, decoded or in upper case: those of reserved characters and '%' remain.
std::string decoded(std::string_view text) {
  constexpr std::string_view kReserved = "!*'();:@&=+$,/?%#[]";
  std::string out;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      out += text[at];
      continue;
    }
    unsigned byte = 0;
    std::from_chars(text.data() + at + 1, text.data() + at + 3, byte, 16);
    if (kReserved.find(static_cast<char>(byte)) == std::string_view::npos) {
      out += static_cast<char>(byte);
    } else {
      out += fmt::format("%{:02X}", byte);
    }
    at += 2;
  }
  return out;
}

// The spelling that Kong demands of a route's path and compares requests' paths in: decoded, and
// without empty and dot segments. `text` begins with '/'.
std::string normal_path(std::string_view text) {
  const std::string whole = decoded(text);
  std::string out;
  for (size_t at = 0; at < whole.size();) {
    const size_t end = std::min(whole.find('/', at + 1), whole.size());
    const std::string_view segment = std::string_view(whole).substr(at + 1, end - at - 1);
    const bool dots = segment == "." || segment == "..";
    if (segment == "..") out.erase(std::min(out.rfind('/'), out.size()));
    if (!segment.empty() && !dots) out.append("/").append(segment);
    if (end == whole.size() && (segment.empty() || dots)) out += '/';
    at = end;
  }
  return out;
}

}  // namespace

bool is_ipv4(std::string_view text) {
  return text.find('\0') == std::string_view::npos && inet_is(AF_INET, text);
}

bool is_ipv6(std::string_view text) {
  return text.find('\0') == std::string_view::npos && inet_is(AF_INET6, text);
}

bool is_hostname(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);  // absolute
  if (text.empty() || text.size() > 253) return false;
  // All digits and dots would be an address, and is none.
  if (text.find_first_not_of("0123456789.") == std::string_view::npos) return false;
  for (std::string_view label : text::split(text, '.')) {
    if (label.empty() || label.ends_with('-')) return false;
    if (!matches("^[%w_-]+$", label)) return false;
  }
  return true;
}

std::string storable(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return "must not contain NUL characters";
  if (text::valid_utf8(text)) return {};
  size_t at = 0;
  for (size_t length = 1; at < text.size(); at += length) {
    auto lead = static_cast<uint8_t>(text[at]);
    length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (!text::valid_utf8(text.substr(at, length))) break;
  }
  return fmt::format("invalid utf-8 character sequence detected at position {}", at + 1);
}

std::string utf8_name(std::string_view text) {
  if (std::string fault = storable(text); !fault.empty()) return fault;
  bool fine = std::ranges::all_of(text, [](char c) {
    return static_cast<uint8_t>(c) >= 0x80 || matches("[%w._~-]", std::string_view(&c, 1));
  });
  if (fine) return {};
  return quoted_fault(text,
                      "the only accepted ascii characters are alphanumerics or ., -, _, and ~");
}

std::string ascii_name(std::string_view text) {
  if (matches("^[%w._~-]+$", text)) return {};
  return quoted_fault(text, "it must only contain alphanumeric and '., -, _, ~' characters");
}

std::string tag(std::string_view text) {
  if (std::string fault = storable(text); !fault.empty()) return fault;
  bool fine = std::ranges::all_of(text, [](char c) {
    auto byte = static_cast<uint8_t>(c);
    return byte >= 0x20 && byte != 0x7f && c != ',' && c != '/';
  });
  if (fine) return {};
  return fmt::format(
      "invalid tag '{}': expected printable ascii (except `,` and `/`) or valid utf-8 sequences",
      text);
}

std::string host(std::string_view text) {
  HostPort parts = split_port(text);
  if (!is_address_or_name(parts.host)) return fmt::format("invalid value: {}", text);
  return parts.has_port ? "must not have a port" : "";
}

std::string host_with_optional_port(std::string_view text) {
  HostPort parts = split_port(text);
  if (!is_address_or_name(parts.host)) return fmt::format("invalid hostname: {}", text);
  if (parts.has_port && !valid_port(parts.port)) return "invalid port number";
  return {};
}

std::string host_with_wildcard(std::string_view text) {
  std::string plain;  // the wildcard stands for some label
  for (char c : text) c == '*' ? plain += "label" : plain += c;
  std::string fault = host_with_optional_port(plain);
  return fault.starts_with("invalid hostname") ? fmt::format("invalid hostname: {}", text) : fault;
}

std::string sni(std::string_view text) {
  if (text == "*") return "";  // in place of ssl_cert
  auto wildcards = std::ranges::count(text, '*');
  if (wildcards > 1) return "only one wildcard must be specified";
  if (wildcards == 1 && !text.starts_with('*') && !text.ends_with('*')) {
    return "wildcard must be leftmost or rightmost character";
  }
  std::string plain(text);
  if (plain.starts_with("*."))
    plain.replace(0, 1, "label");
  else if (plain.ends_with(".*"))
    plain.replace(plain.size() - 1, 1, "label");
  HostPort parts = split_port(plain);
  if (is_ipv4(parts.host) || is_ipv6(parts.host)) return "must not be an IP";
  if (!is_hostname(parts.host)) return fmt::format("invalid value: {}", text);
  return parts.has_port ? "must not have a port" : "";
}

std::string ip_or_cidr(std::string_view text) {
  size_t slash = text.find('/');
  std::string_view address = text.substr(0, slash);
  bool four = is_ipv4(address);
  bool fine = four || is_ipv6(address);
  if (fine && slash != std::string_view::npos) {
    std::string_view digits = text.substr(slash + 1);
    auto bits = text::to_integer(digits);
    fine = bits && *bits >= 0 && *bits <= (four ? 32 : 128) &&
           digits.find_first_not_of("0123456789") == std::string_view::npos;
  }
  return fine ? "" : fmt::format("invalid ip or cidr range: '{}'", text);
}

std::string path(std::string_view text) {
  // RFC 3986, section 3.3: pchar, "/" and the percent sign of an encoded octet.
  if (!matches("^/[%w._~!$&'()*+,;=:@/%%-]*$", text)) {
    return fmt::format(
        "invalid path: '{}' (characters outside of the reserved list of RFC 3986 found)", text);
  }
  return broken_escape(text);
}

std::string route_path(std::string_view text) {
  if (!text.starts_with('~')) {
    if (std::string fault = broken_escape(text); !fault.empty()) return fault;
    const std::string normal = normal_path(text);
    if (normal == text) return {};
    return fmt::format("non-normalized path, consider use '{}' instead", normal);
  }
  std::string_view pattern = text.substr(1);
  std::string fault = regex_fault(pattern);
  if (fault.empty()) return {};
  return fmt::format("invalid regex: '{}' (PCRE returned: {})", pattern, fault);
}

std::string route_header_value(std::string_view text) {
  if (!text.starts_with("~*")) return {};
  std::string_view pattern = text.substr(2);
  std::string fault = regex_fault(pattern);
  if (fault.empty()) return {};
  return fmt::format("invalid regex: '{}' (PCRE returned: {})", pattern, fault);
}

std::string upstream_name(std::string_view text) {
  HostPort parts = split_port(text);
  const char* fault = nullptr;
  if (is_ipv4(parts.host) || is_ipv6(parts.host)) {
    fault = "no ip addresses allowed";
  } else if (!is_hostname(parts.host)) {
    fault = "must be a valid hostname";
  } else if (parts.has_port) {
    fault = "no port allowed";
  }
  return fault == nullptr ? "" : fmt::format("Invalid name ('{}'); {}", text, fault);
}

std::string target(std::string_view text) {
  if (host_with_optional_port(text).empty()) return {};
  return "Invalid target; not a valid hostname or ip address";
}

std::string canonical_target(std::string_view text) {
  if (!target(text).empty()) return std::string(text);
  HostPort parts = split_port(text);
  std::string host = text::lower(parts.host);
  if (in6_addr address; inet_pton(AF_INET6, host.c_str(), &address) == 1) {
    host = "[";
    for (int group = 0; group < 8; ++group) {
      int value = address.s6_addr[2 * group] << 8 | address.s6_addr[2 * group + 1];
      host += fmt::format("{}{:04x}", group == 0 ? "" : ":", value);
    }
    host += "]";
  }
  return fmt::format("{}:{}", host, parts.has_port ? parts.port : "8000");
}

std::string cookie_name(std::string_view text) {
  constexpr std::string_view kSeparators = "()<>@,;:\\\"/?={}[]";
  bool fine = std::ranges::all_of(text, [&](char c) {
    auto byte = static_cast<uint8_t>(c);
    return byte > 0x20 && byte < 0x7f && !kSeparators.contains(c);
  });
  if (fine) return {};
  return fmt::format(
      "contains one or more invalid characters. ASCII control characters (0-31;127), space, tab "
      "and the characters {} are not allowed.",
      kSeparators);
}

std::string header_name(std::string_view text) {
  if (matches("^[%w_-]+$", text)) return {};
  return fmt::format("bad header name '{}', allowed characters are A-Z, a-z, 0-9, '_', and '-'",
                     text);
}

namespace {

// What stands before "://", and the host after it; empty where there is none.
struct UrlParts {
  std::string_view scheme;
  std::string_view host;
};

UrlParts url_parts(std::string_view text) {
  UrlParts parts;
  size_t colon = text.find(':');
  if (colon == std::string_view::npos || !matches("^%a[%w+.-]*$", text.substr(0, colon))) {
    return parts;
  }
  parts.scheme = text.substr(0, colon);
  std::string_view rest = text.substr(colon + 1);
  if (!rest.starts_with("//")) return parts;
  rest = rest.substr(2, rest.find_first_of("/?#", 2) - 2);
  if (size_t at = rest.rfind('@'); at != std::string_view::npos) rest.remove_prefix(at + 1);
  parts.host = split_port(rest).host;
  return parts;
}

}  // namespace

std::string url(std::string_view text) {
  UrlParts parts = url_parts(text);
  if (parts.host.empty()) return "missing host in url";
  return parts.scheme.empty() ? "missing scheme in url" : "";
}

std::string redirect_uri(std::string_view text) {
  UrlParts parts = url_parts(text);
  if (parts.host.empty() || parts.scheme.empty()) return fmt::format("cannot parse '{}'", text);
  if (text.contains('#')) return fmt::format("fragment not allowed in '{}'", text);
  return {};
}

}  // namespace sallyport::model::formats
