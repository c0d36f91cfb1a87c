#include "proxy/options.h"

#include "base/text.h"

namespace sallyport::proxy {
namespace {

struct Name {
  std::string_view text;
  bool ResponseHeaders::* flag;
};

constexpr Name kNames[] = {
    {"server", &ResponseHeaders::server},
    {"via", &ResponseHeaders::via},
    {"x-kong-proxy-latency", &ResponseHeaders::proxy_latency},
    {"x-kong-upstream-latency", &ResponseHeaders::upstream_latency},
    {"x-kong-response-latency", &ResponseHeaders::response_latency},
    {"x-kong-admin-latency", &ResponseHeaders::admin_latency},
    {"x-kong-upstream-status", &ResponseHeaders::upstream_status},
    {"x-kong-request-id", &ResponseHeaders::request_id},
};

}  // namespace

ResponseHeaders ResponseHeaders::parse(std::span<const std::string> items) {
  ResponseHeaders out;
  for (const Name& name : kNames) out.*name.flag = false;
  for (const std::string& item : items) {
    const std::string word = text::lower(item);
    if (word == "server_tokens") {
      out.server = out.via = true;
    } else if (word == "latency_tokens") {
      out.proxy_latency = out.upstream_latency = out.response_latency = out.admin_latency = true;
    }
    for (const Name& name : kNames) {
      if (name.text == word) out.*name.flag = true;
    }
  }
  return out;
}

}  // namespace sallyport::proxy
