#include "postgres/connection.h"

#include <algorithm>

#include <fmt/format.h>

#include "postgres/host_resolver.h"
#include "postgres/host_tour.h"
#include "postgres/link_attempt.h"
#include "postgres/link_metrics.h"
#include "postgres/rows_handle.h"
#include "postgres/session.h"

namespace sallyport::postgres {

Result<Connection> Connection::open(const LinkSettings& settings, LinkState* state) {
  forget_libpq_environment();
  LinkState unseen;
  LinkState& seen = state != nullptr ? *state : unseen;
  seen = LinkState{};
  TimePoint deadline = Clock::now() + settings.timeout;
  auto files = usable_link_files(settings);
  if (!files) {
    count(LinkEvent::failed);
    return fail(files.error());
  }

  std::optional<Connection>
      standby;  // takes no writes: better than nothing, when nothing is better
  auto try_one = [&](const LinkTarget& target, TimePoint until, bool last) -> Result<bool> {
    auto reached = reach(settings, *files, target, until, seen);
    if (!reached) return fail(reached.error());
    auto session = std::make_unique<Session>();
    session->check = std::move(reached->check);
    session->connection = std::move(reached->connection);
    session->state = seen;
    session->password = settings.password;
    session->max_age = settings.max_age;
    session->limit = settings.timeout;
    auto ready = session->set_up(settings, until);
    seen = session->state;
    if (!ready) return fail(ready.error());
    bool wanted = !session->state.read_only || settings.role == LinkRole::read_only || last;
    if (wanted || !standby) standby = Connection(std::move(session));
    return wanted;
  };
  auto toured = tour_hosts(settings, deadline, try_one, seen);
  if (!standby) {
    count(LinkEvent::failed);
    return fail(toured.error());
  }
  count(LinkEvent::opened);
  standby->session_->state.failed = seen.failed;
  seen = standby->session_->state;
  return std::move(*standby);
}

Connection::Connection(std::unique_ptr<Session> session) : session_(std::move(session)) {}
Connection::Connection(Connection&&) noexcept = default;
Connection& Connection::operator=(Connection&&) noexcept = default;
Connection::~Connection() = default;

Result<Rows> Connection::query(std::string_view sql, std::span<const Parameter> parameters) {
  auto result = session_->talk(std::string(sql), &parameters, session_->statement_deadline());
  if (!result) return fail(result.error());
  auto handle = std::make_shared<Rows::Handle>();
  handle->result = std::move(*result);
  Rows rows;
  if (handle->result) rows.handle_ = std::move(handle);
  return rows;
}

Result<void> Connection::run(std::string_view script) {
  auto result = session_->talk(std::string(script), nullptr, session_->statement_deadline());
  if (!result) return fail(result.error());
  return {};
}

Result<void> Connection::begin(std::string_view mode) {
  auto begun = run(fmt::format("BEGIN {}", mode));
  session_->in_transaction = begun.has_value();
  return begun;
}

// What was prepared goes in the same message: behind a pooler the next one may reach another
// server.
Result<void> Connection::end(std::string_view first, std::string_view then) {
  session_->in_transaction = false;
  return run(fmt::format("{}{}{}", first, session_->prepared.forget(), then));
}

Result<void> Connection::commit() {
  auto ended = end("", "COMMIT");
  if (!ended && usable()) (void)run("ROLLBACK");  // it may still be open, and failed
  return ended;
}

Result<void> Connection::rollback() {
  return end("ROLLBACK; ", "");
}

Result<void> Connection::limit_statements(Milliseconds limit) {
  std::string statement = std::to_string(limit.count());
  std::string lock = std::to_string(std::max<int64_t>(limit.count() * 4 / 5, 1));
  std::array<Parameter, 2> parameters{statement, lock};
  auto set = query(
      "SELECT set_config('statement_timeout', $1, false), set_config('lock_timeout', $2, false)",
      parameters);
  if (!set) return fail(set.error());
  session_->limit = limit;
  return {};
}

void Connection::watch(const LinkSettings& settings, int failures) {
  session_->watched = settings;
  session_->failures = failures;
}

Result<void> Connection::ping(Milliseconds within) {
  auto answered = session_->talk("SELECT 1", nullptr, Clock::now() + within);
  if (!answered) return fail(answered.error());
  return {};
}

Result<bool> Connection::writable() {
  if (!session_->state.read_only) return true;
  auto shown = query("SHOW transaction_read_only");
  if (!shown) return fail(shown.error());
  session_->state.read_only = shown->size() == 1 && shown->at(0, 0) == "on";
  return !session_->state.read_only;
}

const std::string& Connection::constraint() const {
  return session_->constraint;
}
const std::string& Connection::server_detail() const {
  return session_->server_detail;
}

int Connection::socket() const {
  return session_->connection ? PQsocket(session_->connection.get()) : -1;
}

Result<std::vector<Notification>> Connection::notifications() {
  return session_->take_notifications();
}

const LinkState& Connection::state() const {
  return session_->state;
}
TimePoint Connection::opened_at() const {
  return session_->opened;
}

bool Connection::usable() const {
  return session_ && session_->connection != nullptr;
}

bool Connection::too_old() const {
  return session_->max_age.count() > 0 && Clock::now() - session_->opened >= session_->max_age;
}

}  // namespace sallyport::postgres
