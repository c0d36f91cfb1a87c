#include <arpa/inet.h>
#include <fmt/format.h>

#include "base/text.h"
#include "pki/authority.h"

namespace sallyport::pki {
namespace {

constexpr size_t kLongestName = 253;  // RFC 1035 section 2.3.4, without the length octets
constexpr size_t kLongestLabel = 63;

std::unexpected<Error> refuse(std::string_view name, std::string_view why,
                              std::string remedy = {}) {
  return fail("pki.name", Side::config, fmt::format("the server name `{}` {}", name, why),
              std::move(remedy));
}

std::string canonical_address(std::string_view name) {
  std::string text(name);
  unsigned char bytes[16];
  char out[INET6_ADDRSTRLEN];
  for (int family : {AF_INET, AF_INET6}) {
    if (inet_pton(family, text.c_str(), bytes) == 1) {
      return inet_ntop(family, bytes, out, sizeof out);
    }
  }
  return {};
}

bool is_label_character(char c) {
  // The underscore is no host name character, but container networks use it.
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

Result<void> check_labels(std::string_view given, std::string_view name) {
  std::vector<std::string_view> labels = text::split(name, '.');
  if (labels.front() == "*") {
    if (labels.size() < 3) return refuse(given, "is too wide a wildcard", "Use *.example.com");
    labels.erase(labels.begin());
  }
  for (std::string_view label : labels) {
    if (label.empty()) return refuse(given, "has an empty part between two dots");
    if (label.size() > kLongestLabel) return refuse(given, "has a part of more than 63 characters");
    if (label.front() == '-' || label.back() == '-') {
      return refuse(given, "has a part that begins or ends with a hyphen");
    }
    for (char c : label) {
      if (c == '*') {
        return refuse(given, "has a * that is not its whole first part", "Use *.example.com");
      }
      if (static_cast<unsigned char>(c) >= 0x80) {
        return refuse(given, "is not ASCII", "Write it in its xn-- form");
      }
      if (!is_label_character(c)) return refuse(given, fmt::format("has a character `{}`", c));
    }
  }
  std::string_view last = labels.back();
  if (last.find_first_not_of("0123456789") == last.npos) {
    return refuse(given, "looks like an IP address and is none");
  }
  return {};
}

}  // namespace

bool is_ip_address(std::string_view name) {
  return !canonical_address(name).empty();
}

Result<std::string> normalize_server_name(std::string_view given) {
  std::string_view trimmed = text::trim(given);
  if (trimmed.starts_with('[') && trimmed.ends_with(']')) {  // as in a URL
    trimmed = trimmed.substr(1, trimmed.size() - 2);
  }
  if (trimmed.empty()) return refuse(given, "is empty");
  if (std::string address = canonical_address(trimmed); !address.empty()) return address;
  if (trimmed.find('%') != trimmed.npos) {
    return refuse(given, "has a zone", "A certificate holds addresses without one");
  }
  if (trimmed.find("://") != trimmed.npos || trimmed.find('/') != trimmed.npos) {
    return refuse(given, "is not a host name", "Give the name alone, without scheme and path");
  }
  if (trimmed.find(':') != trimmed.npos) {
    return refuse(given, "has a colon", "Give the name without the port");
  }
  std::string name = text::lower(trimmed);
  if (name.ends_with('.')) name.pop_back();
  if (name.empty()) return refuse(given, "is empty");
  if (name.size() > kLongestName) return refuse(given, "has more than 253 characters");
  if (auto checked = check_labels(given, name); !checked) return fail(checked.error());
  return name;
}

}  // namespace sallyport::pki
