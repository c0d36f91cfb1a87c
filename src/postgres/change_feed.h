// Follows the configuration tables of one database and hands every change on, in batches. It has a
// thread of its own, for opening a link may take as long as pg_timeout, and neither the Admin API
// nor a change that is already here shall wait for that.
//
// Wakes on NOTIFY and at every poll; a batch is read in one REPEATABLE READ transaction, so it is
// one consistent state. docs/adr/0010-change-feed.md says why nothing is missed and
// docs/database.md what happens when the database is away.
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "base/clock.h"
#include "model/change.h"
#include "model/feed_state.h"
#include "model/schema.h"
#include "postgres/link_health.h"
#include "postgres/link_settings.h"
#include "postgres/link_state.h"

namespace sallyport::postgres {

class ChangeFeed {
 public:
  // Called on the feed's thread; the feed waits for its return, and what happens meanwhile comes in
  // one batch. The first batch is complete, and so is the first one after each new session.
  using Deliver = std::function<void(model::ChangeBatch)>;

  struct Options {
    LinkSettings link;
    std::span<const model::EntitySchema* const> entities;  // to follow; outlive the feed
    Milliseconds poll{5000};                               // db_update_frequency
    Milliseconds retry_min{100};   // pause before a new session, doubled after every failure
    Milliseconds retry_max{1000};  // and never longer than this
  };

  ChangeFeed(Options options, Deliver deliver);
  ~ChangeFeed();  // stop()
  ChangeFeed(const ChangeFeed&) = delete;
  ChangeFeed& operator=(const ChangeFeed&) = delete;

  void start();
  // Returns when the thread has ended: at once, or when a link that is being opened gives up.
  void stop();

  // Any thread.
  model::FeedState state() const;
  LinkState link() const;
  LinkHealth& health();

 private:
  class Worker;
  std::unique_ptr<Worker> worker_;
};

}  // namespace sallyport::postgres
