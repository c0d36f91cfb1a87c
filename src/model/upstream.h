// Upstreams and their targets as the data plane reads them, decoded from validated rows. Immutable;
// shared between the Model and every Snapshot that uses them; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json_fwd.h"

namespace sallyport::model {

enum class Algorithm : uint8_t { round_robin, consistent_hashing, least_connections, latency };
enum class HashInput : uint8_t { none, consumer, ip, header, cookie, path, query_arg, uri_capture };
enum class CheckType : uint8_t { tcp, http, https, grpc, grpcs };

// How many reports in a row change a target's health; 0: such reports count for nothing.
struct CheckThresholds {
  uint8_t successes = 0;
  uint8_t http_failures = 0;
  uint8_t tcp_failures = 0;
  uint8_t timeouts = 0;

  bool operator==(const CheckThresholds&) const = default;
};

struct ActiveChecks {
  CheckType type = CheckType::http;
  bool verify_certificate = true;
  uint32_t timeout_ms = 1000;
  uint32_t healthy_interval_ms = 0;    // 0: healthy targets are not asked
  uint32_t unhealthy_interval_ms = 0;  // 0: unhealthy ones are not
  uint32_t concurrency = 10;
  std::string http_path = "/";
  std::string https_sni;  // "" when null
  std::vector<std::pair<std::string, std::vector<std::string>>> headers;
  std::vector<uint16_t> healthy_statuses;
  std::vector<uint16_t> unhealthy_statuses;
  CheckThresholds thresholds;

  bool on() const { return healthy_interval_ms != 0 || unhealthy_interval_ms != 0; }
  bool operator==(const ActiveChecks&) const = default;
};

struct PassiveChecks {
  CheckType type = CheckType::http;  // tcp: statuses count for nothing
  std::vector<uint16_t> healthy_statuses;
  std::vector<uint16_t> unhealthy_statuses;
  CheckThresholds thresholds;

  bool on() const { return thresholds != CheckThresholds{}; }
  bool operator==(const PassiveChecks&) const = default;
};

struct Upstream {
  std::string id;
  std::string name;
  Algorithm algorithm = Algorithm::round_robin;
  HashInput hash_on = HashInput::none;
  HashInput hash_fallback = HashInput::none;
  std::string hash_on_name;        // of the header, query argument or capture; "" for none
  std::string hash_fallback_name;  // the same for hash_fallback
  std::string hash_on_cookie;
  std::string hash_on_cookie_path = "/";
  uint32_t slots = 10000;
  ActiveChecks active;
  PassiveChecks passive;
  double threshold = 0;     // percent of the weight that must be available
  std::string host_header;  // "" when null
  std::string client_certificate_id;
  bool use_srv_name = false;

  bool checks_health() const { return active.on() || passive.on(); }
  bool operator==(const Upstream&) const = default;
};

struct Target {
  std::string id;
  std::string upstream_id;
  std::string target;  // "host:port", IPv6 in brackets
  uint16_t weight = 100;

  bool operator==(const Target&) const = default;
};

// Errors: "model.row", as in entities.h.
Result<Upstream> decode_upstream(const Json& row);
Result<Target> decode_target(const Json& row);

}  // namespace sallyport::model
