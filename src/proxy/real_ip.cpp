#include "proxy/real_ip.h"

#include <ranges>
#include <utility>

#include "base/text.h"

namespace sallyport::proxy {
namespace {

// "1.2.3.4", "1.2.3.4:5678", "::1", "[::1]:5678"
std::optional<net::IpAddress> parse_with_port(std::string_view text) {
  if (auto address = net::IpAddress::parse(text)) return address;
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  if (!text::to_integer(text.substr(colon + 1))) return std::nullopt;
  return net::IpAddress::parse(text.substr(0, colon));
}

}  // namespace

Result<RealIp> RealIp::create(const std::vector<std::string>& trusted, std::string header,
                              bool recursive) {
  RealIp out;
  for (const std::string& entry : trusted) {
    if (entry == "unix:") {
      out.trust_unix_ = true;
      continue;
    }
    auto range = net::Cidr::parse(entry);
    if (!range) {
      return fail("gateway.option", Side::config,
                  "trusted_ips: '" + entry + "' is neither an IP address nor a CIDR range");
    }
    out.ranges_.push_back(*range);
  }
  out.by_proxy_protocol_ = header == "proxy_protocol";
  out.header_ = std::move(header);
  out.recursive_ = recursive;
  return out;
}

bool RealIp::trusted(const net::IpAddress& address) const {
  for (const net::Cidr& range : ranges_) {
    if (range.contains(address)) return true;
  }
  return false;
}

bool RealIp::trusts(const std::optional<net::IpAddress>& peer) const {
  return peer ? trusted(*peer) : trust_unix_;
}

// One field of the list, from the right; blanks part addresses as well as commas do. False when the
// walk ends here.
bool RealIp::walk(std::string_view list, std::optional<net::IpAddress>& found) const {
  constexpr std::string_view kBetween = " \t,";
  for (;;) {
    const size_t last = list.find_last_not_of(kBetween);
    if (last == list.npos) return true;
    list = list.substr(0, last + 1);
    const size_t between = list.find_last_of(kBetween);
    const auto address = parse_with_port(list.substr(between + 1));  // of all without one
    if (!address) return false;
    found = address;
    if (!recursive_ || !trusted(*address)) return false;
    list = list.substr(0, between + 1);
  }
}

// The last one, or with real_ip_recursive the last one that is not trusted. All fields are one list
// (RFC 9110 section 5.3), whatever the header is called.
std::optional<net::IpAddress> RealIp::from_header(const http::RequestHead& head) const {
  std::optional<net::IpAddress> found;
  for (const http::Header& field : std::views::reverse(head.fields())) {
    if (text::equals_ignore_case(field.name, header_) && !walk(field.value, found)) break;
  }
  return found;
}

}  // namespace sallyport::proxy
