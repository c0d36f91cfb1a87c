// The request head that goes upstream: the client's, with the fields that end at a gateway taken
// out and those put in that tell the upstream who asked (kong.conf: headers_upstream, trusted_ips).
#pragma once

#include <string_view>

#include "http/h1_reader.h"
#include "http/h1_writer.h"
#include "proxy/upstream_uri.h"

namespace sallyport::proxy {

struct UpstreamHead {
  const http::RequestHead& request;
  const char* request_end = nullptr;  // one past the received head
  UpstreamPath path = {};
  std::string_view query = {};  // with its '?'; "" for none
  std::string_view host = {};   // the value of Host
  bool websocket = false;       // asks the upstream to change to it

  std::string_view peer_ip = {};         // who connected to us
  std::string_view client_ip = {};       // for whom, see RealIp
  bool peer_trusted = false;             // its own X-Forwarded-* count
  std::string_view scheme = {};          // "http" or "https"
  std::string_view port = {};            // the listener's
  std::string_view forwarded_host = {};  // of the request, lower case, without port
  std::string_view forwarded_path = {};  // of the request, as received, without query
  std::string_view prefix = {};          // what strip_path took off; "" for none
  std::string_view request_id = {};      // "" to send none
};

void write_upstream_head(http::HeadWriter& out, const UpstreamHead& head);

// Room that is enough for it.
size_t upstream_head_room(const UpstreamHead& head);

}  // namespace sallyport::proxy
