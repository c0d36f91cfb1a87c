// Typed, immutable forms of the entities that the data plane reads, decoded from validated rows.
// Shared between the Model and every Snapshot that uses them; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json_fwd.h"

namespace sallyport::model {

enum class Protocol : uint8_t { http, https, grpc, grpcs, tcp, tls, udp, tls_passthrough };

struct Service {
  std::string id;
  std::string name;  // "" when the entity has none
  Protocol protocol = Protocol::http;
  std::string host;
  uint16_t port = 80;
  std::string path;  // "" when null
  int32_t retries = 5;
  int32_t connect_timeout_ms = 60000;
  int32_t write_timeout_ms = 60000;
  int32_t read_timeout_ms = 60000;
  bool enabled = true;
  bool tls_verify = false;                      // false when null
  int32_t tls_verify_depth = -1;                // -1 when null
  std::string client_certificate_id;            // "" when null
  std::vector<std::string> ca_certificate_ids;  // empty when null

  bool operator==(const Service&) const = default;
};

struct Peer {         // an element of `sources` or `destinations`
  std::string ip;     // address or CIDR; "" for any
  uint16_t port = 0;  // 0 for any

  bool operator==(const Peer&) const = default;
};

enum class PathHandling : uint8_t { v0, v1 };

struct Route {
  std::string id;
  std::string name;
  std::string service_id;  // "" when the route has no service
  std::vector<Protocol> protocols;
  std::vector<std::string> methods;
  std::vector<std::string> hosts;
  std::vector<std::string> paths;
  std::vector<std::pair<std::string, std::vector<std::string>>> headers;
  std::vector<std::string> snis;
  std::vector<Peer> sources;
  std::vector<Peer> destinations;
  std::string expression;  // "" for a route of attributes; see router_flavor
  int64_t priority = 0;    // of the expression
  int64_t regex_priority = 0;
  int64_t created_at = 0;  // Unix seconds
  int32_t https_redirect_status_code = 426;
  PathHandling path_handling = PathHandling::v0;
  bool strip_path = true;
  bool preserve_host = false;
  bool request_buffering = true;
  bool response_buffering = true;

  bool operator==(const Route&) const = default;
};

// Rows as the Admin API shows them ("service": {"id": …} or null). Errors: "model.row", Side::
// database, when a row that reached us past validation (plain SQL) does not decode.
Result<Service> decode_service(const Json& row);
Result<Route> decode_route(const Json& row);

}  // namespace sallyport::model
