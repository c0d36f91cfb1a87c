// The change log: a table in a schema of ours that row triggers on the configuration tables fill,
// whoever writes. A reader keeps a Position, the PostgreSQL snapshot of its last read, and gets
// exactly the entries of transactions that have become visible since; so order of sequence numbers
// and order of commits may differ (docs/adr/0010-change-feed.md). Functions on a session that the
// caller owns.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "postgres/connection.h"

namespace sallyport::postgres {

// Of the schema in which this session finds Kong's tables: "sallyport" for public, otherwise
// "sallyport_<schema>". Also the channel of its notifications.
Result<std::string> change_log_schema(Connection& connection);

struct ChangeLogState {
  bool possible = true;    // the server is PostgreSQL 13 or later
  bool installed = false;  // table and triggers are there, in the form that this program knows
  bool readable = false;   // and this role may read and prune it
  std::vector<std::string> untracked;   // configuration tables without our triggers
  std::vector<std::string> migrations;  // ours that have run
};

Result<ChangeLogState> inspect_change_log(Connection& connection, const std::string& schema);

// Makes what is missing of table, functions and triggers. Inside a transaction of the caller's.
Result<void> install_change_log(Connection& connection, const std::string& schema);

// Our own migrations, oldest first.
std::span<const std::string_view> change_log_migrations();

struct LogEntry {
  std::string table;
  std::string id;
  bool truncated = false;  // all rows of the table are gone; `id` is empty
};

struct LogRead {
  std::string position;           // pg_snapshot of this read
  std::vector<LogEntry> entries;  // each row once
  int64_t sequence = 0;           // of the newest entry; 0: none
  double age = 0;                 // seconds since the newest entry was written
  double server_time = 0;         // Unix seconds
};

// Everything that has become visible since `position`; only position and time when that is empty.
// Run it as the first statement of a REPEATABLE READ transaction, and what follows sees the same.
Result<LogRead> read_change_log(Connection& connection, const std::string& schema,
                                const std::string& position);

// Deletes what was visible at `position`. Returns how many.
Result<int64_t> prune_change_log(Connection& connection, const std::string& schema,
                                 const std::string& position);

}  // namespace sallyport::postgres
