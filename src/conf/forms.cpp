#include "conf/forms.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include <arpa/inet.h>

#include "base/text.h"
#include "base/uuid.h"

namespace sallyport::conf {
namespace {

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

// Only letters, digits and the characters of `others`.
bool consists_of(std::string_view text, std::string_view others) {
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return is_alphanumeric(c) || others.find(c) != std::string_view::npos;
  });
}

bool is_host(std::string& item) {
  if (family(without_brackets(item)) != Family::none) {
    item = without_brackets(item);
    return true;
  }
  if (!consists_of(item, "-._") || item.size() > 253 || item.front() == '.') return false;
  // "10.0.0.256" is a typo, not a name: a top-level domain is never a number.
  std::string_view last = std::string_view(item).substr(item.find_last_of('.') + 1);
  return !text::to_integer(last);
}

bool is_cidr(std::string_view item) {
  if (item == "unix:") return true;
  size_t slash = item.find('/');
  Family kind = family(item.substr(0, slash));
  if (kind == Family::none) return false;
  if (slash == std::string_view::npos) return true;
  auto bits = text::to_integer(item.substr(slash + 1));
  return bits && *bits >= 0 && *bits <= (kind == Family::ipv4 ? 32 : 128);
}

bool is_resolver(std::string_view item) {
  if (family(without_brackets(item)) != Family::none) return true;
  size_t colon = item.rfind(':');
  if (colon == std::string_view::npos || !to_port(item.substr(colon + 1))) return false;
  std::string_view address = item.substr(0, colon);
  return family(address) == Family::ipv4 ||
         (address.starts_with('[') && family(without_brackets(address)) == Family::ipv6);
}

bool is_port_map(std::string_view item) {
  size_t colon = item.find(':');
  return colon != std::string_view::npos && to_port(item.substr(0, colon)) &&
         to_port(item.substr(colon + 1));
}

bool is_url(std::string_view item) {
  for (std::string_view scheme : {"http://", "https://"}) {
    if (item.starts_with(scheme) && item.size() > scheme.size()) {
      return item.find_first_of(" \t\r\n\"<>") == std::string_view::npos;
    }
  }
  return false;
}

bool is_url_path(std::string_view item) {
  return item.starts_with('/') && consists_of(item, "-_/") && item.find("//") == item.npos &&
         (item.size() == 1 || !item.ends_with('/'));
}

bool is_label(std::string_view item) {
  size_t colon = item.find(':');
  return colon != std::string_view::npos && consists_of(item.substr(0, colon), "-_.:") &&
         consists_of(item.substr(colon + 1), "-_.:");
}

bool is_one_of(const Directive& row, std::string& item) {
  for (std::string_view word : accepted_words(row)) {
    if (item == word) return true;
    if (row.form == Form::words_nocase && text::equals_ignore_case(item, word)) {
      item = word;
      return true;
    }
  }
  return false;
}

}  // namespace

Family family(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> copy{};
  if (text.size() >= copy.size()) return Family::none;
  std::ranges::copy(text, copy.begin());
  in6_addr address;
  if (inet_pton(AF_INET, copy.data(), &address) == 1) return Family::ipv4;
  if (inet_pton(AF_INET6, copy.data(), &address) == 1) return Family::ipv6;
  return Family::none;
}

std::string_view without_brackets(std::string_view text) {
  if (text.size() > 2 && text.front() == '[' && text.back() == ']') {
    return text.substr(1, text.size() - 2);
  }
  return text;
}

std::optional<uint16_t> to_port(std::string_view text) {
  auto port = text::to_integer(text);
  if (!port || *port < 1 || *port > 65535) return std::nullopt;
  return static_cast<uint16_t>(*port);
}

std::optional<int64_t> to_bytes(std::string_view text) {
  int shift = 0;
  if (!text.empty()) {
    char unit = text::lower(text.back());
    shift = unit == 'k' ? 10 : unit == 'm' ? 20 : unit == 'g' ? 30 : 0;
    if (shift != 0) text.remove_suffix(1);
  }
  auto count = text::to_integer(text);
  if (!count || *count < 0 || *count > std::numeric_limits<int64_t>::max() >> (shift + 1)) {
    return std::nullopt;
  }
  return *count << shift;
}

std::optional<double> to_seconds(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, double>, 8> kUnits = {{{"ms", 0.001},
                                                                          {"s", 1},
                                                                          {"m", 60},
                                                                          {"h", 3600},
                                                                          {"d", 86400},
                                                                          {"w", 604800},
                                                                          {"M", 2592000},
                                                                          {"y", 31536000}}};
  double total = 0;
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    if (digits == 0 || digits > 12) return std::nullopt;
    auto count = static_cast<double>(*text::to_integer(text.substr(0, digits)));
    text.remove_prefix(digits);
    if (text.empty()) return total + count;
    const auto* unit =
        std::ranges::find_if(kUnits, [&](auto& u) { return text.starts_with(u.first); });
    if (unit == kUnits.end()) return std::nullopt;
    total += count * unit->second;
    text.remove_prefix(unit->first.size());
    text = text::trim(text);
  }
  return total;
}

std::optional<std::string> check_form(const Directive& row, std::string& item) {
  auto expect = [](bool good, std::string_view what) -> std::optional<std::string> {
    if (good) return std::nullopt;
    return std::string(what);
  };
  switch (row.form) {
    case Form::any:
      return std::nullopt;
    case Form::words:
    case Form::words_nocase:
      return expect(is_one_of(row, item), "one of the accepted words");
    case Form::host:
      return expect(is_host(item), "a host name or an address, without a port");
    case Form::cidr:
      return expect(is_cidr(item), "an address, a range such as 10.0.0.0/8, or unix:");
    case Form::resolver:
      return expect(is_resolver(item), "an address such as 10.0.0.1, 10.0.0.1:53 or [::1]:53");
    case Form::port_map:
      return expect(is_port_map(item), "two ports such as 80:8000");
    case Form::label:
      return expect(is_label(item), "a label such as region:eu");
    case Form::name:
      return expect(consists_of(item, "-_"), "a name of letters, digits, '-' and '_'");
    case Form::header:
      return expect(consists_of(item, "!#$%&'*+-.^_`|~"), "the name of a header");
    case Form::url_path:
      return expect(is_url_path(item), "a path such as /manager");
    case Form::uuid:
      return expect(is_uuid(item), "a UUID");
    case Form::url:
      return expect(is_url(item), "a URL such as https://example.com");
  }
  return std::nullopt;
}

}  // namespace sallyport::conf
