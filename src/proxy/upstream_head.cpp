#include "proxy/upstream_head.h"

#include "http/headers.h"
#include "proxy/fields.h"

namespace sallyport::proxy {
namespace {

using http::HeaderId;

// The protocol version is the one that the message was received with (RFC 9110 section 7.6.3).
constexpr std::string_view kVia11 = "1.1 sallyport/" SALLYPORT_VERSION;
constexpr std::string_view kVia10 = "1.0 sallyport/" SALLYPORT_VERSION;
constexpr std::string_view kVia2 = "2 sallyport/" SALLYPORT_VERSION;

std::string_view via_of(const http::RequestHead& request) {
  if (request.http2) return kVia2;
  return request.minor_version == 0 ? kVia10 : kVia11;
}

// What a hop must not pass on (RFC 9110 section 7.6.1), what is written anew below, and Expect,
// which the gateway has answered itself.
constexpr HeaderSet kDropped{HeaderId::connection,
                             HeaderId::expect,
                             HeaderId::host,
                             HeaderId::keep_alive,
                             HeaderId::proxy,
                             HeaderId::proxy_connection,
                             HeaderId::te,
                             HeaderId::trailer,
                             HeaderId::transfer_encoding,
                             HeaderId::upgrade,
                             HeaderId::via,
                             HeaderId::x_forwarded_for,
                             HeaderId::x_forwarded_host,
                             HeaderId::x_forwarded_path,
                             HeaderId::x_forwarded_port,
                             HeaderId::x_forwarded_prefix,
                             HeaderId::x_forwarded_proto,
                             HeaderId::x_real_ip};
// Where headers_upstream has no X-Kong-Request-Id, the client's own passes.
constexpr HeaderSet kRequestId{HeaderId::x_kong_request_id};

// The peer's value when it is trusted and sent one, else ours.
void forwarded(http::HeadWriter& out, const UpstreamHead& head, HeaderId id, std::string_view name,
               std::string_view ours) {
  const http::Header* theirs = head.peer_trusted ? head.request.find(id) : nullptr;
  const std::string_view value = theirs != nullptr ? theirs->value : ours;
  if (!value.empty()) out.field(name, value);
}

void write_forwarded(http::HeadWriter& out, const UpstreamHead& head) {
  const http::RequestHead& request = head.request;
  const http::Header* received = request.find(HeaderId::x_forwarded_for);
  append_list_field(out, request.fields(), received, "X-Forwarded-For",
                    received != nullptr ? head.peer_ip : head.client_ip);
  forwarded(out, head, HeaderId::x_forwarded_proto, "X-Forwarded-Proto", head.scheme);
  forwarded(out, head, HeaderId::x_forwarded_host, "X-Forwarded-Host", head.forwarded_host);
  forwarded(out, head, HeaderId::x_forwarded_port, "X-Forwarded-Port", head.port);
  forwarded(out, head, HeaderId::x_forwarded_path, "X-Forwarded-Path", head.forwarded_path);
  forwarded(out, head, HeaderId::x_forwarded_prefix, "X-Forwarded-Prefix", head.prefix);
  out.field("X-Real-IP", head.client_ip);
}

}  // namespace

void write_upstream_head(http::HeadWriter& out, const UpstreamHead& head) {
  const http::RequestHead& request = head.request;
  out.append(request.method_text);
  out.append(" ");
  out.append(head.path.base);
  out.append(head.path.slash);
  out.append(head.path.rest);
  out.append(head.query);
  out.append(" HTTP/1.1\r\nHost: ");
  out.append(head.host);
  out.append(head.websocket ? "\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
                            : "\r\nConnection: keep-alive\r\n");
  write_forwarded(out, head);
  const bool own_id = !head.request_id.empty();
  HeaderSet dropped = kDropped;
  if (own_id) dropped.add(kRequestId);
  copy_fields(out, request.fields(), head.request_end, dropped);
  if (request.framing == http::BodyFraming::chunked) {
    out.append("Transfer-Encoding: chunked\r\n");
  } else if (request.framing == http::BodyFraming::length &&
             request.find(HeaderId::content_length) == nullptr) {  // it came in chunks
    out.append("Content-Length: ");
    out.append_number(request.content_length);
    out.append("\r\n");
  }
  if (const http::Header* te = request.find(HeaderId::te);
      te != nullptr && http::list_contains(te->value, "trailers")) {
    out.append("TE: trailers\r\n");
  }
  append_list_field(out, request.fields(), request.find(HeaderId::via), "Via", via_of(request));
  if (own_id) out.field("X-Kong-Request-Id", head.request_id);
  out.end();
}

size_t upstream_head_room(const UpstreamHead& head) {
  constexpr size_t kNamesAndFixedValues = 512;
  return head.request.size + head.path.size() + head.query.size() + head.host.size() +
         2 * head.peer_ip.size() + head.client_ip.size() + head.forwarded_host.size() +
         head.forwarded_path.size() + head.prefix.size() + kNamesAndFixedValues;
}

}  // namespace sallyport::proxy
