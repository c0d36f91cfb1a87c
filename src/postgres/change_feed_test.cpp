#include "postgres/change_feed.h"

#include <condition_variable>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/json.h"
#include "base/uuid.h"
#include "model/schemas.h"
#include "postgres/feed_session.h"
#include "postgres/migrations/migrator.h"
#include "postgres/testing/scratch_server.h"

namespace sallyport::postgres {
namespace {

using model::FeedState;
using testing::connect;
using testing::must;
using testing::ScratchServer;

constexpr Milliseconds kNever{3600000};

std::span<const model::EntitySchema* const> followed() {
  static const model::EntitySchema* const entities[] = {&model::services(), &model::routes()};
  return entities;
}

// What a node would know: names by id, as the batches tell.
class Mirror {
 public:
  void take(const model::ChangeBatch& batch) {
    std::lock_guard lock(mutex_);
    if (batch.complete) names_.clear();
    for (const model::Change& change : batch.changes) {
      if (change.row.empty()) {
        names_.erase(change.id);
      } else {
        names_[change.id] = parse_json(change.row)["name"].get<std::string>();
      }
    }
    batches_ += 1;
    changed_.notify_all();
  }

  // True once `names` are all that there is; false after five seconds.
  bool becomes(const std::multiset<std::string>& names) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(5), [&] {
      std::multiset<std::string> now;
      for (const auto& [id, name] : names_) now.insert(name);
      return batches_ > 0 && now == names;
    });
  }
  std::map<std::string, std::string> names() {
    std::lock_guard lock(mutex_);
    return names_;
  }
  int batches() {
    std::lock_guard lock(mutex_);
    return batches_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::string> names_;
  int batches_ = 0;
};

class ChangeFeedTest : public ::testing::Test {
 protected:
  ChangeFeedTest()
      : settings_(ScratchServer::instance().new_gateway_database()), plain_(connect(settings_)) {}

  ChangeFeed::Options options(Milliseconds poll = kNever) const {
    return {.link = settings_, .entities = followed(), .poll = poll};
  }
  ChangeFeed::Deliver deliver() {
    return [this](model::ChangeBatch batch) { mirror_.take(batch); };
  }
  void add(Connection& connection, const std::string& name) {
    must(connection, "INSERT INTO services (id, name) VALUES (gen_random_uuid(), '" + name + "')");
  }
  std::map<std::string, std::string> table() {
    std::map<std::string, std::string> result;
    Rows rows = must(plain_, "SELECT id, name FROM services");
    for (size_t i = 0; i < rows.size(); ++i) {
      result[std::string(rows.at(i, 0))] = rows.at(i, 1);
    }
    return result;
  }
  bool catches_up(Milliseconds within = Milliseconds(5000)) {
    TimePoint deadline = Clock::now() + within;
    while (Clock::now() < deadline) {
      if (mirror_.names() == table()) return true;
      ::usleep(2000);
    }
    return false;
  }

  LinkSettings settings_;
  Connection plain_;
  Mirror mirror_;
};

TEST_F(ChangeFeedTest, SeesPlainSqlAtOnce) {
  add(plain_, "before");
  ChangeFeed feed(options(), deliver());
  feed.start();
  ASSERT_TRUE(mirror_.becomes({"before"}));
  TimePoint start = Clock::now();
  add(plain_, "after");
  ASSERT_TRUE(mirror_.becomes({"before", "after"}));
  EXPECT_LT(Clock::now() - start, Milliseconds(1000));
  must(plain_, "UPDATE services SET name = 'renamed' WHERE name = 'before'");
  ASSERT_TRUE(mirror_.becomes({"renamed", "after"}));
  must(plain_, "UPDATE services SET id = gen_random_uuid() WHERE name = 'renamed'");
  ASSERT_TRUE(mirror_.becomes({"renamed", "after"}));
  must(plain_, "DELETE FROM services WHERE name = 'after'");
  ASSERT_TRUE(mirror_.becomes({"renamed"}));
  must(plain_, "TRUNCATE services CASCADE");
  ASSERT_TRUE(mirror_.becomes({}));
  FeedState state = feed.state();
  EXPECT_TRUE(state.connected);
  EXPECT_EQ(state.mode, FeedState::Mode::log);
  EXPECT_EQ(state.connections, 1u);
  EXPECT_EQ(feed.health().state(), LinkHealth::State::up);
}

// The smaller sequence number commits after the larger one has been read.
TEST_F(ChangeFeedTest, MissesNoLateCommit) {
  ChangeFeed feed(options(), deliver());
  feed.start();
  Connection slow = connect(settings_);
  must(slow, "BEGIN");
  add(slow, "early number, late commit");
  add(plain_, "late number, early commit");
  ASSERT_TRUE(mirror_.becomes({"late number, early commit"}));
  must(slow, "COMMIT");
  ASSERT_TRUE(mirror_.becomes({"late number, early commit", "early number, late commit"}));
  EXPECT_EQ(feed.state().complete_loads, 1u);
}

// A transaction that has a number of its own and stays open must not hold up the others.
TEST_F(ChangeFeedTest, IsNotHeldUpByOpenTransactions) {
  ChangeFeed feed(options(), deliver());
  feed.start();
  Connection open = connect(settings_);
  must(open, "BEGIN");
  add(open, "not yet");
  TimePoint start = Clock::now();
  for (int i = 0; i < 20; ++i) add(plain_, "s" + std::to_string(i));
  EXPECT_TRUE(catches_up());
  EXPECT_LT(Clock::now() - start, Milliseconds(2000));
  must(open, "ROLLBACK");
}

TEST_F(ChangeFeedTest, MissesNothingOfConcurrentWriters) {
  ChangeFeed feed(options(), deliver());
  feed.start();
  std::vector<std::thread> writers;
  for (int w = 0; w < 4; ++w) {
    writers.emplace_back([&, w] {
      Connection connection = connect(settings_);
      std::minstd_rand random(w + 1);
      for (int i = 0; i < 100; ++i) {
        must(connection, "BEGIN");
        if (i % 3 == 0) must(connection, "SAVEPOINT inner_one");
        add(connection, "w" + std::to_string(w) + "-" + std::to_string(i));
        ::usleep(random() % 3000);
        must(connection, "UPDATE services SET host = host || 'x' WHERE name LIKE 'w" +
                             std::to_string(w) + "%' AND random() < 0.1");
        must(connection, i % 10 == 9 ? "ROLLBACK" : "COMMIT");
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_TRUE(catches_up());
  EXPECT_EQ(mirror_.names().size(), 360u);
  EXPECT_EQ(feed.state().complete_loads, 1u);  // all of it came by the log
}

TEST_F(ChangeFeedTest, ComesBackWhenItsSessionIsKilled) {
  ChangeFeed feed(options(), deliver());
  feed.start();
  ASSERT_TRUE(mirror_.becomes({}));
  must(plain_,
       "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
       "WHERE pid <> pg_backend_pid() AND datname = current_database()");
  add(plain_, "meanwhile");
  EXPECT_TRUE(mirror_.becomes({"meanwhile"}));
  add(plain_, "later");
  EXPECT_TRUE(mirror_.becomes({"meanwhile", "later"}));
  EXPECT_EQ(feed.state().connections, 2u);
  EXPECT_FALSE(feed.state().last_error.empty());
}

TEST_F(ChangeFeedTest, SurvivesARestartOfTheServer) {
  add(plain_, "kept");
  ChangeFeed feed(options(), deliver());
  feed.start();
  ASSERT_TRUE(mirror_.becomes({"kept"}));
  ScratchServer::instance().stop();
  TimePoint deadline = Clock::now() + Milliseconds(3000);
  while (feed.health().state() != LinkHealth::State::down && Clock::now() < deadline)
    ::usleep(5000);
  EXPECT_EQ(feed.health().state(), LinkHealth::State::down);
  EXPECT_FALSE(feed.state().connected);
  EXPECT_TRUE(mirror_.becomes({"kept"}));
  ::usleep(1'500'000);  // long enough for the longest pause
  ScratchServer::instance().start();
  Connection after = connect(settings_);
  TimePoint back = Clock::now();
  add(after, "new");
  EXPECT_TRUE(mirror_.becomes({"kept", "new"}));
  EXPECT_LT(Clock::now() - back, Milliseconds(2000));
  plain_ = std::move(after);
}

// What a failover to a standby that lagged behind looks like: rows are gone without a log entry.
TEST_F(ChangeFeedTest, NewSessionForgetsWhatNoLogMentions) {
  add(plain_, "lost");
  ChangeFeed feed(options(), deliver());
  feed.start();
  ASSERT_TRUE(mirror_.becomes({"lost"}));
  must(plain_, "ALTER TABLE services DISABLE TRIGGER sallyport_log_row");
  must(plain_, "DELETE FROM services");
  must(plain_, "ALTER TABLE services ENABLE ALWAYS TRIGGER sallyport_log_row");
  must(plain_,
       "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
       "WHERE pid <> pg_backend_pid() AND datname = current_database()");
  EXPECT_TRUE(mirror_.becomes({}));
}

TEST_F(ChangeFeedTest, PollsWhenNobodyNotifies) {
  must(plain_, "CREATE OR REPLACE FUNCTION sallyport.quiet() RETURNS void LANGUAGE sql AS ''");
  Rows body = must(plain_, "SELECT pg_get_functiondef('sallyport.log_row'::regproc)");
  std::string text(body.at(0, 0));
  size_t at = text.find("PERFORM pg_notify");
  ASSERT_NE(at, text.npos);
  text.replace(at, text.find(';', at) - at, "PERFORM 1");
  must(plain_, text);
  ChangeFeed feed(options(Milliseconds(100)), deliver());
  feed.start();
  ASSERT_TRUE(mirror_.becomes({}));
  add(plain_, "unheard");
  EXPECT_TRUE(mirror_.becomes({"unheard"}));
  EXPECT_EQ(feed.state().complete_loads, 1u);
}

TEST_F(ChangeFeedTest, ComparesTablesWithoutALogAndFindsOneThatComes) {
  must(plain_, "DROP SCHEMA sallyport CASCADE");
  ChangeFeed feed(options(Milliseconds(50)), deliver());
  feed.start();
  ASSERT_TRUE(mirror_.becomes({}));
  EXPECT_EQ(feed.state().mode, FeedState::Mode::compare);
  add(plain_, "one");
  ASSERT_TRUE(mirror_.becomes({"one"}));
  int batches = mirror_.batches();
  ::usleep(300'000);
  EXPECT_EQ(mirror_.batches(), batches);  // nothing changed, nothing is handed on
  must(plain_, "DELETE FROM services");
  ASSERT_TRUE(mirror_.becomes({}));

  Migrator migrator(plain_, Milliseconds(5000), [](const std::string&) {});
  ASSERT_TRUE(migrator.up());
  TimePoint deadline = Clock::now() + Milliseconds(3000);
  while (feed.state().mode != FeedState::Mode::log && Clock::now() < deadline) ::usleep(5000);
  EXPECT_EQ(feed.state().mode, FeedState::Mode::log);
  add(plain_, "logged");
  EXPECT_TRUE(mirror_.becomes({"logged"}));
}

TEST_F(ChangeFeedTest, KeepsTheLastStateWhenTheTablesGo) {
  add(plain_, "kept");
  ChangeFeed feed(options(Milliseconds(50)), deliver());
  feed.start();
  ASSERT_TRUE(mirror_.becomes({"kept"}));
  Migrator migrator(plain_, Milliseconds(5000), [](const std::string&) {});
  ASSERT_TRUE(migrator.reset());
  TimePoint deadline = Clock::now() + Milliseconds(3000);
  while (feed.state().connected && Clock::now() < deadline) ::usleep(5000);
  EXPECT_FALSE(feed.state().connected);
  EXPECT_TRUE(mirror_.becomes({"kept"}));
  ASSERT_TRUE(migrator.bootstrap(""));
  EXPECT_TRUE(mirror_.becomes({}));
}

// A role that may read the configuration and nothing else.
TEST_F(ChangeFeedTest, RoleWithoutRightsOnTheLogCompares) {
  must(plain_, "CREATE ROLE reader LOGIN");
  must(plain_, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader");
  ChangeFeed::Options poor = options(Milliseconds(50));
  poor.link.user = "reader";
  ChangeFeed feed(poor, deliver());
  feed.start();
  auto reaches = [&feed](FeedState::Mode mode) {
    const TimePoint deadline = Clock::now() + Milliseconds(10'000);
    while (feed.state().mode != mode && Clock::now() < deadline) ::usleep(5000);
    return feed.state().mode == mode;
  };
  EXPECT_TRUE(reaches(FeedState::Mode::compare));
  add(plain_, "seen");
  EXPECT_TRUE(mirror_.becomes({"seen"}));
  must(plain_, "GRANT USAGE ON SCHEMA sallyport TO reader");
  must(plain_, "GRANT SELECT ON ALL TABLES IN SCHEMA sallyport TO reader");
  add(plain_, "more");
  EXPECT_TRUE(mirror_.becomes({"seen", "more"}));
  EXPECT_TRUE(reaches(FeedState::Mode::log));
}

TEST_F(ChangeFeedTest, StopsWhileItCannotConnect) {
  ChangeFeed::Options nowhere = options();
  nowhere.link.port = 1;
  ChangeFeed feed(nowhere, deliver());
  feed.start();
  ::usleep(300'000);
  EXPECT_EQ(mirror_.batches(), 0);
  TimePoint start = Clock::now();
  feed.stop();
  EXPECT_LT(Clock::now() - start, Milliseconds(500));
  EXPECT_FALSE(feed.state().last_error.empty());
}

TEST_F(ChangeFeedTest, PrunesOnlyWhatWasVisible) {
  auto schema = change_log_schema(plain_);
  ASSERT_TRUE(schema);
  Connection slow = connect(settings_);
  must(slow, "BEGIN");
  add(slow, "late");
  add(plain_, "old");
  auto mark = read_change_log(plain_, *schema, "");
  ASSERT_TRUE(mark);
  must(slow, "COMMIT");
  add(plain_, "new");
  auto pruned = prune_change_log(plain_, *schema, mark->position);
  ASSERT_TRUE(pruned);
  EXPECT_EQ(*pruned, 1);
  auto rest = read_change_log(plain_, *schema, mark->position);
  ASSERT_TRUE(rest);
  EXPECT_EQ(rest->entries.size(), 2u);
}

}  // namespace
}  // namespace sallyport::postgres
