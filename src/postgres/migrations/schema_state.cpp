#include <algorithm>
#include <map>
#include <set>

#include "base/json.h"
#include "postgres/change_log.h"
#include "postgres/migrations/migrator.h"
#include "postgres/migrations/schema_parts.h"

namespace sallyport::postgres {
namespace {

bool contains(const auto& list, const auto& wanted) {
  return std::ranges::find(list, wanted) != std::ranges::end(list);
}

constexpr const char* kOurs = "sallyport";

struct Recorded {
  std::vector<std::string> executed;
  std::vector<std::string> pending;
};

std::vector<std::string> strings(std::string_view json) {
  std::vector<std::string> result;
  for (const Json& item : parse_json(json)) {
    if (item.is_string()) result.push_back(item.get<std::string>());
  }
  return result;
}

Result<std::map<std::string, Recorded>> read_schema_meta(Connection& connection) {
  std::map<std::string, Recorded> result;
  auto exists = connection.query("SELECT to_regclass('schema_meta') IS NOT NULL");
  if (!exists) return fail(exists.error());
  if (exists->at(0, 0) != "t") return result;
  auto rows = connection.query(
      "SELECT subsystem, coalesce(to_json(executed), '[]'), coalesce(to_json(pending), '[]')"
      "  FROM schema_meta WHERE key = 'schema_meta'");
  if (!rows) return fail(rows.error());
  for (size_t i = 0; i < rows->size(); ++i) {
    result[std::string(rows->at(i, 0))] = {strings(rows->at(i, 1)), strings(rows->at(i, 2))};
  }
  return result;
}

void add(std::vector<Migrations>& to, std::string_view subsystem, std::vector<std::string> names) {
  if (!names.empty()) to.push_back({std::string(subsystem), std::move(names)});
}

// Splits what is recorded of one subsystem into what this program knows and what it does not.
void compare(SchemaState& state, const SchemaPart& part, const Recorded& recorded) {
  std::set<std::string_view> seen(recorded.executed.begin(), recorded.executed.end());
  seen.insert(recorded.pending.begin(), recorded.pending.end());
  std::vector<std::string> missing, unknown;
  for (std::string_view name : part.executed) {
    if (!seen.contains(name)) missing.emplace_back(name);
  }
  for (const std::string& name : recorded.executed) {
    if (!contains(part.executed, name)) unknown.push_back(name);
  }
  add(state.available, part.subsystem, std::move(missing));
  add(state.unknown, part.subsystem, std::move(unknown));
}

bool is_known(std::string_view subsystem) {
  return std::ranges::any_of(schema_parts(),
                             [&](const SchemaPart& part) { return part.subsystem == subsystem; });
}

// Where Kong keeps the migrations of a subsystem, for scripts that look at it.
std::string namespace_of(const std::string& subsystem) {
  if (subsystem == kOurs) return subsystem;
  if (subsystem == "core") return "kong.db.migrations.core";
  return "kong.plugins." + subsystem + ".migrations";
}

Json list(const std::vector<Migrations>& migrations) {
  Json result = Json::array();
  for (const Migrations& entry : migrations) {
    Json names = Json::array();
    for (const std::string& name : entry.names) names.push_back({{"name", name}});
    result.push_back({{"subsystem", entry.subsystem},
                      {"namespace", namespace_of(entry.subsystem)},
                      {"migrations", std::move(names)}});
  }
  return result;
}

}  // namespace

bool SchemaState::usable() const {
  if (needs_bootstrap) return false;
  auto core = std::ranges::find(executed, "core", &Migrations::subsystem);
  return core != executed.end() && contains(core->names, "024_380_to_390");
}

Json SchemaState::to_json() const {
  Json result = {{"needs_bootstrap", needs_bootstrap},
                 {"executed_migrations", list(executed)},
                 {"pending_migrations", list(pending)},
                 {"new_migrations", list(available)},
                 {"missing_migrations", list(unknown)}};
  result["change_log"] = change_log;
  return result;
}

Result<SchemaState> Migrator::state() {
  auto recorded = read_schema_meta(connection_);
  if (!recorded) return fail(recorded.error());
  SchemaState state;
  auto core = recorded->find("core");
  state.needs_bootstrap = core == recorded->end() || core->second.executed.empty();
  if (state.needs_bootstrap) return state;

  for (const SchemaPart& part : schema_parts()) {
    compare(state, part, (*recorded)[std::string(part.subsystem)]);
  }
  for (const auto& [subsystem, names] : *recorded) {
    add(state.executed, subsystem, names.executed);
    add(state.pending, subsystem, names.pending);
    if (!is_known(subsystem)) add(state.foreign, subsystem, names.executed);
  }

  auto schema = change_log_schema(connection_);
  if (!schema) return fail(schema.error());
  auto log = inspect_change_log(connection_, *schema);
  if (!log) return fail(log.error());
  state.change_log = log->installed;
  state.change_log_possible = log->possible;
  add(state.executed, kOurs, log->migrations);
  if (!log->installed && log->possible) {
    auto names = change_log_migrations();
    add(state.available, kOurs, {names.begin(), names.end()});
  }
  return state;
}

}  // namespace sallyport::postgres
