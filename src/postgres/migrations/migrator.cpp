#include "postgres/migrations/migrator.h"

#include <algorithm>
#include <array>
#include <thread>

#include <fmt/format.h>

#include "base/uuid.h"
#include "postgres/change_log.h"
#include "postgres/migrations/schema_parts.h"
#include "postgres/sql_text.h"

namespace sallyport::postgres {
namespace {

constexpr const char* kTryLock =
    "SELECT pg_try_advisory_xact_lock(hashtextextended('sallyport migrations', 0))";

constexpr const char* kLockHolder = R"sql(
SELECT a.pid, coalesce(host(a.client_addr), 'a local socket'), a.usename
  FROM pg_locks l JOIN pg_stat_activity a USING (pid)
 WHERE l.locktype = 'advisory' AND l.granted
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND (l.classid::bigint << 32 | l.objid::bigint)
       = hashtextextended('sallyport migrations', 0))sql";

constexpr const char* kRecord = R"sql(
INSERT INTO schema_meta (key, subsystem, last_executed, executed, pending)
VALUES ('schema_meta', $1, $2, $3::text[], '{}')
ON CONFLICT (key, subsystem) DO UPDATE
  SET last_executed = EXCLUDED.last_executed,
      executed = (SELECT array_agg(DISTINCT name ORDER BY name)
                    FROM unnest(schema_meta.executed || EXCLUDED.executed) AS name))sql";

// What a new database starts with: one workspace, and the name of the cluster.
constexpr const char* kFirstWorkspace = R"sql(
INSERT INTO workspaces (id, name, created_at, updated_at)
VALUES ($1, 'default', date_trunc('second', CURRENT_TIMESTAMP),
        date_trunc('second', CURRENT_TIMESTAMP)))sql";
constexpr const char* kClusterId = R"sql(
INSERT INTO parameters (key, value, created_at)
VALUES ('cluster_id', $1, date_trunc('second', CURRENT_TIMESTAMP)))sql";

// The server's refusal in the words of somebody who migrates.
Error explain(const Error& error) {
  if (error.code == "sql.42501") {
    return Error{"migrations.rights", Side::database, Retry::never, error.detail,
                 "Make the role of pg_user the owner of the database, or GRANT CREATE ON DATABASE "
                 "and ON SCHEMA to it"};
  }
  if (error.code == "sql.42P07" || error.code == "sql.42723" || error.code == "sql.42710") {
    return Error{"migrations.conflict", Side::database, Retry::never,
                 error.detail +
                     ", but the schema was not bootstrapped: the table belongs to "
                     "something else, or to a bootstrap of Kong's that was interrupted",
                 "Use an empty schema (pg_schema), or drop the gateway's tables with "
                 "`sallyport migrations reset`"};
  }
  return error;
}

Error needs_bootstrap() {
  return Error{"migrations.needs_bootstrap", Side::database, Retry::never,
               "the database has no tables of the gateway yet",
               "Run `sallyport migrations bootstrap`"};
}

}  // namespace

Migrator::Migrator(Connection& connection, Milliseconds lock_timeout,
                   std::function<void(const std::string&)> report)
    : connection_(connection), lock_timeout_(lock_timeout), report_(std::move(report)) {}

Result<bool> Migrator::lock() {
  auto rows = connection_.query(kTryLock);
  if (!rows) return fail(rows.error());
  return rows->at(0, 0) == "t";
}

std::string Migrator::lock_holder() {
  auto rows = connection_.query(kLockHolder);
  if (!rows || rows->size() == 0) return "another session";
  return fmt::format("server process {} of role {} from {}", rows->at(0, 0), rows->at(0, 2),
                     rows->at(0, 1));
}

// One transaction; the lock ends with it, so a killed migration leaves neither rows nor lock. The
// lock is of the transaction, not the session, for poolers in transaction mode.
Result<bool> Migrator::locked(const std::function<Result<bool>()>& step) {
  TimePoint deadline = Clock::now() + lock_timeout_;
  bool told = false;
  for (;;) {
    if (auto begun = connection_.run("BEGIN"); !begun) return fail(begun.error());
    auto got = lock();
    if (!got) return fail(got.error());
    if (*got) break;
    std::string holder = lock_holder();
    if (auto ended = connection_.run("ROLLBACK"); !ended) return fail(ended.error());
    if (Clock::now() >= deadline) {
      return fail("migrations.locked", Side::database,
                  fmt::format("another node is migrating this database ({}) and has not ended "
                              "within {} s",
                              holder, lock_timeout_.count() / 1000),
                  "Wait for it, or raise --lock-timeout; if that node is gone, end its session "
                  "with pg_terminate_backend()",
                  Retry::later);
    }
    if (!told) report_(fmt::format("waiting for another node that is migrating ({})", holder));
    told = true;
    std::this_thread::sleep_for(Milliseconds(100));
  }
  auto result = step();
  bool keep = result && *result;
  auto ended = connection_.run(keep ? "COMMIT" : "ROLLBACK");
  if (!result) return fail(explain(result.error()));
  if (!ended) return fail(ended.error());
  return result;
}

Result<void> Migrator::make_schema(const std::string& schema) {
  if (schema.empty()) return {};
  return connection_.run("CREATE SCHEMA IF NOT EXISTS " + quote_name(schema));
}

Result<void> Migrator::record(std::string_view subsystem, std::span<const std::string_view> names) {
  std::string list = array_literal(std::vector<std::string>(names.begin(), names.end()));
  auto done = connection_.query(kRecord, std::array<Parameter, 3>{subsystem, names.back(), list});
  if (!done) return fail(done.error());
  return {};
}

Result<void> Migrator::make_part(const SchemaPart& part) {
  for (const char* sql : part.sql) {
    if (auto done = connection_.run(sql); !done) return done;
  }
  report_(fmt::format("{}: up to {}", part.subsystem, part.executed.back()));
  return record(part.subsystem, part.executed);
}

// Kong's tables alone are enough to run, so a role without CREATE on the database may go without.
Result<bool> Migrator::add_change_log() {
  auto schema = change_log_schema(connection_);
  if (!schema) return fail(schema.error());
  auto state = inspect_change_log(connection_, *schema);
  if (!state) return fail(state.error());
  if (state->installed) return false;
  if (!state->possible) {
    report_("no change log: it takes PostgreSQL 13; changes will be found by polling");
    return false;
  }
  if (auto kept = connection_.run("SAVEPOINT change_log"); !kept) return fail(kept.error());
  auto done = install_change_log(connection_, *schema);
  if (!done && done.error().code == "sql.42501") {
    auto undone = connection_.run("ROLLBACK TO SAVEPOINT change_log");
    if (!undone) return fail(undone.error());
    report_(
        fmt::format("no change log: {}. Changes will be found by polling; GRANT CREATE ON "
                    "DATABASE to the role of pg_user and run `sallyport migrations up`",
                    done.error().detail));
    return false;
  }
  if (!done) return fail(done.error());
  report_(fmt::format("sallyport: up to {} (schema {})", change_log_migrations().back(), *schema));
  return true;
}

Result<bool> Migrator::bootstrap(const std::string& schema) {
  return locked([&]() -> Result<bool> {
    if (auto made = make_schema(schema); !made) return fail(made.error());
    auto found = state();
    if (!found) return fail(found.error());
    if (!found->needs_bootstrap) return false;
    if (auto zone = connection_.run("SET LOCAL timezone = 'UTC'"); !zone) return fail(zone.error());
    for (const SchemaPart& part : schema_parts()) {
      if (auto made = make_part(part); !made) return fail(made.error());
    }
    for (const char* sql : {kFirstWorkspace, kClusterId}) {
      std::string id = new_uuid();
      auto done = connection_.query(sql, std::array<Parameter, 1>{id});
      if (!done) return fail(done.error());
    }
    if (auto log = add_change_log(); !log) return fail(log.error());
    return true;
  });
}

// A subsystem that is not there at all is made; of one that is there only the last steps are ours.
Result<bool> Migrator::advance(const SchemaPart& part, const std::vector<std::string>& missing) {
  if (missing.size() == part.executed.size()) {
    if (auto made = make_part(part); !made) return fail(made.error());
    return true;
  }
  for (const std::string& name : missing) {
    auto step = std::ranges::find(part.steps, name, &Step::name);
    if (step == part.steps.end()) {
      return fail("migrations.too_old", Side::database,
                  fmt::format("{} has not run {}: the database is older than Kong 3.9",
                              part.subsystem, name),
                  "Bring it to 3.9 or 3.10 with Kong first (kong migrations up, finish)");
    }
    if (auto done = connection_.run(step->sql); !done) return fail(done.error());
    if (auto kept = record(part.subsystem, std::array{step->name}); !kept)
      return fail(kept.error());
    report_(fmt::format("{}: up to {}", part.subsystem, name));
  }
  return !missing.empty();
}

Result<bool> Migrator::up() {
  return locked([&]() -> Result<bool> {
    auto found = state();
    if (!found) return fail(found.error());
    if (found->needs_bootstrap) return fail(needs_bootstrap());
    if (auto pending = check_pending(*found); !pending) return fail(pending.error());
    bool changed = false;
    for (const SchemaPart& part : schema_parts()) {
      auto missing = std::ranges::find(found->available, part.subsystem, &Migrations::subsystem);
      if (missing == found->available.end()) continue;
      auto done = advance(part, missing->names);
      if (!done) return done;
      changed |= *done;
    }
    auto log = add_change_log();
    if (!log) return log;
    return changed || *log;
  });
}

Result<void> Migrator::check_pending(const SchemaState& found) const {
  if (found.pending.empty()) return {};
  return fail(
      "migrations.pending", Side::database,
      fmt::format("Kong has begun {} of {} and not finished it", found.pending[0].names[0],
                  found.pending[0].subsystem),
      "Run `kong migrations finish`: it rewrites rows in ways that only that version knows");
}

Result<bool> Migrator::finish() {
  return locked([&]() -> Result<bool> {
    auto found = state();
    if (!found) return fail(found.error());
    if (found->needs_bootstrap) return fail(needs_bootstrap());
    if (auto pending = check_pending(*found); !pending) return fail(pending.error());
    return false;
  });
}

Result<bool> Migrator::reset() {
  return locked([&]() -> Result<bool> {
    auto schema = change_log_schema(connection_);
    if (!schema) return fail(schema.error());
    std::string sql;
    bool any = false;
    for (std::string_view table : all_tables()) {
      std::string name = quote_name(table);
      auto there =
          connection_.query("SELECT to_regclass($1) IS NOT NULL", std::array<Parameter, 1>{name});
      if (!there) return fail(there.error());
      any |= there->at(0, 0) == "t";
      sql += fmt::format("DROP TABLE IF EXISTS {} CASCADE;\n", quote_name(table));
    }
    sql += fmt::format(
        "DROP FUNCTION IF EXISTS sync_tags(), batch_delete_expired_rows();\n"
        "DROP SCHEMA IF EXISTS {} CASCADE;\n",
        quote_name(*schema));
    if (!any) return false;
    if (auto done = connection_.run(sql); !done) return fail(done.error());
    return true;
  });
}

}  // namespace sallyport::postgres
