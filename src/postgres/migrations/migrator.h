// Brings a database to the schema that this program reads: Kong 3.10's tables, and the change log
// in a schema of our own. Every step is one transaction under an advisory lock: a crash leaves the
// state before or after it, and of two nodes one waits. Used by commands and at start; blocking.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/json_fwd.h"
#include "postgres/connection.h"

namespace sallyport::postgres {

struct SchemaPart;

// Migrations of one subsystem ("core", "key-auth"), oldest first.
struct Migrations {
  std::string subsystem;
  std::vector<std::string> names;
};

struct SchemaState {
  bool needs_bootstrap = true;        // nobody has made Kong's tables here yet
  std::vector<Migrations> executed;   // as schema_meta says
  std::vector<Migrations> pending;    // Kong ran `up` and not yet `finish`
  std::vector<Migrations> available;  // what `up` would run
  std::vector<Migrations> unknown;    // of a newer Kong than 3.10
  std::vector<Migrations> foreign;    // of plugins that this program does not know
  bool change_log = false;            // ours is there, complete and current
  bool change_log_possible = true;    // the server has what it needs (PostgreSQL 13)

  // Rows can be read and written: the database is at least what Kong 3.9 leaves.
  bool usable() const;
  // Nothing is left to do.
  bool current() const { return !needs_bootstrap && pending.empty() && available.empty(); }
  Json to_json() const;
};

class Migrator {
 public:
  // `connection` outlives the migrator. `report` gets one line for a human at each step.
  Migrator(Connection& connection, Milliseconds lock_timeout,
           std::function<void(const std::string&)> report);

  Result<SchemaState> state();

  // Each returns true when it changed something, false when nothing was to do.
  // Errors: "migrations.locked" when another node held the lock for longer than the timeout,
  // "migrations.too_old", "migrations.pending", "migrations.conflict" (a foreign table is in the
  // way), "migrations.rights".
  Result<bool> bootstrap(const std::string& schema);
  Result<bool> up();
  Result<bool> finish();
  // Drops every table of Kong's and ours with all rows.
  Result<bool> reset();

 private:
  Result<bool> locked(const std::function<Result<bool>()>& step);
  Result<bool> lock();
  std::string lock_holder();
  Result<void> make_schema(const std::string& schema);
  Result<void> make_part(const SchemaPart& part);
  Result<bool> advance(const SchemaPart& part, const std::vector<std::string>& missing);
  Result<void> record(std::string_view subsystem, std::span<const std::string_view> names);
  Result<bool> add_change_log();
  Result<void> check_pending(const SchemaState& found) const;

  Connection& connection_;
  Milliseconds lock_timeout_;
  std::function<void(const std::string&)> report_;
};

}  // namespace sallyport::postgres
