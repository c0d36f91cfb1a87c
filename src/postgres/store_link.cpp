#include "postgres/store_link.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/log.h"
#include "postgres/store_fault.h"

namespace sallyport::postgres {

StoreLink::StoreLink(LinkSettings settings, LinkHealth* health)
    : settings_(std::move(settings)), health_(health) {}

// A session that is idle and does not LISTEN has nothing to read, unless it has been closed or is
// about to be. A reload of the server's settings looks the same and costs one new session.
bool StoreLink::alive() const {
  pollfd entry{session_->socket(), POLLIN, 0};
  return ::poll(&entry, 1, 0) <= 0;
}

bool StoreLink::next_host() {
  if (settings_.hosts.size() < 2) return false;
  auto tried = std::ranges::find(settings_.hosts, state_.host);
  if (tried != settings_.hosts.end()) std::rotate(tried, tried + 1, settings_.hosts.end());
  return true;
}

bool StoreLink::feed_is_down() const {
  return health_ && health_->state() == LinkHealth::State::down;
}

// Shortly after a loss a short wait has to do: the Admin API refuses writes within a second.
Result<Connection> StoreLink::connect() {
  if (Clock::now() >= hurry_until_) return Connection::open(settings_, &state_);
  LinkSettings quick = settings_;
  quick.timeout = std::min(quick.timeout, kPatience);
  auto opened = Connection::open(quick, &state_);
  if (!opened) return opened;
  if (auto limited = opened->limit_statements(settings_.timeout); !limited) {
    return fail(limited.error());
  }
  return opened;
}

// What is sent and not acknowledged for so long is lost, whatever a statement may take; and what is
// acknowledged and not answered is, when the server shows no other sign of life.
void StoreLink::limit_silence() {
  const unsigned patience = static_cast<unsigned>(kPatience.count());
  setsockopt(session_->socket(), IPPROTO_TCP, TCP_USER_TIMEOUT, &patience, sizeof patience);
  session_->watch(settings_, 1);
}

void StoreLink::lose() {
  session_.reset();
  hurry_until_ = Clock::now() + kHurry;
}

Result<void> StoreLink::open_session() {
  auto opened = connect();
  retry_at_ = Clock::now() + kRetryAfter;
  if (!opened) {
    if (reachable_) log::error("admin: the database is out of reach: {}", opened.error().text());
    reachable_ = false;
    last_error_ = opened.error();
    return fail(last_error_);
  }
  if (!reachable_) log::notice("admin: the database is back");
  reachable_ = true;
  session_ = std::move(*opened);
  limit_silence();
  return {};
}

Result<void> StoreLink::ensure_session() {
  if (session_ && session_->too_old()) session_.reset();
  if (session_ && !alive()) lose();
  if (session_) return {};
  const bool away = feed_is_down();
  if (away && reachable_) {
    reachable_ = false;
    last_error_ = Error{"link.down", Side::database, Retry::later, "the database is out of reach",
                        "See the log, or `sallyport doctor`"};
  }
  // With a feed, its word is enough: it opens the link the moment that the database is back.
  bool known_up = health_ && health_->state() == LinkHealth::State::up;
  if (away || (!reachable_ && !known_up && Clock::now() < retry_at_)) return fail(last_error_);
  return open_session();
}

// A standby may have been promoted since it was last asked. One that was not is left for another
// host, but not when the feed has just found that there is no primary among them.
Result<void> StoreLink::ensure(Access access) {
  for (bool elsewhere = false;; elsewhere = true) {
    if (auto ready = ensure_session(); !ready) return ready;
    auto writable = session_->writable();
    if (!writable) return fail(writable.error());
    standby_ = !*writable;
    if (access == Access::read || *writable) return {};
    const bool last = elsewhere || feed_is_down();
    std::string server = fmt::format("{}:{}", state_.host, state_.port);
    if (last || !next_host()) {
      return fail("link.standby", Side::database,
                  fmt::format("PostgreSQL at {} is a standby, or set to refuse writes", server),
                  "Promote it (SELECT pg_promote()), or name the primary in pg_host", Retry::later);
    }
    lose();
  }
}

void StoreLink::note_loss(const Error& error) {
  lose();
  last_error_ = error;
  if (error.code == "link.read_only") next_host();
  if (error.code != "link.silent") return;
  if (reachable_) log::error("admin: {}", error.text());
  reachable_ = false;
  retry_at_ = Clock::now() + kRetryAfter;
  next_host();
  if (health_) health_->report_silence();
}

Result<Rows> StoreLink::talk(Access access, const Talk& talk) {
  for (int attempt = 0;; ++attempt) {
    auto ready = ensure(access);
    auto rows = ready ? talk(*session_) : Result<Rows>(fail(ready.error()));
    if (rows || !is_lost(rows.error())) return rows;
    Error error = rows.error();
    const bool had_session = session_.has_value() && error.code != "link.standby";
    if (!had_session) return fail(std::move(error));
    note_loss(error);
    const bool not_done = error.code == "link.read_only" || access != Access::write || !ready;
    if (!not_done) {
      return fail("link.undecided", Side::database, error.text(),
                  "Read the entity to see whether the write was carried out", Retry::later);
    }
    if (attempt > 0 || error.code == "link.silent") return fail(std::move(error));
  }
}

Result<Rows> StoreLink::talk_within(const Talk& talk) {
  if (!session_) return fail(last_error_);
  auto rows = talk(*session_);
  if (!rows && is_lost(rows.error())) note_loss(rows.error());
  return rows;
}

}  // namespace sallyport::postgres
