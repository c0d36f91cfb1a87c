// Rows into the typed entities of entities.h. Nulls that an older row may hold read as the default.
#include <fmt/format.h>

#include "base/json.h"
#include "model/entities.h"

namespace sallyport::model {
namespace {

// Reads fields of one row; remembers the first that has the wrong form.
class Row {
 public:
  explicit Row(const Json& row) : row_(row) {}

  const Json* get(const char* field) const {
    auto found = row_.find(field);
    return found == row_.end() || found->is_null() ? nullptr : &*found;
  }

  void text(const char* field, std::string& out) {
    const Json* value = get(field);
    if (value == nullptr) return;
    if (!value->is_string()) return blame(field);
    out = value->get<std::string>();
  }

  template <typename Integer>
  void integer(const char* field, Integer& out) {
    const Json* value = get(field);
    if (value == nullptr) return;
    if (!value->is_number()) return blame(field);
    double number = value->get<double>();
    if (number < static_cast<double>(std::numeric_limits<Integer>::min()) ||
        number > static_cast<double>(std::numeric_limits<Integer>::max())) {
      return blame(field);
    }
    out = value->is_number_float() ? static_cast<Integer>(number) : value->get<Integer>();
  }

  void flag(const char* field, bool& out) {
    const Json* value = get(field);
    if (value == nullptr) return;
    if (!value->is_boolean()) return blame(field);
    out = value->get<bool>();
  }

  void texts(const char* field, std::vector<std::string>& out) {
    const Json* value = get(field);
    if (value == nullptr) return;
    if (!is_texts(*value)) return blame(field);
    out = value->get<std::vector<std::string>>();
  }

  void reference(const char* field, std::string& id) {
    const Json* value = get(field);
    if (value == nullptr) return;
    if (!value->is_object() || !value->contains("id") || !(*value)["id"].is_string()) {
      return blame(field);
    }
    id = (*value)["id"].get<std::string>();
  }

  static bool is_texts(const Json& list) {
    if (!list.is_array()) return false;
    for (const Json& value : list) {
      if (!value.is_string()) return false;
    }
    return true;
  }

  void blame(const char* field) {
    if (blamed_ == nullptr) blamed_ = field;
  }

  // The error of this row, when it has one. `id` is what was read so far.
  Result<void> verdict(const char* entity, const std::string& id) const {
    if (blamed_ == nullptr && !id.empty()) return {};
    const char* field = blamed_ == nullptr ? "id" : blamed_;
    return fail("model.row", Side::database,
                fmt::format("the row of {} '{}' cannot be used: its field {} has the wrong form",
                            entity, id.empty() ? "?" : id, field),
                fmt::format("Correct it with PATCH /{}/{}", entity, id.empty() ? "{id}" : id));
  }

 private:
  const Json& row_;
  const char* blamed_ = nullptr;
};

bool parse_protocol(std::string_view word, Protocol& out) {
  static constexpr std::pair<std::string_view, Protocol> kWords[] = {
      {"http", Protocol::http}, {"https", Protocol::https},
      {"grpc", Protocol::grpc}, {"grpcs", Protocol::grpcs},
      {"tcp", Protocol::tcp},   {"tls", Protocol::tls},
      {"udp", Protocol::udp},   {"tls_passthrough", Protocol::tls_passthrough}};
  for (const auto& [name, protocol] : kWords) {
    if (name != word) continue;
    out = protocol;
    return true;
  }
  return false;
}

void read_peers(Row& row, const char* field, std::vector<Peer>& out) {
  const Json* list = row.get(field);
  if (list == nullptr) return;
  if (!list->is_array()) return row.blame(field);
  for (const Json& entry : *list) {
    if (!entry.is_object()) return row.blame(field);
    Peer peer;
    Row inside(entry);
    inside.text("ip", peer.ip);
    inside.integer("port", peer.port);
    if (!inside.verdict(field, "x")) return row.blame(field);
    out.push_back(std::move(peer));
  }
}

void read_headers(Row& row, Route& route) {
  const Json* map = row.get("headers");
  if (map == nullptr) return;
  if (!map->is_object()) return row.blame("headers");
  for (const auto& [name, values] : map->items()) {
    if (!Row::is_texts(values)) return row.blame("headers");
    route.headers.emplace_back(name, values.get<std::vector<std::string>>());
  }
}

void read_protocols(Row& row, Route& route) {
  std::vector<std::string> words = {"http", "https"};
  row.texts("protocols", words);
  for (const std::string& word : words) {
    Protocol protocol;
    if (!parse_protocol(word, protocol)) return row.blame("protocols");
    route.protocols.push_back(protocol);
  }
}

}  // namespace

Result<Service> decode_service(const Json& json) {
  Row row(json);
  Service service;
  std::string protocol = "http";
  row.text("id", service.id);
  row.text("name", service.name);
  row.text("protocol", protocol);
  if (!parse_protocol(protocol, service.protocol)) row.blame("protocol");
  row.text("host", service.host);
  if (service.host.empty()) row.blame("host");
  row.integer("port", service.port);
  row.text("path", service.path);
  row.integer("retries", service.retries);
  row.integer("connect_timeout", service.connect_timeout_ms);
  row.integer("write_timeout", service.write_timeout_ms);
  row.integer("read_timeout", service.read_timeout_ms);
  row.flag("enabled", service.enabled);
  if (auto fine = row.verdict("services", service.id); !fine) return fail(fine.error());
  return service;
}

Result<Route> decode_route(const Json& json) {
  Row row(json);
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
