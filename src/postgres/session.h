// What Connection hides: one libpq session and the talk over it, every wait with a deadline. A
// session that has failed is closed at once, socket and all, and answers "link.lost" from then on.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "postgres/connection.h"
#include "postgres/libpq_handles.h"
#include "postgres/prepared_statements.h"
#include "postgres/socket_wait.h"
#include "postgres/tls_check.h"

namespace sallyport::postgres {

struct Connection::Session {
  // Sends one message of the simple protocol, or of the extended one when `parameters` is not null,
  // and reads everything that it brings. The last result, or the first error.
  Result<PgResult> talk(const std::string& sql, const std::span<const Parameter>* parameters,
                        TimePoint deadline);

  Result<std::vector<Notification>> take_notifications();

  // Statement limits, schema, and whether the server takes writes.
  Result<void> set_up(const LinkSettings& settings, TimePoint deadline);

  // The server has a while longer than its own statement_timeout to say that it gave up.
  TimePoint statement_deadline() const { return Clock::now() + limit + Milliseconds(500); }

  std::unique_ptr<TlsCheck> check;  // before `connection`: it must die later
  PgConn connection;
  LinkState state;
  Secret password;  // to keep it out of messages
  TimePoint opened = Clock::now();
  std::chrono::seconds max_age{0};
  Milliseconds limit{5000};
  std::optional<LinkSettings> watched;  // how to look for a sign of life while nothing comes
  int failures = 1;                     // of which so many in a row mean that there is none
  std::string constraint;
  std::string server_detail;
  bool in_transaction = false;  // one that Connection::begin() began: statements are prepared
  PreparedStatements prepared;

 private:
  struct Values;
  Result<int> send(const std::string& sql, const Values& values, TimePoint deadline);
  Result<PgResult> answer(TimePoint deadline);
  Result<void> flush(TimePoint deadline);
  Result<PgResult> next_result(TimePoint deadline);  // null after the last one
  // False when the deadline passed or, for a session that is watched, the server is gone.
  bool wait(WaitFor what, TimePoint deadline);
  bool consume();
  std::unexpected<Error> drop(std::string_view code, std::string detail);
  std::unexpected<Error> drop_silent(std::string_view doing);
  std::unexpected<Error> server_error(const PGresult* result);

  bool gone_ = false;
};

}  // namespace sallyport::postgres
