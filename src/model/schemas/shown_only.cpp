// Entities of Kong's that this gateway keeps no rows of, for /schemas: what runs a cluster of
// control and data planes, filters, counters in the database.
#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "base/json.h"
#include "model/checks.h"
#include "model/formats.h"
#include "model/rules.h"
#include "model/schemas.h"
#include "model/typedefs.h"

namespace sallyport::model {

using namespace declare;

namespace {

EntitySchema shown(std::string name, std::vector<Field> fields) {
  EntitySchema s;
  s.name = s.table = std::move(name);
  s.admin_api = s.declarative = false;
  s.fields = std::move(fields);
  return s;
}

EntitySchema data_planes() {
  return shown(
      "clustering_data_planes",
      {
          typedefs::id(),
          integer("last_seen", {.automatic = true, .timestamp = true}),
          typedefs::updated_at(),
          string("ip", {.required = true, .rules = {custom_text(formats::ip_or_cidr)}}),
          string("config_hash", {.rules = {len_eq(32)}}),
          typedefs::host("hostname", {.required = true}),
          string("version",
                 {.rules = {match_none({{"%.%.", "must not have empty version segments"}}),
                            match_any({"^%d+[%.%d]*$", "^%d+[%.%d]*%-?.*$"},
                                      "invalid version number: must be in format of X.Y.Z")}}),
          string("sync_status",
                 {.required = true,
                  .defaults = "unknown",
                  .rules = {one_of({"unknown", "normal", "kong_version_incompatible",
                                    "plugin_set_incompatible", "plugin_version_incompatible",
                                    "filter_set_incompatible"})}}),
          map("labels", string(""), string("")),
          record("cert_details", {.fields = {number("expiry_timestamp", {.timestamp = true})}}),
          set("rpc_capabilities", string("")),
      });
}

EntitySchema parameters() {
  return shown("parameters", {
                                 typedefs::created_at(),
                                 string("key", {.required = true, .unique = true}),
                                 string("value", {.required = true}),
                             });
}

Field owner(std::string name, std::string entity) {
  return foreign(std::move(name), std::move(entity),
                 {.unique = true, .defaults = nullptr, .on_delete = OnDelete::cascade});
}

// No filter is installed, so that none can be named.
EntitySchema filter_chains() {
  Shape filter{.fields = {
                   string("name", {.required = true,
                                   .rules = {one_of(Constant(Json::array()))},
                                   .err = "no such filter"}),
                   boolean("enabled", {.required = true, .defaults = true}),
                   json("config"),
               }};
  EntitySchema s =
      shown("filter_chains", {
                                 typedefs::id(),
                                 typedefs::name(),
                                 boolean("enabled", {.required = true, .defaults = true}),
                                 owner("route", "routes"),
                                 owner("service", "services"),
                                 array("filters", record("", std::move(filter)),
                                       {.required = true, .rules = {len_min(1)}}),
                                 typedefs::created_at(),
                                 typedefs::updated_at(),
                                 typedefs::tags(),
                             });
  s.endpoint_key = "name";
  s.checks = {mutually_exclusive({"service", "route"}), at_least_one_of({"service", "route"})};
  return s;
}

EntitySchema ratelimiting_metrics() {
  return shown("ratelimiting_metrics",
               {
                   string("identifier", {.required = true, .rules = {len_min(0)}}),
                   string("period", {.required = true}),
                   integer("period_date", {.required = true, .timestamp = true}),
                   string("service_id", {.required = true, .uuid = true}),
                   string("route_id", {.required = true, .uuid = true}),
                   integer("value", {.required = true}),
               });
}

EntitySchema session_metadatas() {
  return shown("session_metadatas", {
                                        typedefs::id(),
                                        foreign("session", "sessions",
                                                {.required = true, .on_delete = OnDelete::cascade}),
                                        string("sid"),
                                        string("audience"),
                                        string("subject"),
                                        typedefs::created_at(),
                                    });
}

}  // namespace

const EntitySchema* find_shown(std::string_view name) {
  static const std::array all = {data_planes(), parameters(), filter_chains(),
                                 ratelimiting_metrics(), session_metadatas()};
  if (const EntitySchema* stored = find_entity(name)) return stored;
  auto found = std::ranges::find(all, name, &EntitySchema::name);
  return found == all.end() ? nullptr : &*found;
}

}  // namespace sallyport::model
