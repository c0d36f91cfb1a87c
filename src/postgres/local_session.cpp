#include "postgres/local_session.h"

#include <utility>

#include <fmt/format.h>
#include <libpq-fe.h>
#include <unistd.h>

#include "base/text.h"

namespace sallyport::postgres {

struct LocalSession::Handle {
  ~Handle() { PQfinish(connection); }
  PGconn* connection = nullptr;
};

namespace {

// Peer authentication looks at the effective user of connect(2).
class ActAs {
 public:
  explicit ActAs(uid_t user) : before_(geteuid()) {
    acting_ = before_ == user || seteuid(user) == 0;
  }
  ~ActAs() {
    if (seteuid(before_) != 0) _exit(1);  // never go on as somebody else
  }
  bool acting() const { return acting_; }

 private:
  uid_t before_;
  bool acting_;
};

}  // namespace

LocalSession::LocalSession(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}
LocalSession::LocalSession(LocalSession&&) noexcept = default;
LocalSession& LocalSession::operator=(LocalSession&&) noexcept = default;
LocalSession::~LocalSession() = default;

Result<LocalSession> LocalSession::open(const std::string& socket_directory, int port, uid_t as,
                                        const std::string& role, const std::string& database) {
  std::string number = std::to_string(port);
  // Every source of settings that libpq would read by itself is named and emptied.
  const char* keys[] = {
      "host",     "port",    "user",     "dbname",          "sslmode",          "gssencmode",
      "passfile", "options", "password", "connect_timeout", "application_name", "client_encoding",
      nullptr};
  const char* values[] = {socket_directory.c_str(),
                          number.c_str(),
                          role.c_str(),
                          database.c_str(),
                          "disable",
                          "disable",
                          "/nonexistent/passfile",
                          "-c statement_timeout=10000",
                          "",
                          "10",
                          "sallyport setup",
                          "UTF8",
                          nullptr};
  auto handle = std::make_unique<Handle>();
  {
    ActAs user(as);
    if (!user.acting()) {
      return fail("local.user", Side::config,
                  fmt::format("only root or the server's own user (uid {}) may do this", as),
                  "run the command with sudo");
    }
    handle->connection = PQconnectdbParams(keys, values, 0);
  }
  if (PQstatus(handle->connection) != CONNECTION_OK) {
    return fail("local.connect", Side::database,
                std::string(text::trim(PQerrorMessage(handle->connection))),
                fmt::format("is the server running, and does pg_hba.conf have a line `local all {} "
                            "peer`?",
                            role));
  }
  return LocalSession(std::move(handle));
}

Result<std::vector<LocalSession::Row>> LocalSession::query(const std::string& sql,
                                                           const std::vector<std::string>& values) {
  std::vector<const char*> bound;
  for (const std::string& value : values) bound.push_back(value.c_str());
  PGresult* result = PQexecParams(handle_->connection, sql.c_str(), static_cast<int>(bound.size()),
                                  nullptr, bound.data(), nullptr, nullptr, 0);
  std::unique_ptr<PGresult, decltype(&PQclear)> guard(result, PQclear);
  ExecStatusType status = PQresultStatus(result);
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
    return fail("local.statement", Side::database,
                std::string(text::trim(PQresultErrorMessage(result))));
  }
  std::vector<Row> rows;
  for (int i = 0; i < PQntuples(result); ++i) {
    Row& row = rows.emplace_back();
    for (int k = 0; k < PQnfields(result); ++k) row.emplace_back(PQgetvalue(result, i, k));
  }
  return rows;
}

}  // namespace sallyport::postgres
