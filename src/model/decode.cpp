// Rows into the typed entities of entities.h. Nulls that an older row may hold read as the default.
#include "base/json.h"
#include "model/entities.h"
#include "model/protocol_words.h"
#include "model/row_reader.h"

namespace sallyport::model {
namespace {

void read_peers(RowReader& row, const char* field, std::vector<Peer>& out) {
  const Json* list = row.get(field);
  if (list == nullptr) return;
  if (!list->is_array()) return row.blame(field);
  for (const Json& entry : *list) {
    if (!entry.is_object()) return row.blame(field);
    Peer peer;
    RowReader inside(entry);
    inside.text("ip", peer.ip);
    inside.integer("port", peer.port);
    if (!inside.verdict(field, "x")) return row.blame(field);
    out.push_back(std::move(peer));
  }
}

void read_headers(RowReader& row, Route& route) {
  const Json* map = row.get("headers");
  if (map == nullptr) return;
  if (!map->is_object()) return row.blame("headers");
  for (const auto& [name, values] : map->items()) {
    if (!RowReader::is_texts(values)) return row.blame("headers");
    route.headers.emplace_back(name, values.get<std::vector<std::string>>());
  }
}

void read_protocols(RowReader& row, Route& route) {
  std::vector<std::string> words = {"http", "https"};
  row.texts("protocols", words);
  for (const std::string& word : words) {
    const auto protocol = protocol_of(word);
    if (!protocol) return row.blame("protocols");
    route.protocols.push_back(*protocol);
  }
}

}  // namespace

Result<Service> decode_service(const Json& json) {
  RowReader row(json);
  Service service;
  std::string protocol = "http";
  row.text("id", service.id);
  row.text("name", service.name);
  row.text("protocol", protocol);
  if (const auto known = protocol_of(protocol)) {
    service.protocol = *known;
  } else {
    row.blame("protocol");
  }
  row.text("host", service.host);
  if (service.host.empty()) row.blame("host");
  row.integer("port", service.port);
  row.text("path", service.path);
  row.integer("retries", service.retries);
  row.integer("connect_timeout", service.connect_timeout_ms);
  row.integer("write_timeout", service.write_timeout_ms);
  row.integer("read_timeout", service.read_timeout_ms);
  row.flag("enabled", service.enabled);
  row.flag("tls_verify", service.tls_verify);
  row.integer("tls_verify_depth", service.tls_verify_depth);
  row.reference("client_certificate", service.client_certificate_id);
  row.texts("ca_certificates", service.ca_certificate_ids);
  if (auto fine = row.verdict("services", service.id); !fine) return fail(fine.error());
  return service;
}

Result<Route> decode_route(const Json& json) {
  RowReader row(json);
  Route route;
  row.text("id", route.id);
  row.text("name", route.name);
  row.reference("service", route.service_id);
  read_protocols(row, route);
  row.texts("methods", route.methods);
  row.texts("hosts", route.hosts);
  row.texts("paths", route.paths);
  read_headers(row, route);
  row.texts("snis", route.snis);
  read_peers(row, "sources", route.sources);
  read_peers(row, "destinations", route.destinations);
  row.text("expression", route.expression);
  row.integer("priority", route.priority);
  row.integer("regex_priority", route.regex_priority);
  row.integer("created_at", route.created_at);
  row.integer("https_redirect_status_code", route.https_redirect_status_code);
  std::string handling = "v0";
  row.text("path_handling", handling);
  route.path_handling = handling == "v1" ? PathHandling::v1 : PathHandling::v0;
  row.flag("strip_path", route.strip_path);
  row.flag("preserve_host", route.preserve_host);
  row.flag("request_buffering", route.request_buffering);
  row.flag("response_buffering", route.response_buffering);
  if (auto fine = row.verdict("routes", route.id); !fine) return fail(fine.error());
  return route;
}

}  // namespace sallyport::model
