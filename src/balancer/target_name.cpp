#include "balancer/target_name.h"

#include "base/text.h"

namespace sallyport::balancer {

TargetName split_target(std::string_view target) {
  TargetName out{.host = target};
  const size_t colon = target.rfind(':');
  const bool bare_ipv6 =
      !target.starts_with('[') && colon != std::string_view::npos && target.find(':') != colon;
  const bool has_port =
      colon != std::string_view::npos && !bare_ipv6 && target.find(']', colon) == target.npos;
  if (has_port) {
    out.host = target.substr(0, colon);
    const auto port = text::to_integer(target.substr(colon + 1));
    if (port && *port >= 0 && *port <= 65535) out.port = static_cast<uint16_t>(*port);
  }
  if (out.host.starts_with('[') && out.host.ends_with(']')) {
    out.host = out.host.substr(1, out.host.size() - 2);
  }
  return out;
}

std::string address_text(std::string_view ip, uint16_t port) {
  const bool ipv6 = ip.find(':') != std::string_view::npos;
  std::string out = ipv6 ? "[" : "";
  out += ip;
  if (ipv6) out += ']';
  return out + ':' + std::to_string(port);
}

}  // namespace sallyport::balancer
