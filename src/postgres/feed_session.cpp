#include "postgres/feed_session.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/log.h"
#include "postgres/sql_text.h"

namespace sallyport::postgres {
namespace {

using model::ChangeBatch;

// Entries are kept this long, in the server's time. A node that slept for half of it reads all.
constexpr double kRetention = 600;
constexpr double kMarkEvery = 60;
// So many signs of life may be missed before a new session is tried: it has to read all rows.
constexpr int kFailures = 3;
// Above this many changed rows, reading all is no dearer.
constexpr size_t kManyChanges = 20000;

constexpr const char* kBegin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

void append(ChangeBatch& batch, const FollowedEntity& followed, const Rows& rows) {
  batch.changes.reserve(batch.changes.size() + rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    batch.changes.push_back(
        {followed.entity, std::string(rows.at(i, 1)), std::string(rows.at(i, 0))});
  }
}

Result<bool> is_primary(Connection& connection) {
  auto rows = connection.query("SELECT NOT pg_is_in_recovery()");
  if (!rows) return fail(rows.error());
  return rows->at(0, 0) == "t";
}

}  // namespace

FeedSession::FeedSession(Connection connection, std::span<const FollowedEntity> entities)
    : connection_(std::move(connection)), entities_(entities) {}

Result<FeedSession> FeedSession::open(LinkSettings settings,
                                      std::span<const FollowedEntity> entities, LinkState* state) {
  for (size_t left = std::max<size_t>(settings.hosts.size(), 1);; --left) {
    auto connection = Connection::open(settings, state);
    if (!connection) return fail(connection.error());
    auto primary = is_primary(*connection);
    if (!primary) return fail(primary.error());
    if (*primary || settings.hosts.size() < 2) {
      connection->watch(settings, kFailures);
      FeedSession session(std::move(*connection), entities);
      session.primary_ = *primary;
      if (auto ready = session.prepare(); !ready) return fail(ready.error());
      return session;
    }
    std::string host = connection->state().host;
    if (left == 1) {
      return fail("link.no_primary", Side::database, "every host of pg_host is a standby",
                  "Promote one, or add the primary to pg_host", Retry::later);
    }
    auto tried = std::ranges::find(settings.hosts, host);
    if (tried == settings.hosts.end()) tried = settings.hosts.begin();
    std::rotate(tried, tried + 1, settings.hosts.end());
  }
}

// LISTEN before the first read: what commits in between is read twice rather than never.
Result<void> FeedSession::prepare() {
  auto schema = change_log_schema(connection_);
  if (!schema) return fail(schema.error());
  log_schema_ = std::move(*schema);
  if (!primary_) {
    mode_ = Mode::compare;
    return {};
  }
  if (auto heard = connection_.run("LISTEN " + quote_name(log_schema_)); !heard) return heard;
  return choose_mode();
}

Result<void> FeedSession::choose_mode() {
  auto log = inspect_change_log(connection_, log_schema_);
  if (!log) return fail(log.error());
  bool whole = log->installed && log->readable;
  mode_ = whole ? Mode::log : Mode::compare;
  return {};
}

Result<bool> FeedSession::notified() {
  auto arrived = connection_.notifications();
  if (!arrived) return fail(arrived.error());
  return !arrived->empty();
}

void FeedSession::remember(const LogRead& read) {
  position_ = read.position;
  sequence_ = std::max(sequence_, read.sequence);
  read_at_ = read.server_time;
  if (marks_.empty() || read.server_time - marks_.back().at >= kMarkEvery) {
    marks_.push_back({read.server_time, read.position});
  }
}

Result<ChangeBatch> FeedSession::read_all() {
  ChangeBatch batch;
  batch.complete = true;
  for (const FollowedEntity& followed : entities_) {
    auto rows = connection_.query(followed.codec.select(""));
    if (!rows) return fail(rows.error());
    append(batch, followed, *rows);
  }
  return batch;
}

Result<std::string> FeedSession::fingerprints() {
  std::string result;
  for (const FollowedEntity& followed : entities_) {
    auto rows = connection_.query(followed.codec.fingerprint());
    if (!rows) return fail(rows.error());
    result.append(rows->at(0, 0)).append(" ").append(rows->at(0, 1)).append("\n");
  }
  return result;
}

Result<ChangeBatch> FeedSession::load() {
  if (auto begun = connection_.run(kBegin); !begun) return fail(begun.error());
  LogRead read;
  if (mode_ == Mode::log) {
    auto start = read_change_log(connection_, log_schema_, "");
    if (!start) return fail(start.error());
    read = std::move(*start);
  } else {
    auto prints = fingerprints();
    if (!prints) return fail(prints.error());
    fingerprints_ = std::move(*prints);
  }
  auto batch = read_all();
  if (!batch) return batch;
  if (auto ended = connection_.run("COMMIT"); !ended) return fail(ended.error());
  if (mode_ == Mode::log) remember(read);
  batch->sequence = sequence_;
  batch->read_at = Clock::now();
  age_ = 0;
  return batch;
}

// Rows that are in the log and not in the table are gone.
Result<ChangeBatch> FeedSession::read_changed(const std::vector<LogEntry>& entries) {
  ChangeBatch batch;
  for (const FollowedEntity& followed : entities_) {
    std::set<std::string> ids;
    for (const LogEntry& entry : entries) {
      if (entry.table == followed.entity->table) ids.insert(entry.id);
    }
    if (ids.empty()) continue;
    std::string wanted = array_literal(std::vector(ids.begin(), ids.end()));
    auto rows = connection_.query(followed.codec.select("t.id = ANY ($1::uuid[])"),
                                  std::array<Parameter, 1>{wanted});
    if (!rows) return fail(rows.error());
    append(batch, followed, *rows);
    for (size_t i = 0; i < rows->size(); ++i) ids.erase(std::string(rows->at(i, 1)));
    for (const std::string& gone : ids) batch.changes.push_back({followed.entity, gone, ""});
  }
  return batch;
}

bool FeedSession::needs_all(const LogRead& read) const {
  if (read.server_time - read_at_ > kRetention / 2 || read.entries.size() > kManyChanges) {
    return true;
  }
  // Another default workspace means other rows.
  return std::ranges::any_of(read.entries, [](const LogEntry& entry) {
    return entry.truncated || entry.table == "workspaces";
  });
}

Result<std::optional<ChangeBatch>> FeedSession::poll_log() {
  if (auto begun = connection_.run(kBegin); !begun) return fail(begun.error());
  auto read = read_change_log(connection_, log_schema_, position_);
  if (!read) return fail(read.error());
  auto batch = needs_all(*read) ? read_all() : read_changed(read->entries);
  if (!batch) return fail(batch.error());
  if (auto ended = connection_.run("COMMIT"); !ended) return fail(ended.error());
  remember(*read);
  age_ = read->age;
  if (!batch->complete && batch->changes.empty()) return std::nullopt;
  batch->sequence = sequence_;
  batch->read_at = Clock::now();
  return std::move(*batch);
}

Result<std::optional<ChangeBatch>> FeedSession::poll_tables() {
  if (primary_) {
    if (auto chosen = choose_mode(); !chosen) return fail(chosen.error());
  } else if (auto promoted = is_primary(connection_); !promoted) {
    return fail(promoted.error());
  } else if (*promoted) {
    log::notice("feed: {} has become the primary", connection_.state().host);
    primary_ = true;
    fingerprints_.clear();
    if (auto ready = prepare(); !ready) return fail(ready.error());
  }
  if (mode_ == Mode::compare) {
    auto prints = fingerprints();
    if (!prints) return fail(prints.error());
    if (*prints == fingerprints_) return std::nullopt;
  }
  auto batch = load();
  if (!batch) return fail(batch.error());
  return std::move(*batch);
}

Result<std::optional<ChangeBatch>> FeedSession::poll() {
  return mode_ == Mode::log ? poll_log() : poll_tables();
}

Result<void> FeedSession::tidy() {
  if (mode_ != Mode::log) return {};
  if (auto chosen = choose_mode(); !chosen) return chosen;
  if (mode_ != Mode::log) {
    log::warn("feed: the change log is no longer whole; run `sallyport migrations up`");
    fingerprints_.clear();
    return {};
  }
  if (!may_prune_ || marks_.empty() || read_at_ - marks_.front().at < kRetention) return {};
  auto pruned = prune_change_log(connection_, log_schema_, marks_.front().position);
  if (!pruned && pruned.error().code != "sql.42501") return fail(pruned.error());
  may_prune_ = pruned.has_value();
  if (!may_prune_) log::notice("feed: this role may not prune the change log; another must");
  marks_.pop_front();
  return {};
}

}  // namespace sallyport::postgres
