#include "doctor/queries.h"

#include <fmt/format.h>

#include "base/text.h"
#include "postgres/migrations/migrator.h"

namespace sallyport::doctor {
namespace {

using postgres::Connection;
using postgres::Rows;

// A question with one row as answer; its columns are the facts `<prefix>.<column>`, or `<prefix>`
// alone for a column of that name.
struct Question {
  const char* prefix;
  const char* sql;
};

constexpr Question kQuestions[] = {
    {"ssl",
     "select ssl as used, version, cipher, bits, client_dn, client_serial::text as client_serial, "
     "issuer_dn from pg_stat_ssl where pid = pg_backend_pid()"},
    {"role",
     "select rolsuper as superuser, rolcreaterole as createrole, rolreplication as replication, "
     "rolbypassrls as bypassrls, extract(epoch from rolvaliduntil) as password_until "
     "from pg_roles where rolname = current_user"},
    {"schema",
     "select coalesce(s, '') as name, has_schema_privilege(s, 'usage') as usage, "
     "has_schema_privilege(s, 'create') as create from (select current_schema() as s) as q"},
    {"recovery", "select pg_is_in_recovery() as recovery"},
    {"read_only", "select current_setting('transaction_read_only') as read_only"},
    {"connections",
     "select count(*) as connections from pg_stat_activity where backend_type = "
     "'client backend'"},
};

constexpr const char* kSettings =
    "select name, setting from pg_settings where name in ('ssl', 'ssl_library', "
    "'ssl_min_protocol_version', 'ssl_max_protocol_version', 'ssl_ca_file', 'ssl_crl_file', "
    "'ssl_crl_dir', 'password_encryption', 'max_connections', 'server_version_num')";

// Asking without the right would leave an error in the server's log at every run.
constexpr const char* kMayReadHba =
    "select has_table_privilege('pg_hba_file_rules', 'select') and "
    "has_function_privilege('pg_hba_file_rules()', 'execute')";
constexpr const char* kHbaRules =
    "select type, database::text, user_name::text, coalesce(address || coalesce('/' || netmask, "
    "''),"
    " ''), auth_method, coalesce(options::text, '') from pg_hba_file_rules where error is null "
    "order by line_number";

bool lost(const Error& error) {
  return error.code == "link.lost" || error.code == "link.timeout";
}

// False when the session is gone.
bool ask(Connection& connection, const Question& question, ServerFacts& out) {
  auto rows = connection.query(question.sql);
  if (!rows) {
    out.refusals[question.prefix] = rows.error().detail;
    return !lost(rows.error());
  }
  if (rows->size() == 0) return true;
  for (size_t column = 0; column < rows->columns(); ++column) {
    if (rows->is_null(0, column)) continue;
    std::string name(rows->column_name(column));
    if (name != question.prefix) name = fmt::format("{}.{}", question.prefix, name);
    out.values[name] = std::string(rows->at(0, column));
  }
  return true;
}

bool ask_settings(Connection& connection, ServerFacts& out) {
  auto rows = connection.query(kSettings);
  if (!rows) return !lost(rows.error());
  for (size_t row = 0; row < rows->size(); ++row) {
    out.values[fmt::format("setting.{}", rows->at(row, 0))] = std::string(rows->at(row, 1));
  }
  return true;
}

bool ask_hba(Connection& connection, ServerFacts& out) {
  auto allowed = connection.query(kMayReadHba);
  if (!allowed) return !lost(allowed.error());
  if (allowed->size() == 0 || allowed->at(0, 0) != "t") {
    out.refusals["hba"] = "the role may not read pg_hba_file_rules";
    return true;
  }
  auto rows = connection.query(kHbaRules);
  if (!rows) {
    out.refusals["hba"] = rows.error().detail;
    return !lost(rows.error());
  }
  for (size_t row = 0; row < rows->size(); ++row) {
    auto& line = out.hba.emplace_back();
    for (size_t column = 0; column < rows->columns(); ++column) {
      line.emplace_back(rows->at(row, column));
    }
  }
  return true;
}

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// PostgreSQL 16 and later tell how a session was authenticated: "scram-sha-256:kong".
bool ask_method(Connection& connection, ServerFacts& out) {
  const std::string* version = out.find("setting.server_version_num");
  auto number = version != nullptr ? text::to_integer(*version) : std::nullopt;
  if (!number || *number < 160000) return true;
  return ask(connection, {"system_user", "select system_user as system_user"}, out);
}

bool ask_clock(Connection& connection, ServerFacts& out) {
  double before = seconds_now();
  auto rows = connection.query("select extract(epoch from clock_timestamp())");
  double after = seconds_now();
  if (!rows) return !lost(rows.error());
  auto theirs = rows->size() > 0 ? text::to_number(rows->at(0, 0)) : std::nullopt;
  if (theirs) out.values["clock.skew"] = fmt::format("{:.3f}", *theirs - (before + after) / 2);
  return true;
}

size_t count(const std::vector<postgres::Migrations>& all) {
  size_t n = 0;
  for (const postgres::Migrations& subsystem : all) n += subsystem.names.size();
  return n;
}

void ask_migrations(Connection& connection, ServerFacts& out) {
  postgres::Migrator migrator(connection, Milliseconds(1000), [](const std::string&) {});
  auto state = migrator.state();
  if (!state) {
    out.refusals["migrations"] = state.error().detail;
    return;
  }
  std::string_view word = state->needs_bootstrap    ? "empty"
                          : !state->unknown.empty() ? "unknown"
                          : !state->current()       ? "old"
                                                    : "current";
  out.values["migrations"] = word;
  out.values["migrations.detail"] =
      state->needs_bootstrap
          ? "the schema is not bootstrapped"
          : fmt::format("{} migrations executed, {} pending, {} to run, {} unknown",
                        count(state->executed), count(state->pending), count(state->available),
                        count(state->unknown));
}

}  // namespace

ServerFacts ask_server(Connection& connection) {
  ServerFacts out;
  for (const Question& question : kQuestions) {
    if (!ask(connection, question, out)) return out;
  }
  if (ask_settings(connection, out) && ask_method(connection, out) && ask_clock(connection, out) &&
      ask_hba(connection, out)) {
    ask_migrations(connection, out);
  }
  return out;
}

}  // namespace sallyport::doctor
