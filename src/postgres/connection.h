// One session with PostgreSQL, over TLS as the settings demand. Nothing — no startup packet, no
// password — is sent to a server that has not passed every check. Control thread (or a command's
// main thread); every call is bounded by a deadline of ours. Move-only; closing is the destructor.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "postgres/link_settings.h"
#include "postgres/link_state.h"

namespace sallyport::postgres {

// A bound parameter: text form, or NULL.
using Parameter = std::optional<std::string_view>;

class Rows {
 public:
  Rows() = default;
  size_t size() const;
  size_t columns() const;
  std::string_view column_name(size_t column) const;
  bool is_null(size_t row, size_t column) const;
  std::string_view at(size_t row, size_t column) const;  // "" for NULL; lives as long as Rows
  int64_t affected() const;                              // of an INSERT, UPDATE, DELETE

 private:
  friend class Connection;
  struct Handle;
  std::shared_ptr<const Handle> handle_;
};

struct Notification {
  std::string channel;
  std::string payload;
};

class Connection {
 public:
  // Tries each host in turn within settings.timeout over all. `state`, when given, is filled with
  // what was learned on the way, also after a failure.
  static Result<Connection> open(const LinkSettings& settings, LinkState* state = nullptr);

  Connection(Connection&&) noexcept;
  Connection& operator=(Connection&&) noexcept;
  ~Connection();

  // One statement with bound parameters. Error codes: "sql.<SQLSTATE>" (Side::database) for what
  // the server said; "link.lost", "link.timeout" and "link.read_only" (25006: a failover has made
  // it a standby) when the session is gone: drop the Connection. A statement may take
  // settings.timeout. `constraint` and `server_detail` of the last failed statement follow below;
  // the detail may hold values of rows.
  Result<Rows> query(std::string_view sql, std::span<const Parameter> parameters = {});
  const std::string& constraint() const;
  const std::string& server_detail() const;

  // Statements without parameters, several allowed: migrations.
  Result<void> run(std::string_view script);

  // A transaction of many statements, in which one that comes again is prepared. `mode` follows
  // BEGIN ("ISOLATION LEVEL …"). When commit() fails, nothing is known of the outcome if the
  // session is gone, and nothing was done otherwise.
  Result<void> begin(std::string_view mode = "");
  Result<void> commit();
  Result<void> rollback();

  // Another limit for the statements to come: migrations take longer than pg_timeout.
  Result<void> limit_statements(Milliseconds limit);

  // From now on a statement is given up when the server turns out to be gone (sign_of_life.h), with
  // "link.silent", long before pg_timeout. `settings` are those that opened the session.
  void watch(const LinkSettings& settings, int failures);
  // Whether the server answers at all; the session is done with when it does not.
  Result<void> ping(Milliseconds within);
  // Asks a server that was a standby, or refused writes, once more; false while it does.
  Result<bool> writable();

  // LISTEN sessions: wait for readability of socket(), then take what has arrived. After an error
  // drop the Connection.
  int socket() const;
  Result<std::vector<Notification>> notifications();

  const LinkState& state() const;
  TimePoint opened_at() const;
  bool too_old() const;  // past settings.max_age
  bool usable() const;   // false once the session is gone

 private:
  struct Session;
  explicit Connection(std::unique_ptr<Session> session);
  Result<void> end(std::string_view first, std::string_view then);
  std::unique_ptr<Session> session_;
};

}  // namespace sallyport::postgres
