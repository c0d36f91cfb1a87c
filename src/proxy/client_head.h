// The response heads that go to clients: an upstream's, rewritten, and the gateway's own.
#pragma once

#include <cstdint>
#include <string_view>

#include "http/h1_reader.h"
#include "http/h1_writer.h"
#include "proxy/options.h"

namespace sallyport::proxy {

// Whom a Kong-Debug request asked about (allow_debug_header).
struct DebugFields {
  std::string_view route_id = {};
  std::string_view route_name = {};
  std::string_view service_id = {};
  std::string_view service_name = {};

  size_t size() const {
    return route_id.size() + route_name.size() + service_id.size() + service_name.size();
  }
};

// What both kinds of head have in common.
struct ClientHeadContext {
  const ResponseHeaders& wanted;
  std::string_view request_id;
  std::string_view date;  // now, as HTTP writes it
  uint8_t client_minor_version = 1;
  bool keep_alive = true;  // what becomes of the connection
  const DebugFields* debug = nullptr;
  std::string_view added_fields = {};  // whole lines, ends included
};

// How a proxied body is framed to the client.
enum class ClientFraming : uint8_t {
  as_received,  // none, or Content-Length as it came
  chunked,
  until_close,  // HTTP/1.0 clients
};

struct ProxiedHead {
  const ClientHeadContext& context;
  const http::ResponseHead& response;
  const char* response_end = nullptr;  // one past the received head
  ClientFraming framing = ClientFraming::as_received;
  uint64_t upstream_latency_ms = 0;
  uint64_t proxy_latency_ms = 0;
  bool http2 = false;             // the upstream spoke it
  std::string_view upgrade = {};  // what a 101 changes to; "" for other answers
};

void write_proxied_head(http::HeadWriter& out, const ProxiedHead& head);
size_t proxied_head_room(const ProxiedHead& head);

// An interim response (1xx) as it is passed on.
void write_interim_head(http::HeadWriter& out, const http::ResponseHead& response,
                        const char* response_end);

struct OwnHead {
  const ClientHeadContext& context;
  int status = 500;
  std::string_view content_type = {};  // "" for an answer without a body
  uint64_t content_length = 0;
  std::string_view extra_fields = {};  // whole lines, ends included
  bool upstream_failed = false;        // the latencies of a proxied request in place of our own
  int upstream_status = 0;             // what the failure is told as; 0: no upstream failed
  uint64_t upstream_latency_ms = 0;
  uint64_t latency_ms = 0;
};

void write_own_head(http::HeadWriter& out, const OwnHead& head);
inline constexpr size_t kOwnHeadRoom = 2048;  // and extra_fields

}  // namespace sallyport::proxy
