#include "postgres/change_log.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/text.h"
#include "postgres/migrations/change_log_schema.h"
#include "postgres/sql_text.h"

namespace sallyport::postgres {
namespace {

bool contains(const auto& list, const auto& wanted) {
  return std::ranges::find(list, wanted) != std::ranges::end(list);
}

constexpr std::string_view kMigrations[] = {"001_change_log"};

constexpr size_t kLongestName = 63;  // PostgreSQL cuts longer ones off

constexpr const char* kInspect = R"sql(
SELECT current_setting('server_version_num')::int >= 130000,
       c.oid IS NOT NULL,
       coalesce(has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
                AND has_table_privilege(m.oid, 'SELECT'), false)
  FROM (SELECT 1) AS one
  LEFT JOIN pg_namespace n ON n.nspname = $1
  LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = 'change_log'
  LEFT JOIN pg_class m ON m.relnamespace = n.oid AND m.relname = 'migrations')sql";

constexpr const char* kUntracked = R"sql(
SELECT t.relname
  FROM pg_class t JOIN pg_namespace s ON s.oid = t.relnamespace
 WHERE s.nspname = current_schema() AND t.relkind = 'r' AND t.relname = ANY ($2::text[])
   AND 2 > (SELECT count(*)
              FROM pg_trigger g
              JOIN pg_proc p ON p.oid = g.tgfoid
              JOIN pg_namespace n ON n.oid = p.pronamespace
             WHERE g.tgrelid = t.oid AND n.nspname = $1 AND g.tgenabled = 'A'
               AND g.tgname IN ('sallyport_log_row', 'sallyport_log_truncate')))sql";

constexpr const char* kStart = R"sql(
SELECT pg_current_snapshot()::text, extract(epoch FROM clock_timestamp()),
       (SELECT max(sequence) FROM {log}.change_log))sql";

constexpr const char* kRead = R"sql(
SELECT pg_current_snapshot()::text, extract(epoch FROM clock_timestamp()),
       l.sequence, l.entity, l.id, l.operation, extract(epoch FROM clock_timestamp() - l.at)
  FROM (SELECT 1) AS one
  LEFT JOIN {log}.change_log l
    ON l.transaction >= pg_snapshot_xmin($1::pg_snapshot)
   AND NOT pg_visible_in_snapshot(l.transaction, $1::pg_snapshot)
 ORDER BY l.sequence)sql";

constexpr const char* kPrune = R"sql(
DELETE FROM {log}.change_log
 WHERE transaction < pg_snapshot_xmax($1::pg_snapshot)
   AND pg_visible_in_snapshot(transaction, $1::pg_snapshot))sql";

std::string in_schema(const char* sql, const std::string& schema) {
  std::string text = substitute(sql, "{log}", quote_name(schema));
  return substitute(text, "{channel}", quote_literal(schema));
}

Result<std::vector<std::string>> first_column(Connection& connection, const std::string& sql,
                                              std::span<const Parameter> parameters) {
  auto rows = connection.query(sql, parameters);
  if (!rows) return fail(rows.error());
  std::vector<std::string> result;
  for (size_t i = 0; i < rows->size(); ++i) result.emplace_back(rows->at(i, 0));
  return result;
}

Result<std::vector<std::string>> untracked_tables(Connection& connection,
                                                  const std::string& schema) {
  auto tables = tracked_tables();
  std::string wanted = array_literal(std::vector<std::string>(tables.begin(), tables.end()));
  return first_column(connection, kUntracked, std::array<Parameter, 2>{schema, wanted});
}

}  // namespace

std::span<const std::string_view> change_log_migrations() {
  return kMigrations;
}

Result<std::string> change_log_schema(Connection& connection) {
  auto rows = connection.query("SELECT current_schema()");
  if (!rows) return fail(rows.error());
  if (rows->is_null(0, 0) || rows->at(0, 0) == "public") return "sallyport";
  return ("sallyport_" + std::string(rows->at(0, 0))).substr(0, kLongestName);
}

Result<ChangeLogState> inspect_change_log(Connection& connection, const std::string& schema) {
  auto rows = connection.query(kInspect, std::array<Parameter, 1>{schema});
  if (!rows) return fail(rows.error());
  ChangeLogState state;
  state.possible = rows->at(0, 0) == "t";
  state.readable = rows->at(0, 2) == "t";
  if (rows->at(0, 1) != "t") return state;

  auto untracked = untracked_tables(connection, schema);
  if (!untracked) return fail(untracked.error());
  state.untracked = std::move(*untracked);
  if (!state.readable) return state;

  auto done = first_column(
      connection, in_schema("SELECT name FROM {log}.migrations ORDER BY name", schema), {});
  if (!done) return fail(done.error());
  state.migrations = std::move(*done);
  state.installed =
      state.untracked.empty() && std::ranges::all_of(kMigrations, [&](std::string_view name) {
        return contains(state.migrations, name);
      });
  return state;
}

Result<void> install_change_log(Connection& connection, const std::string& schema) {
  for (const char* sql : {kChangeLogTables, kChangeLogFunctions}) {
    if (auto done = connection.run(in_schema(sql, schema)); !done) return done;
  }
  auto tables = untracked_tables(connection, schema);
  if (!tables) return fail(tables.error());
  for (const std::string& table : *tables) {
    std::string sql =
        substitute(in_schema(kChangeLogTriggers, schema), "{table}", quote_name(table));
    if (auto done = connection.run(sql); !done) return done;
  }
  for (std::string_view name : kMigrations) {
    auto done = connection.query(
        in_schema("INSERT INTO {log}.migrations (name) VALUES ($1) ON CONFLICT DO NOTHING", schema),
        std::array<Parameter, 1>{name});
    if (!done) return fail(done.error());
  }
  return {};
}

Result<LogRead> read_change_log(Connection& connection, const std::string& schema,
                                const std::string& position) {
  auto rows = position.empty()
                  ? connection.query(in_schema(kStart, schema))
                  : connection.query(in_schema(kRead, schema), std::array<Parameter, 1>{position});
  if (!rows) return fail(rows.error());
  LogRead read;
  read.position = rows->at(0, 0);
  read.server_time = text::to_number(rows->at(0, 1)).value_or(0);
  size_t newest = rows->size() - 1;
  read.sequence = text::to_integer(rows->at(newest, 2)).value_or(0);
  if (position.empty()) return read;

  read.age = text::to_number(rows->at(newest, 6)).value_or(0);
  std::set<std::pair<std::string_view, std::string_view>> seen;
  for (size_t i = 0; i < rows->size(); ++i) {
    if (rows->is_null(i, 2) || !seen.emplace(rows->at(i, 3), rows->at(i, 4)).second) continue;
    read.entries.push_back({.table = std::string(rows->at(i, 3)),
                            .id = std::string(rows->at(i, 4)),
                            .truncated = rows->at(i, 5) == "truncate"});
  }
  return read;
}

Result<int64_t> prune_change_log(Connection& connection, const std::string& schema,
                                 const std::string& position) {
  auto rows = connection.query(in_schema(kPrune, schema), std::array<Parameter, 1>{position});
  if (!rows) return fail(rows.error());
  return rows->affected();
}

}  // namespace sallyport::postgres
