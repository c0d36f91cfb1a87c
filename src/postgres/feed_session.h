// One session of the change feed: reads all rows once, then what changed. After any error it is
// done with: a new one starts with all rows again, so nothing that happened in between is missed,
// not even what a failover undid. Feed's thread only.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/change.h"
#include "model/feed_state.h"
#include "postgres/change_log.h"
#include "postgres/connection.h"
#include "postgres/row_codec.h"

namespace sallyport::postgres {

// An entity to follow, with its SQL.
struct FollowedEntity {
  const model::EntitySchema* entity;
  RowCodec codec;
};

class FeedSession {
 public:
  using Mode = model::FeedState::Mode;

  // Hosts that turn out to be standbys are passed over while there is another one. `state` as in
  // Connection::open(). `entities` outlive the session.
  static Result<FeedSession> open(LinkSettings settings, std::span<const FollowedEntity> entities,
                                  LinkState* state);

  // All rows. Call it first.
  Result<model::ChangeBatch> load();

  // What changed since the last call; nothing when nothing did.
  Result<std::optional<model::ChangeBatch>> poll();

  // Takes notifications that have arrived; true when there was one.
  Result<bool> notified();

  // Deletes old entries of the change log, looks whether it is still whole. Once a minute is
  // enough.
  Result<void> tidy();

  // Connection's, on the session.
  Result<void> ping(Milliseconds within) { return connection_.ping(within); }
  Result<void> limit_statements(Milliseconds limit) { return connection_.limit_statements(limit); }

  Mode mode() const { return mode_; }
  bool primary() const { return primary_; }
  int socket() const { return connection_.socket(); }
  bool too_old() const { return connection_.too_old(); }
  const LinkState& link() const { return connection_.state(); }
  double age() const { return age_; }  // seconds, of the newest entry of the last batch

 private:
  FeedSession(Connection connection, std::span<const FollowedEntity> entities);

  Result<void> prepare();
  Result<void> choose_mode();
  Result<std::optional<model::ChangeBatch>> poll_log();
  Result<std::optional<model::ChangeBatch>> poll_tables();
  Result<model::ChangeBatch> read_all();
  Result<model::ChangeBatch> read_changed(const std::vector<LogEntry>& entries);
  Result<std::string> fingerprints();
  bool needs_all(const LogRead& read) const;
  void remember(const LogRead& read);

  Connection connection_;
  std::span<const FollowedEntity> entities_;
  Mode mode_ = Mode::none;
  bool primary_ = true;  // false: a standby, which has no transaction numbers of its own
  std::string log_schema_;
  std::string position_;  // mode log
  int64_t sequence_ = 0;
  std::string fingerprints_;  // mode compare
  double read_at_ = 0;        // server time of the last read
  double age_ = 0;
  bool may_prune_ = true;
  struct Mark {
    double at;
    std::string position;
  };
  std::deque<Mark> marks_;  // where the log was, about once a minute
};

}  // namespace sallyport::postgres
