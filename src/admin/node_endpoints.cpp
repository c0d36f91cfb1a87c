#include "admin/node_endpoints.h"

#include <algorithm>
#include <set>
#include <string>

#include <fmt/format.h>

#include "admin/entity_writer.h"
#include "admin/fault_answers.h"
#include "admin/request_body.h"
#include "admin/status_json.h"
#include "base/json.h"
#include "base/version.h"
#include "model/schema_json.h"
#include "model/schemas.h"

namespace sallyport::admin {
namespace {

using model::EntitySchema;

// Names of the plugins that are configured somewhere, sorted; none while the database is away.
std::set<std::string> plugins_in_use(model::Store& store) {
  std::set<std::string> names;
  model::PageQuery query{.size = 1000};
  do {
    auto page = store.page(model::plugins(), query);
    if (!page) return names;
    for (const Json& row : page->rows) names.insert(row["name"].get<std::string>());
    query.offset = page->next_offset;
  } while (!query.offset.empty());
  return names;
}

Json without_behaviour(const NodeInfo& node) {
  Json names = Json::array();
  for (const PluginFacts& plugin : node.plugins()) {
    if (!plugin.has_behaviour) names.push_back(plugin.name);
  }
  return names;
}

Json plugins_json(const NodeInfo& node, model::Store& store) {
  Json available = Json::object();
  for (const PluginFacts& plugin : node.plugins()) {
    available[plugin.name] = Json{{"version", plugin.version}, {"priority", plugin.priority}};
  }
  return Json{{"available_on_server", std::move(available)},
              {"enabled_in_cluster", plugins_in_use(store)}};
}

Answer root_answer(const NodeInfo& node, model::Store& store) {
  Pids pids = node.pids();
  Json configuration = node.configuration();
  Json loaded = Json::object();
  for (const PluginFacts& plugin : node.plugins()) loaded[plugin.name] = true;
  configuration["loaded_plugins"] = std::move(loaded);
  return json_answer(
      200, Json{{"tagline", "Welcome to kong"},
                {"version", kKongApiLevel},
                {"edition", "community"},
                {"sallyport", Json{{"version", kVersion},
                                   {"plugins_without_behaviour", without_behaviour(node)}}},
                {"hostname", node.hostname()},
                // There is none; clients of Kong's take it for granted.
                {"lua_version", "none"},
                {"node_id", node.node_id()},
                {"pids", Json{{"master", pids.master}, {"workers", pids.workers}}},
                // Kong's own; there are none in this gateway.
                {"timers", Json{{"running", 0}, {"pending", 0}}},
                {"plugins", plugins_json(node, store)},
                {"configuration", std::move(configuration)}});
}

Answer endpoints_answer(const Endpoints& endpoints) {
  std::vector<std::string> patterns;
  for (const Endpoint& endpoint : endpoints.all()) patterns.push_back(endpoint.pattern);
  std::ranges::sort(patterns);
  return json_answer(200, Json{{"data", patterns}});
}

Answer plugins_enabled_answer(const NodeInfo& node) {
  std::vector<std::string> names;
  for (const PluginFacts& plugin : node.plugins()) names.push_back(plugin.name);
  return json_answer(200, Json{{"enabled_plugins", names}});
}

Answer schema_answer(const std::string& name) {
  const EntitySchema* entity = model::find_shown(name);
  if (entity == nullptr) return message_answer(404, fmt::format("No entity named '{}'", name));
  return json_answer(200, model::schema_json(*entity));
}

// The sub-schema of `entity` by name: plugins, vaults. `kind` is the word for one of them.
Answer subschema_answer(const char* entity_name, std::string_view kind, const std::string& name) {
  const EntitySchema* entity = model::find_entity(entity_name);
  const model::Shape* shape =
      entity == nullptr || !entity->subschema ? nullptr : entity->subschema(name);
  if (shape == nullptr) return message_answer(404, fmt::format("No {} named '{}'", kind, name));
  return json_answer(200, model::schema_json(*shape));
}

Answer validate_answer(const Request& request, const std::string& name) {
  const EntitySchema* entity = model::find_shown(name);
  if (entity == nullptr) return message_answer(404, fmt::format("No entity named '{}'", name));
  auto input = read_body(request, entity);
  if (!input) return std::move(input.error());
  Json faults = EntityWriter::check(*entity, *std::move(input));
  if (!faults.is_null()) return schema_violation(faults);
  return message_answer(200, "schema validation successful");
}

}  // namespace

void add_node_endpoints(Endpoints& endpoints, NodeInfo& node, model::Store& store) {
  model::Store* s = &store;
  const NodeInfo* n = &node;
  const Endpoints* table = &endpoints;
  endpoints.add("/", "GET", [n, s](auto&, Keys) { return root_answer(*n, *s); });
  endpoints.add("/status", "GET", [n](auto& r, Keys) { return status_answer(*n, r); });
  endpoints.add("/endpoints", "GET", [table](auto&, Keys) { return endpoints_answer(*table); });
  endpoints.add("/plugins/enabled", "GET", [n](auto&, Keys) { return plugins_enabled_answer(*n); });
  endpoints.add("/schemas/{name}", "GET", [](auto&, Keys k) { return schema_answer(k[0]); });
  endpoints.add("/schemas/plugins/{name}", "GET",
                [](auto&, Keys k) { return subschema_answer("plugins", "plugin", k[0]); });
  endpoints.add("/schemas/vaults/{name}", "GET",
                [](auto&, Keys k) { return subschema_answer("vaults", "vault", k[0]); });
  endpoints.add("/schemas/{db_entity_name}/validate", "POST",
                [](auto& r, Keys k) { return validate_answer(r, k[0]); });
  endpoints.add("/schemas/plugins/validate", "POST",
                [](auto& r, Keys) { return validate_answer(r, "plugins"); });
  endpoints.add("/schemas/vaults/validate", "POST",
                [](auto& r, Keys) { return validate_answer(r, "vaults"); });
  endpoints.add("/plugins/schema/{name}", "GET",
                [](auto&, Keys k) { return subschema_answer("plugins", "plugin", k[0]); });
}

}  // namespace sallyport::admin
