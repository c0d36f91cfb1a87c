// What the role finds in its database.
#include <fmt/format.h>

#include "doctor/checks/tables.h"
#include "doctor/checks/wording.h"
#include "doctor/evidence.h"

namespace sallyport::doctor {
namespace {

bool no_session(const Evidence& e, Findings& out) {
  if (e.outcome.connected) return false;
  out.skip({}, "there is no session");
  return true;
}

// The value of a fact; null, with the server's refusal as a finding, when it could not be read.
const std::string* fact(const Evidence& e, const std::string& name, Findings& out) {
  const std::string* value = e.server.find(name);
  if (value != nullptr) return value;
  auto refusal = e.server.refusals.find(name);
  out.skip({}, refusal == e.server.refusals.end() ? "the server did not say" : refusal->second);
  return nullptr;
}

void schema(const Evidence& e, Findings& out) {
  if (no_session(e, out)) return;
  const std::string& wanted = e.settings->schema;
  const std::string* name = fact(e, "schema.name", out);
  if (name == nullptr) return;
  std::string setting = setting_name(e.settings->role, "pg_schema");
  if (name->empty()) {
    std::string missing = wanted.empty() ? "the search path of the role leads to no schema"
                                         : fmt::format("the schema \"{}\" does not exist", wanted);
    std::string create = wanted.empty() ? "public" : wanted;
    return out.warn(setting, missing, "there is no place for the tables",
                    fmt::format("on the server: create schema \"{}\" authorization \"{}\"", create,
                                e.settings->user));
  }
  const std::string* usage = e.server.find("schema.usage");
  const std::string* create = e.server.find("schema.create");
  bool can_use = usage != nullptr && *usage == "t";
  bool can_create = create != nullptr && *create == "t";
  std::string seen = fmt::format("schema \"{}\"", *name);
  if (!can_use) {
    return out.warn(setting, seen, fmt::format("the role \"{}\" may not use it", e.settings->user),
                    fmt::format("on the server: grant usage, create on schema \"{}\" to \"{}\"",
                                *name, e.settings->user));
  }
  if (!can_create) {
    return out.warn(
        setting, seen,
        fmt::format("the role \"{}\" may not create tables in it (since PostgreSQL 15 "
                    "only the owner may in public): migrations will fail",
                    e.settings->user),
        fmt::format("on the server: grant create on schema \"{}\" to \"{}\", or make it "
                    "the owner of the database",
                    *name, e.settings->user));
  }
  out.ok(setting, seen + ", usage and create granted");
}

void migrations(const Evidence& e, Findings& out) {
  if (no_session(e, out)) return;
  const std::string* state = fact(e, "migrations", out);
  if (state == nullptr) return;
  const std::string* detail = e.server.find("migrations.detail");
  std::string seen = detail != nullptr ? *detail : *state;
  if (*state == "current") return out.ok({}, seen);
  if (*state == "empty") {
    return out.warn({}, seen, "the gateway's tables are not made yet",
                    "sallyport migrations bootstrap -c FILE");
  }
  if (*state == "unknown") {
    return out.warn({}, seen, "a newer Kong has migrated this database further than is known here",
                    "use the version of the gateway that belongs to it, or another database");
  }
  out.warn({}, seen, "the tables are older than this program expects",
           "sallyport migrations up -c FILE");
}

void writable(const Evidence& e, Findings& out) {
  if (no_session(e, out)) return;
  const std::string* recovery = fact(e, "recovery", out);
  if (recovery == nullptr) return;
  const std::string* read_only = e.server.find("read_only");
  bool reads = e.settings->role == postgres::LinkRole::read_only;
  if (*recovery == "t") {
    if (reads) return out.ok({}, "a standby, which is good for the read-only link");
    return out.warn({}, "the server is a standby (in recovery)",
                    "nothing can be written: the Admin API answers 503 (error 25006)",
                    "put the primary first in pg_host, or promote this server");
  }
  if (read_only != nullptr && *read_only == "on" && !reads) {
    return out.warn({}, "default_transaction_read_only = on",
                    "nothing can be written with this role on this server",
                    fmt::format("on the server: alter role \"{}\" reset "
                                "default_transaction_read_only",
                                e.settings->user));
  }
  out.ok({}, "the server takes writes");
}

constexpr Check kChecks[] = {
    {"db.schema", Stage::database, "The schema exists and can be used",
     "The tables live in pg_schema, or in the first schema of the role's search path. The role "
     "needs USAGE on it, and CREATE for migrations. Since PostgreSQL 15 the schema public lets "
     "only the owner of the database create tables.",
     schema},
    {"db.migrations", Stage::database, "The tables are there and current",
     "schema_meta records which migrations have run. `sallyport migrations bootstrap` makes the "
     "tables in an empty database, `sallyport migrations up` brings older ones up to date.",
     migrations},
    {"db.writable", Stage::database, "The database can be written",
     "A standby, or a role with default_transaction_read_only, serves reads: the gateway starts "
     "and routes, and the Admin API cannot change anything.",
     writable},
};

}  // namespace

std::span<const Check> database_checks() {
  return kChecks;
}

}  // namespace sallyport::doctor
