#include "admin/status_json.h"

#include <fmt/format.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"
#include "base/version.h"

namespace sallyport::admin {
namespace {

// How many bytes are one, and how the unit is called; bytes are numbers, the others texts.
struct Unit {
  double bytes = 1;
  std::string_view name = "";
  int scale = 2;

  Json of(uint64_t amount) const {
    if (name.empty()) return amount;
    return fmt::format("{:.{}f} {}", static_cast<double>(amount) / bytes, scale, name);
  }
};

std::expected<Unit, Answer> read_unit(const Request& request) {
  Unit unit{.bytes = 1 << 20, .name = "MiB"};
  std::string_view word = request.argument("unit").value_or("m");
  if (word == "b" || word == "B") {
    unit = {};
  } else if (word == "k" || word == "K") {
    unit = {.bytes = 1 << 10, .name = "KiB"};
  } else if (word == "g" || word == "G") {
    unit = {.bytes = 1 << 30, .name = "GiB"};
  } else if (word != "m" && word != "M") {
    return std::unexpected(message_answer(
        400, fmt::format("invalid unit '{}' (expected 'k/K', 'm/M', or 'g/G')", word)));
  }
  if (auto text = request.argument("scale")) {
    auto scale = text::to_integer(*text);
    if (!scale || *scale < 0 || *scale > 9) {
      return std::unexpected(
          message_answer(400, fmt::format("invalid scale '{}' (expected 0 to 9)", *text)));
    }
    unit.scale = static_cast<int>(*scale);
  }
  return unit;
}

Json memory_json(const NodeInfo& node, const Unit& unit) {
  Memory memory = node.memory();
  Pids pids = node.pids();
  Json workers = Json::array();
  for (size_t i = 0; i < memory.workers.size(); ++i) {
    workers.push_back(Json{{"pid", i < pids.workers.size() ? pids.workers[i] : pids.master},
                           {"http_allocated_gc", unit.of(memory.workers[i])}});
  }
  if (workers.empty()) {
    workers.push_back(Json{{"pid", pids.master}, {"http_allocated_gc", unit.of(memory.resident)}});
  }
  // What Kong keeps in shared dictionaries is ordinary memory of the one process here.
  Json process = {{"capacity", unit.of(memory.limit)},
                  {"allocated_slabs", unit.of(memory.resident)}};
  return Json{{"workers_lua_vms", std::move(workers)},
              {"lua_shared_dicts", Json{{"kong", std::move(process)}}}};
}

Json server_json(const Counters& counters) {
  return Json{{"connections_accepted", counters.connections_accepted},
              {"connections_active", counters.connections_active},
              {"connections_handled", counters.connections_handled},
              {"connections_reading", counters.connections_reading},
              {"connections_waiting", counters.connections_waiting},
              {"connections_writing", counters.connections_writing},
              {"total_requests", counters.total_requests}};
}

Json stream_json(const Counters& counters) {
  return Json{{"connections_total", counters.stream_connections},
              {"connections_active", counters.stream_active},
              {"udp_sessions_total", counters.udp_sessions},
              {"udp_sessions_active", counters.udp_active},
              {"bytes_received", counters.stream_received},
              {"bytes_sent", counters.stream_sent}};
}

Json time_or_null(int64_t seconds) {
  return seconds > 0 ? Json(seconds) : Json(nullptr);
}

Json certificates_json(const LinkFacts& link, int64_t now) {
  Json out = Json::array();
  for (const CertificateExpiry& certificate : link.certificates) {
    out.push_back(Json{{"role", certificate.role},
                       {"subject", certificate.subject},
                       {"not_after", certificate.not_after},
                       {"seconds_to_expiry", certificate.not_after - now}});
  }
  return out;
}

Json tls_json(const LinkFacts& link, int64_t now) {
  if (!link.tls) return nullptr;
  Json out = {{"version", link.tls_version},
              {"cipher", link.cipher},
              {"verified", link.verified},
              {"certificates", certificates_json(link, now)}};
  if (link.crl_next_update) {
    out["crl_next_update"] = *link.crl_next_update;
    out["crl_seconds_left"] = *link.crl_next_update - now;
  }
  return out;
}

Json feed_json(const FeedFacts& feed) {
  return Json{{"sequence", feed.sequence},
              {"snapshot_version", feed.snapshot_version},
              {"built_at", time_or_null(feed.built_at)},
              {"last_contact", time_or_null(feed.last_contact)},
              {"faults", feed.faults}};
}

}  // namespace

Json link_json(const LinkFacts& link, int64_t now) {
  Json out = {{"connected", link.connected},
              {"since", time_or_null(link.since)},
              {"host", link.host},
              {"address", link.address},
              {"port", link.port},
              {"server_version", link.server_version},
              {"plain_fallback", link.plain_fallback},
              {"tls", tls_json(link, now)},
              {"last_error", nullptr}};
  if (link.last_error) {
    out["last_error"] = Json{{"code", link.last_error->code},
                             {"message", link.last_error->detail},
                             {"remedy", link.last_error->remedy},
                             {"at", time_or_null(link.last_error_at)}};
  }
  return out;
}

Answer status_answer(const NodeInfo& node, const Request& request) {
  auto unit = read_unit(request);
  if (!unit) return std::move(unit.error());
  const Counters counters = node.counters();
  Json out = {{"memory", memory_json(node, *unit)}, {"server", server_json(counters)}};
  if (counters.has_streams) out["stream"] = stream_json(counters);
  Json own = {{"version", kVersion}};
  if (auto link = node.link()) {
    out["database"] = Json{{"reachable", link->connected}};
    own["link"] = link_json(*link, unix_seconds());
  }
  if (auto hash = node.configuration_hash()) out["configuration_hash"] = *hash;
  own["configuration"] = feed_json(node.feed());
  out["sallyport"] = std::move(own);
  return json_answer(200, out);
}

Answer ready_answer(const NodeInfo& node) {
  std::string reason = node.not_ready();
  return reason.empty() ? message_answer(200, "ready") : message_answer(503, reason);
}

}  // namespace sallyport::admin
