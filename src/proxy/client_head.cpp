#include "proxy/client_head.h"

#include "base/version.h"
#include "proxy/fields.h"

namespace sallyport::proxy {
namespace {

using http::HeaderId;

// The protocol version is the one that the message was received with (RFC 9110 section 7.6.3).
constexpr std::string_view kVia11 = "1.1 sallyport/" SALLYPORT_VERSION;
constexpr std::string_view kVia2 = "2 sallyport/" SALLYPORT_VERSION;

// What ends at this hop (RFC 9110 section 7.6.1), and what is written anew below.
constexpr HeaderSet kHopByHop{HeaderId::connection,        HeaderId::keep_alive, HeaderId::proxy,
                              HeaderId::proxy_connection,  HeaderId::te,         HeaderId::trailer,
                              HeaderId::transfer_encoding, HeaderId::upgrade};
// What upstreams say to nginx, which keeps it to itself.
constexpr HeaderSet kForTheGateway{HeaderId::x_accel_buffering, HeaderId::x_accel_charset,
                                   HeaderId::x_accel_expires,   HeaderId::x_accel_limit_rate,
                                   HeaderId::x_accel_redirect,  HeaderId::x_pad};
constexpr HeaderSet kVias{HeaderId::via};
constexpr HeaderSet kRequestId{HeaderId::x_kong_request_id};
constexpr HeaderSet kLength{HeaderId::content_length};
constexpr HeaderSet kUpstreamStatus{HeaderId::x_kong_upstream_status};
constexpr HeaderSet kUpstreamLatency{HeaderId::x_kong_upstream_latency};
constexpr HeaderSet kProxyLatency{HeaderId::x_kong_proxy_latency};

// Fields of an upstream in whose place ours are written.
HeaderSet replaced(const ResponseHeaders& wanted) {
  HeaderSet out{};
  if (wanted.via) out.add(kVias);
  if (wanted.request_id) out.add(kRequestId);
  if (wanted.upstream_status) out.add(kUpstreamStatus);
  if (wanted.upstream_latency) out.add(kUpstreamLatency);
  if (wanted.proxy_latency) out.add(kProxyLatency);
  return out;
}

void status_line(http::HeadWriter& out, const http::ResponseHead& response) {
  out.status_line(response.status, response.reason);
}

void connection_field(http::HeadWriter& out, const ClientHeadContext& context) {
  if (!context.keep_alive) {
    out.append("Connection: close\r\n");
  } else if (context.client_minor_version == 0) {
    out.append("Connection: keep-alive\r\n");
  }
}

void debug_fields(http::HeadWriter& out, const DebugFields* debug) {
  if (debug == nullptr) return;
  auto field = [&out](std::string_view name, std::string_view value) {
    if (!value.empty()) [[maybe_unused]]
      bool written = out.checked_field(name, value);
  };
  field("Kong-Route-Id", debug->route_id);
  field("Kong-Route-Name", debug->route_name);
  field("Kong-Service-Id", debug->service_id);
  field("Kong-Service-Name", debug->service_name);
}

void id_and_end(http::HeadWriter& out, const ClientHeadContext& context) {
  out.append(context.added_fields);
  debug_fields(out, context.debug);
  if (context.wanted.request_id) out.field("X-Kong-Request-Id", context.request_id);
  out.end();
}

}  // namespace

void write_proxied_head(http::HeadWriter& out, const ProxiedHead& head) {
  const ClientHeadContext& context = head.context;
  const http::ResponseHead& response = head.response;
  HeaderSet dropped = kHopByHop;
  dropped.add(kForTheGateway);
  dropped.add(replaced(context.wanted));
  // RFC 9110 section 8.6: 204 has none. A client that believed one would wait for a body.
  if (head.framing != ClientFraming::as_received || response.status == 204) dropped.add(kLength);

  status_line(out, response);
  copy_fields(out, response.fields(), head.response_end, dropped);
  if (head.framing == ClientFraming::chunked) out.append("Transfer-Encoding: chunked\r\n");
  if (response.find(HeaderId::date) == nullptr) out.field("Date", context.date);
  if (context.wanted.server && response.find(HeaderId::server) == nullptr) {
    out.field("Server", kServerToken);
  }
  if (head.upgrade.empty()) {
    connection_field(out, context);
  } else {
    out.append("Connection: Upgrade\r\n");
    out.field("Upgrade", head.upgrade);
  }
  if (context.wanted.via) {
    append_list_field(out, response.fields(), response.find(HeaderId::via), "Via",
                      head.http2 ? kVia2 : kVia11);
  }
  if (context.wanted.upstream_status) out.field("X-Kong-Upstream-Status", response.status);
  if (context.wanted.upstream_latency) {
    out.field("X-Kong-Upstream-Latency", head.upstream_latency_ms);
  }
  if (context.wanted.proxy_latency) out.field("X-Kong-Proxy-Latency", head.proxy_latency_ms);
  id_and_end(out, context);
}

size_t proxied_head_room(const ProxiedHead& head) {
  constexpr size_t kNamesAndFixedValues = 768;
  size_t room = head.response.size + head.context.added_fields.size() + kNamesAndFixedValues;
  if (head.context.debug != nullptr) room += head.context.debug->size();
  return room;
}

void write_interim_head(http::HeadWriter& out, const http::ResponseHead& response,
                        const char* response_end) {
  status_line(out, response);
  HeaderSet dropped = kHopByHop;
  dropped.add(kLength);
  copy_fields(out, response.fields(), response_end, dropped);
  out.end();
}

void write_own_head(http::HeadWriter& out, const OwnHead& head) {
  const ClientHeadContext& context = head.context;
  out.status_line(head.status);
  out.field("Date", context.date);
  if (!head.content_type.empty()) out.field("Content-Type", head.content_type);
  connection_field(out, context);
  out.append(head.extra_fields);
  // RFC 9110 section 8.6: not with 204.
  if (head.status != 204) out.field("Content-Length", head.content_length);
  if (context.wanted.upstream_status && head.upstream_status != 0) {
    out.field("X-Kong-Upstream-Status", static_cast<uint64_t>(head.upstream_status));
  }
  if (head.upstream_failed) {
    if (context.wanted.upstream_latency) {
      out.field("X-Kong-Upstream-Latency", head.upstream_latency_ms);
    }
    if (context.wanted.proxy_latency) out.field("X-Kong-Proxy-Latency", head.latency_ms);
  } else if (context.wanted.response_latency) {
    out.field("X-Kong-Response-Latency", head.latency_ms);
  }
  if (context.wanted.server) out.field("Server", kServerToken);
  id_and_end(out, context);
}

}  // namespace sallyport::proxy
