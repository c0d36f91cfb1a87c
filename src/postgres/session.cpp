#include "postgres/session.h"

#include <algorithm>
#include <mutex>
#include <set>

#include <fmt/format.h>
#include <openssl/ssl.h>

#include "postgres/link_metrics.h"
#include "postgres/link_refusal.h"
#include "postgres/sign_of_life.h"

namespace sallyport::postgres {
namespace {

constexpr Milliseconds kLook{50};  // how often a wait that is watched looks around

// "sql.23505", as a string that lives as long as the process. A server that invents codes fills no
// memory: there is an end to them.
std::string_view sql_code(std::string_view sqlstate) {
  static std::mutex mutex;
  static std::set<std::string> codes;
  std::lock_guard lock(mutex);
  auto found = codes.find("sql." + std::string(sqlstate));
  if (found != codes.end()) return *found;
  if (codes.size() > 500 || sqlstate.size() != 5) return "sql.other";
  return *codes.insert("sql." + std::string(sqlstate)).first;
}

std::string field(const PGresult* result, int code) {
  const char* text = PQresultErrorField(result, code);
  return text == nullptr ? "" : text;
}

// After these the server has closed the session, or is about to.
bool ends_session(std::string_view sqlstate) {
  return sqlstate.starts_with("08") || sqlstate.starts_with("57P") || sqlstate == "25P03";
}

}  // namespace

// Parameters as libpq wants them: terminated.
struct Connection::Session::Values {
  explicit Values(std::span<const Parameter> parameters) {
    copies.reserve(parameters.size());
    for (const Parameter& parameter : parameters) {
      if (parameter) copies.emplace_back(*parameter);
      pointers.push_back(parameter ? copies.back().c_str() : nullptr);
    }
  }
  int count() const { return static_cast<int>(pointers.size()); }

  std::vector<std::string> copies;
  std::vector<const char*> pointers;
};

Result<PgResult> Connection::Session::talk(const std::string& sql,
                                           const std::span<const Parameter>* parameters,
                                           TimePoint deadline) {
  constraint.clear();
  server_detail.clear();
  if (!connection) return drop("link.lost", "the session is closed");
  Result<int> sent = parameters == nullptr ? PQsendQuery(connection.get(), sql.c_str())
                                           : send(sql, Values(*parameters), deadline);
  if (!sent) return fail(sent.error());
  if (*sent == 0) return drop("link.lost", PQerrorMessage(connection.get()));
  return answer(deadline);
}

Result<int> Connection::Session::send(const std::string& sql, const Values& values,
                                      TimePoint deadline) {
  using Use = PreparedStatements::Use;
  Use use = in_transaction ? prepared.next_use(sql) : Use::plain;
  if (use == Use::plain) {
    return PQsendQueryParams(connection.get(), sql.c_str(), values.count(), nullptr,
                             values.pointers.data(), nullptr, nullptr, /*resultFormat=*/0);
  }
  const char* name = prepared.name(sql).c_str();
  if (use == Use::prepare) {
    if (PQsendPrepare(connection.get(), name, sql.c_str(), values.count(), nullptr) == 0) return 0;
    if (auto done = answer(deadline); !done) return fail(done.error());
    prepared.mark_prepared(sql);
  }
  return PQsendQueryPrepared(connection.get(), name, values.count(), values.pointers.data(),
                             nullptr, nullptr, /*resultFormat=*/0);
}

Result<PgResult> Connection::Session::answer(TimePoint deadline) {
  if (auto flushed = flush(deadline); !flushed) return fail(flushed.error());
  PgResult last;
  std::optional<Error> error;
  for (;;) {
    auto result = next_result(deadline);
    if (!result) return fail(result.error());
    if (!*result) break;
    switch (PQresultStatus(result->get())) {
      case PGRES_COMMAND_OK:
      case PGRES_TUPLES_OK:
      case PGRES_EMPTY_QUERY:
        last = std::move(*result);
        break;
      case PGRES_FATAL_ERROR:
      case PGRES_NONFATAL_ERROR:
      case PGRES_BAD_RESPONSE:
        if (!error) error = server_error(result->get()).error();
        if (!connection) return fail(std::move(*error));
        break;
      default:  // COPY: nobody here speaks it, and the session would wait for data
        return drop("link.lost", "the statement began a COPY, which is not supported");
    }
  }
  if (error) return fail(std::move(*error));
  return last;
}

Result<void> Connection::Session::flush(TimePoint deadline) {
  for (;;) {
    int left = PQflush(connection.get());
    if (left == 0) return {};
    if (left < 0) return drop("link.lost", PQerrorMessage(connection.get()));
    // The server may be stuck sending to us: read, or both wait for ever.
    if (!wait(WaitFor::either, deadline)) return drop_silent("sending a statement");
    if (!consume()) return drop("link.lost", PQerrorMessage(connection.get()));
  }
}

Result<PgResult> Connection::Session::next_result(TimePoint deadline) {
  while (PQisBusy(connection.get()) != 0) {
    if (!wait(WaitFor::read, deadline)) return drop_silent("waiting for the answer to a statement");
    if (!consume()) return drop("link.lost", PQerrorMessage(connection.get()));
  }
  return PgResult(PQgetResult(connection.get()));
}

bool Connection::Session::wait(WaitFor what, TimePoint deadline) {
  const int socket = PQsocket(connection.get());
  if (!watched) return wait_for(socket, what, deadline);
  std::optional<SignOfLife> sign;
  while (!wait_for(socket, what, std::min(deadline, Clock::now() + kLook))) {
    if (Clock::now() >= deadline) return false;
    if (!sign) sign.emplace(*watched, state, failures);
    gone_ = sign->missing();
    if (gone_) return false;
  }
  return true;
}

std::unexpected<Error> Connection::Session::drop_silent(std::string_view doing) {
  if (!gone_) return drop("link.timeout", fmt::format("timeout expired, {}", doing));
  return drop("link.silent", fmt::format("the server no longer says anything, {}", doing));
}

// Decrypted bytes may stay inside OpenSSL, for which poll() never wakes: read until there are none.
bool Connection::Session::consume() {
  auto* ssl = static_cast<SSL*>(PQgetssl(connection.get()));
  do {
    if (PQconsumeInput(connection.get()) == 0) return false;
  } while (ssl != nullptr && SSL_pending(ssl) > 0);
  return true;
}

std::unexpected<Error> Connection::Session::drop(std::string_view code, std::string detail) {
  if (connection) {
    if (code == "link.timeout" || code == "link.silent") count(LinkEvent::timeout);
    count(code == "link.read_only" ? LinkEvent::read_only : LinkEvent::lost);
  }
  std::string text = clean_text(detail, password);
  connection.reset();
  return fail(code, Side::database,
              fmt::format("session with PostgreSQL at {}:{}: {}", state.host, state.port, text), "",
              Retry::later);
}

std::unexpected<Error> Connection::Session::server_error(const PGresult* result) {
  std::string sqlstate = field(result, PG_DIAG_SQLSTATE);
  std::string message = field(result, PG_DIAG_MESSAGE_PRIMARY);
  constraint = field(result, PG_DIAG_CONSTRAINT_NAME);
  server_detail = field(result, PG_DIAG_MESSAGE_DETAIL);
  if (sqlstate.empty()) return drop("link.lost", PQresultErrorMessage(result));
  if (sqlstate == "25006") {
    return drop("link.read_only", message + ": it is a standby now, after a failover?");
  }
  if (ends_session(sqlstate)) return drop("link.lost", message);
  return fail(sql_code(sqlstate), Side::database,
              fmt::format("PostgreSQL: {} (SQLSTATE {})", clean_text(message, password), sqlstate));
}

Result<std::vector<Notification>> Connection::Session::take_notifications() {
  if (!connection) return drop("link.lost", "the session is closed");
  if (!consume()) return drop("link.lost", PQerrorMessage(connection.get()));
  std::vector<Notification> taken;
  struct Free {
    void operator()(PGnotify* notify) const { PQfreemem(notify); }
  };
  while (std::unique_ptr<PGnotify, Free> notify{PQnotifies(connection.get())}) {
    taken.push_back({notify->relname, notify->extra == nullptr ? "" : notify->extra});
  }
  return taken;
}

Result<void> Connection::Session::set_up(const LinkSettings& settings, TimePoint deadline) {
  state.stage = LinkStage::session;
  PQsetnonblocking(connection.get(), 1);
  int64_t statement = settings.timeout.count();
  // A lock that is waited for gives up first, so that the error names the lock.
  std::string sql = fmt::format(
      "SET timezone = 'UTC'; SET statement_timeout = {}; SET lock_timeout = {}; "
      "SET idle_in_transaction_session_timeout = 60000; ",
      statement, std::max<int64_t>(statement * 4 / 5, 1));
  if (!settings.schema.empty()) {
    std::unique_ptr<char, decltype(&PQfreemem)> literal(
        PQescapeLiteral(connection.get(), settings.schema.c_str(), settings.schema.size()),
        PQfreemem);
    if (!literal) return drop("link.lost", PQerrorMessage(connection.get()));
    sql += fmt::format("SET SCHEMA {}; ", literal.get());
  }
  sql += "SHOW transaction_read_only";
  auto result = talk(sql, nullptr, deadline);
  if (!result) return fail(result.error());
  state.read_only =
      PQntuples(result->get()) == 1 && std::string_view(PQgetvalue(result->get(), 0, 0)) == "on";
  const char* version = PQparameterStatus(connection.get(), "server_version");
  state.server_version = version == nullptr ? "" : version;
  state.stage = LinkStage::ready;
  return {};
}

}  // namespace sallyport::postgres
