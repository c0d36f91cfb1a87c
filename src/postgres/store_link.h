// The session that the Store talks over: opened at its first use, replaced when it was lost, never
// waited for while the change feed knows that the database is away, and never given a write when
// its server is a standby. Control thread only.
#pragma once

#include <functional>
#include <optional>

#include "base/clock.h"
#include "postgres/connection.h"
#include "postgres/link_health.h"
#include "postgres/link_settings.h"

namespace sallyport::postgres {

class StoreLink {
 public:
  static constexpr Milliseconds kRetryAfter{500};
  // How long a server may be silent, and, for a while after a session was lost, how long a new one
  // may take to open.
  static constexpr Milliseconds kPatience{900};
  static constexpr Milliseconds kHurry{15'000};

  // `health` may be null; it outlives the link.
  StoreLink(LinkSettings settings, LinkHealth* health);

  // `begin` changes nothing by itself, but writes follow.
  enum class Access : uint8_t { read, begin, write };
  using Talk = std::function<Result<Rows>(Connection&)>;

  // Twice at most: what a lost session did not carry out, or only read, is done again on the next
  // one. Errors besides the server's: "link.standby" (nothing was sent), "link.undecided" (the
  // write may have been carried out), other "link.*" (it was not).
  Result<Rows> talk(Access access, const Talk& talk);

  // In a transaction, which a lost session takes with it: nothing is tried again.
  Result<Rows> talk_within(const Talk& talk);

  // Null while there is none.
  Connection* session() { return session_ ? &*session_ : nullptr; }
  void lose();

  bool reachable() const { return reachable_; }
  // Whether the server of the last talk() was a standby.
  bool standby() const { return standby_; }
  bool feed_is_down() const;
  const LinkState& state() const { return state_; }
  const Error& last_error() const { return last_error_; }

 private:
  Result<void> ensure(Access access);
  Result<void> ensure_session();
  Result<void> open_session();
  Result<Connection> connect();
  void limit_silence();
  void note_loss(const Error& error);
  bool alive() const;
  bool next_host();

  LinkSettings settings_;
  LinkHealth* health_;
  std::optional<Connection> session_;
  LinkState state_;       // of the present session, or of the last attempt to open one
  Error last_error_;      // why the last attempt failed; meaningful while !reachable_
  TimePoint retry_at_{};  // no attempt before this
  TimePoint hurry_until_{};
  bool reachable_ = true;
  bool standby_ = false;
};

}  // namespace sallyport::postgres
