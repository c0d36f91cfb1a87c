#include "http/trailers.h"

#include <algorithm>

#include "base/text.h"
#include "http/headers.h"

namespace sallyport::http {
namespace {

bool starts_with_ignore_case(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() &&
         text::equals_ignore_case(text.substr(0, prefix.size()), prefix);
}

bool passable(std::string_view name) {
  switch (header_id(name)) {
    case HeaderId::other:
    case HeaderId::date:
    case HeaderId::server:
      break;
    default:
      return false;  // the gateway looks at them: routing, framing, forwarding, conditions
  }
  for (std::string_view one :
       {"authorization", "cache-control", "content-encoding", "content-range", "max-forwards",
        "range", "set-cookie", "vary", "www-authenticate", "forwarded"}) {
    if (text::equals_ignore_case(name, one)) return false;
  }
  // What gateways tell upstreams about clients.
  for (std::string_view prefix :
       {"if-", "proxy-", "x-anonymous-", "x-authenticated-", "x-consumer-", "x-credential-",
        "x-forwarded-", "x-kong-", "x-real-"}) {
    if (starts_with_ignore_case(name, prefix)) return false;
  }
  return true;
}

}  // namespace

std::string passable_trailers(std::string_view lines) {
  std::string out;
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, std::min(lines.find("\r\n"), lines.size()));
    lines.remove_prefix(std::min(lines.size(), line.size() + 2));
    if (passable(line.substr(0, line.find(':')))) out.append(line).append("\r\n");
  }
  return out;
}

}  // namespace sallyport::http
