#include <span>
#include <string_view>

#include "base/json.h"
#include "model/row_reader.h"
#include "model/upstream.h"

namespace sallyport::model {
namespace {

template <typename T>
using Words = std::span<const std::pair<std::string_view, T>>;

template <typename T>
void word(RowReader& row, const char* field, Words<T> words, T& out) {
  std::string text;
  row.text(field, text);
  if (text.empty()) return;
  for (const auto& [name, value] : words) {
    if (name != text) continue;
    out = value;
    return;
  }
  row.blame(field);
}

constexpr std::pair<std::string_view, Algorithm> kAlgorithms[] = {
    {"round-robin", Algorithm::round_robin},
    {"consistent-hashing", Algorithm::consistent_hashing},
    {"least-connections", Algorithm::least_connections},
    {"latency", Algorithm::latency}};
constexpr std::pair<std::string_view, HashInput> kHashInputs[] = {
    {"none", HashInput::none},
    {"consumer", HashInput::consumer},
    {"ip", HashInput::ip},
    {"header", HashInput::header},
    {"cookie", HashInput::cookie},
    {"path", HashInput::path},
    {"query_arg", HashInput::query_arg},
    {"uri_capture", HashInput::uri_capture}};
constexpr std::pair<std::string_view, CheckType> kCheckTypes[] = {{"tcp", CheckType::tcp},
                                                                  {"http", CheckType::http},
                                                                  {"https", CheckType::https},
                                                                  {"grpc", CheckType::grpc},
                                                                  {"grpcs", CheckType::grpcs}};

// The part `field` of a record, or an empty one.
const Json& part(const RowReader& row, const char* field) {
  static const Json kEmpty = Json::object();
  const Json* value = row.get(field);
  return value != nullptr && value->is_object() ? *value : kEmpty;
}

void read_healthy(RowReader& row, std::vector<uint16_t>& statuses, CheckThresholds& thresholds) {
  row.integers("http_statuses", statuses);
  row.integer("successes", thresholds.successes);
}

void read_unhealthy(RowReader& row, std::vector<uint16_t>& statuses, CheckThresholds& thresholds) {
  row.integers("http_statuses", statuses);
  row.integer("http_failures", thresholds.http_failures);
  row.integer("tcp_failures", thresholds.tcp_failures);
  row.integer("timeouts", thresholds.timeouts);
}

bool read_active(const Json& record, ActiveChecks& out) {
  RowReader row(record);
  word<CheckType>(row, "type", kCheckTypes, out.type);
  row.flag("https_verify_certificate", out.verify_certificate);
  row.seconds("timeout", out.timeout_ms);
  row.integer("concurrency", out.concurrency);
  row.text("http_path", out.http_path);
  row.text("https_sni", out.https_sni);
  if (const Json* headers = row.get("headers"); headers != nullptr && headers->is_object()) {
    for (const auto& [name, values] : headers->items()) {
      if (!RowReader::is_texts(values)) return false;
      out.headers.emplace_back(name, values.get<std::vector<std::string>>());
    }
  }
  RowReader healthy(part(row, "healthy"));
  healthy.seconds("interval", out.healthy_interval_ms);
  read_healthy(healthy, out.healthy_statuses, out.thresholds);
  RowReader unhealthy(part(row, "unhealthy"));
  unhealthy.seconds("interval", out.unhealthy_interval_ms);
  read_unhealthy(unhealthy, out.unhealthy_statuses, out.thresholds);
  return row.sound() && healthy.sound() && unhealthy.sound();
}

bool read_passive(const Json& record, PassiveChecks& out) {
  RowReader row(record);
  word<CheckType>(row, "type", kCheckTypes, out.type);
  RowReader healthy(part(row, "healthy"));
  read_healthy(healthy, out.healthy_statuses, out.thresholds);
  RowReader unhealthy(part(row, "unhealthy"));
  read_unhealthy(unhealthy, out.unhealthy_statuses, out.thresholds);
  return row.sound() && healthy.sound() && unhealthy.sound();
}

void read_hash_name(RowReader& row, HashInput input, const std::string& prefix, std::string& out) {
  if (input == HashInput::header) row.text((prefix + "_header").c_str(), out);
  if (input == HashInput::query_arg) row.text((prefix + "_query_arg").c_str(), out);
  if (input == HashInput::uri_capture) row.text((prefix + "_uri_capture").c_str(), out);
}

}  // namespace

Result<Upstream> decode_upstream(const Json& json) {
  RowReader row(json);
  Upstream out;
  row.text("id", out.id);
  row.text("name", out.name);
  word<Algorithm>(row, "algorithm", kAlgorithms, out.algorithm);
  word<HashInput>(row, "hash_on", kHashInputs, out.hash_on);
  word<HashInput>(row, "hash_fallback", kHashInputs, out.hash_fallback);
  read_hash_name(row, out.hash_on, "hash_on", out.hash_on_name);
  read_hash_name(row, out.hash_fallback, "hash_fallback", out.hash_fallback_name);
  row.text("hash_on_cookie", out.hash_on_cookie);
  row.text("hash_on_cookie_path", out.hash_on_cookie_path);
  row.integer("slots", out.slots);
  RowReader checks(part(row, "healthchecks"));
  checks.number("threshold", out.threshold);
  if (!checks.sound() || !read_active(part(checks, "active"), out.active) ||
      !read_passive(part(checks, "passive"), out.passive)) {
    row.blame("healthchecks");
  }
  row.text("host_header", out.host_header);
  row.reference("client_certificate", out.client_certificate_id);
  row.flag("use_srv_name", out.use_srv_name);
  if (auto fine = row.verdict("upstreams", out.id); !fine) return fail(fine.error());
  return out;
}

Result<Target> decode_target(const Json& json) {
  RowReader row(json);
  Target out;
  row.text("id", out.id);
  row.reference("upstream", out.upstream_id);
  row.text("target", out.target);
  if (out.target.empty()) row.blame("target");
  row.integer("weight", out.weight);
  if (auto fine = row.verdict("targets", out.id); !fine) return fail(fine.error());
  return out;
}

}  // namespace sallyport::model
