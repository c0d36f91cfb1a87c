#include "conf/listen_syntax.h"

#include <array>
#include <vector>

#include <fmt/format.h>

#include "base/ip_address.h"
#include "base/text.h"
#include "conf/forms.h"

namespace sallyport::conf {
namespace {

constexpr std::array<std::string_view, 10> kHttpFlags = {
    "ssl",       "http2",     "proxy_protocol", "deferred",     "bind",
    "reuseport", "backlog=N", "ipv6only=on",    "ipv6only=off", "so_keepalive=on"};
constexpr std::array<std::string_view, 9> kStreamFlags = {
    "udp",       "ssl",         "proxy_protocol", "bind",           "reuseport",
    "backlog=N", "ipv6only=on", "ipv6only=off",   "so_keepalive=on"};

std::unexpected<Error> complain(std::string message) {
  return fail("conf.listen", Side::config, std::move(message));
}

Result<void> parse_address(std::string_view written, Listen& out) {
  if (written.starts_with("unix:")) {
    if (!written.starts_with("unix:/")) {
      return complain(fmt::format("'{}' has no absolute path after unix:", written));
    }
    out.address = written;
    return {};
  }
  size_t colon = written.rfind(':');
  std::string_view host = written.substr(0, colon);
  if (colon == std::string_view::npos || host.empty() || written.ends_with(']')) {
    return complain(fmt::format("'{}' is not ADDRESS:PORT", written));
  }
  auto port = to_port(written.substr(colon + 1));
  if (!port) return complain(fmt::format("'{}' has no port from 1 to 65535", written));
  out.port = *port;
  if (host == "localhost") host = "127.0.0.1";
  if (host == "*") host = "0.0.0.0";
  bool bracketed = host.front() == '[';
  out.address = without_brackets(host);
  Family kind = family(out.address);
  if (kind == Family::none || bracketed != (kind == Family::ipv6)) {
    return complain(
        fmt::format("'{}' is not a literal address; write 127.0.0.1:8000, "
                    "0.0.0.0:8000 or [::]:8000",
                    written));
  }
  return {};
}

bool is_so_keepalive(std::string_view value) {
  if (value == "on" || value == "off") return true;
  auto parts = text::split(value, ':');
  if (parts.size() != 3) return false;
  bool time = true;
  for (std::string_view part : {parts[0], parts[1]}) time &= part.empty() || to_seconds(part);
  return time && (parts[2].empty() || text::to_integer(parts[2]).value_or(0) > 0);
}

// False when the word is none of those that take a value.
bool parse_valued(std::string_view word, Listen& out) {
  size_t equals = word.find('=');
  if (equals == std::string_view::npos) return false;
  std::string_view name = word.substr(0, equals);
  std::string_view value = word.substr(equals + 1);
  if (name == "backlog") {
    auto backlog = text::to_integer(value);
    if (!backlog || *backlog < 1 || *backlog > 2147483647) return false;
    out.backlog = static_cast<int>(*backlog);
  } else if (name == "ipv6only") {
    if (value != "on" && value != "off") return false;
    out.ipv6only = value == "on";
  } else if (name == "so_keepalive") {
    if (!is_so_keepalive(value)) return false;
    out.so_keepalive = value;
  } else {
    return false;
  }
  return true;
}

bool parse_flag(std::string_view word, bool stream, Listen& out) {
  if (word == "ssl") return out.ssl = true;
  if (word == "proxy_protocol") return out.proxy_protocol = true;
  if (word == "bind") return out.bind = true;
  if (word == "reuseport") return out.reuseport = true;
  if (stream && word == "udp") return out.udp = true;
  if (!stream && word == "http2") return out.http2 = true;
  if (!stream && word == "deferred") return out.deferred = true;
  return parse_valued(word, out);
}

std::string unknown_flag(std::string_view word, bool stream) {
  std::span<const std::string_view> known = stream ? std::span<const std::string_view>(kStreamFlags)
                                                   : std::span<const std::string_view>(kHttpFlags);
  std::string accepted;
  for (std::string_view flag : known) {
    if (!accepted.empty()) accepted += ' ';
    accepted += flag;
  }
  auto near = text::nearest(word, known);
  return fmt::format("unknown flag '{}'{}; accepted: {}", word,
                     near ? fmt::format(", did you mean '{}'?", *near) : "", accepted);
}

}  // namespace

Result<Listen> parse_listen(std::string_view item, bool stream) {
  std::vector<std::string_view> words;
  for (std::string_view rest = text::trim(item); !rest.empty();) {
    size_t end = rest.find_first_of(" \t");
    words.push_back(rest.substr(0, end));
    rest = end == std::string_view::npos ? std::string_view() : text::trim(rest.substr(end));
  }
  if (words.empty()) return complain("an item is empty");
  if (words[0] == "off") return complain("'off' stands alone");
  Listen out;
  if (auto address = parse_address(words[0], out); !address) return fail(address.error());
  for (size_t i = 1; i < words.size(); ++i) {
    if (!parse_flag(words[i], stream, out)) return complain(unknown_flag(words[i], stream));
  }
  if (out.ipv6only && family(out.address) != Family::ipv6) {
    return complain(fmt::format("'{}' is no IPv6 address, so ipv6only means nothing", words[0]));
  }
  if (out.udp && out.ssl) return complain("udp and ssl exclude each other");
  if (out.udp && out.proxy_protocol) {
    return complain(
        "udp and proxy_protocol exclude each other: datagrams have no such header here");
  }
  return out;
}

std::string address_text(const Listen& listen) {
  if (listen.address.starts_with("unix:")) return listen.address;
  bool bracket = listen.address.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", bracket ? "[" : "", listen.address, bracket ? "]" : "",
                     listen.port);
}

bool is_loopback(const Listen& listen) {
  if (listen.address.starts_with("unix:")) return true;
  auto address = IpAddress::parse(listen.address);
  return address && address->is_loopback();
}

}  // namespace sallyport::conf
