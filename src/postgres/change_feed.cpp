#include "postgres/change_feed.h"

#include <algorithm>
#include <mutex>
#include <random>
#include <thread>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"
#include "postgres/feed_session.h"

namespace sallyport::postgres {
namespace {

using model::ChangeBatch;
using model::FeedState;

constexpr Milliseconds kTidyEvery{60000};
constexpr Milliseconds kStandbyPoll{1000};
// How long a server that somebody found silent may take to answer the feed.
constexpr Milliseconds kPing{2000};
// An attempt to come back: a packet that was lost on the way holds up a longer one, for the pauses
// of TCP grow. A link that needs more than that gets all of pg_timeout every so often.
constexpr Milliseconds kShortAttempt{2000};
constexpr int kLongAttemptEvery = 4;
// While changes pour in, building takes at most half of the time: each batch is followed by a pause
// as long as its delivery took, up to this.
constexpr Milliseconds kLongestPause{20};

}  // namespace

class ChangeFeed::Worker {
 public:
  Worker(Options options, Deliver deliver)
      : options_(std::move(options)),
        deliver_(std::move(deliver)),
        stop_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    for (const model::EntitySchema* entity : options_.entities) {
      entities_.push_back({entity, RowCodec(*entity)});
    }
    state_.since = unix_seconds();
  }
  ~Worker() {
    stop();
    ::close(stop_);
  }

  void start() {
    thread_ = std::thread([this] { run(); });
  }

  void stop() {
    if (!thread_.joinable()) return;
    eventfd_t one = 1;
    ::eventfd_write(stop_, one);
    thread_.join();
  }

  FeedState state() const {
    std::lock_guard lock(mutex_);
    return state_;
  }
  LinkState link() const {
    std::lock_guard lock(mutex_);
    return link_;
  }
  LinkHealth& health() { return health_; }

 private:
  void run();
  Result<void> follow(FeedSession& session);
  Result<void> catch_up(FeedSession& session);
  void deliver(FeedSession& session, ChangeBatch batch);
  void connected(const FeedSession& session);
  void failed(const Error& error);
  Result<FeedSession> open_session(LinkState* link);
  Result<void> answer_report(FeedSession& session);
  bool wait(int socket, TimePoint until) const;
  Milliseconds with_jitter(Milliseconds pause);
  Milliseconds poll_every(const FeedSession& session) const;

  Options options_;
  Deliver deliver_;
  int stop_;
  std::vector<FollowedEntity> entities_;
  std::thread thread_;
  LinkHealth health_;
  int failures_ = 0;  // attempts to open a session that failed, since the last one that did not
  std::minstd_rand random_{std::random_device{}()};

  mutable std::mutex mutex_;  // guards what follows
  FeedState state_;
  LinkState link_;
};

// False when the feed shall stop. `socket` of -1 waits for the time only.
bool ChangeFeed::Worker::wait(int socket, TimePoint until) const {
  pollfd entries[] = {{stop_, POLLIN, 0}, {socket, POLLIN, 0}, {health_.silence(), POLLIN, 0}};
  ::poll(entries, socket < 0 ? 1 : 3, static_cast<int>(remaining(until).count()));
  return (entries[0].revents & POLLIN) == 0;
}

// So that the nodes of a cluster do not all come back in the same millisecond.
Milliseconds ChangeFeed::Worker::with_jitter(Milliseconds pause) {
  std::uniform_int_distribution<int64_t> extra(0, pause.count() / 4);
  return pause + Milliseconds(extra(random_));
}

void ChangeFeed::Worker::run() {
  Milliseconds pause = options_.retry_min;
  while (wait(-1, Clock::now())) {
    LinkState link;
    auto session = open_session(&link);
    {
      std::lock_guard lock(mutex_);
      link_ = link;
    }
    health_.set(session ? LinkHealth::State::up : LinkHealth::State::down);
    Result<void> ended = session ? follow(*session) : fail(session.error());
    if (ended) {
      pause = options_.retry_min;  // asked to stop, or to replace an old session
      continue;
    }
    bool was_connected = state().connected;
    failed(ended.error());
    if (was_connected) pause = options_.retry_min;
    if (session && health_.state() == LinkHealth::State::up) {
      health_.set(LinkHealth::State::unknown);
    }
    if (!wait(-1, Clock::now() + with_jitter(pause))) return;
    pause = std::min(pause * 2, options_.retry_max);
  }
}

Result<FeedSession> ChangeFeed::Worker::open_session(LinkState* link) {
  postgres::LinkSettings settings = options_.link;
  const bool brief = failures_ > 0 && failures_ % kLongAttemptEvery != 0;
  if (brief) settings.timeout = std::min(settings.timeout, kShortAttempt);
  (void)health_.take_report();  // what was silent is not this session
  auto session = FeedSession::open(settings, entities_, link);
  failures_ = session ? 0 : failures_ + 1;
  if (!session || !brief) return session;
  if (auto limited = session->limit_statements(options_.link.timeout); !limited) {
    return fail(limited.error());
  }
  return session;
}

// Nobody waits for the database from the report on, until it has answered here.
Result<void> ChangeFeed::Worker::answer_report(FeedSession& session) {
  if (!health_.take_report()) return {};
  log::warn("feed: {}:{} was found silent", session.link().host, session.link().port);
  if (auto answered = session.ping(kPing); !answered) return answered;
  health_.set(LinkHealth::State::up);
  return {};
}

// A standby may become the primary any moment.
Milliseconds ChangeFeed::Worker::poll_every(const FeedSession& session) const {
  return session.primary() ? options_.poll : std::min(options_.poll, kStandbyPoll);
}

// Success: the feed shall stop, or the session is old enough to be replaced.
Result<void> ChangeFeed::Worker::follow(FeedSession& session) {
  auto all = session.load();
  if (!all) return fail(all.error());
  deliver(session, std::move(*all));
  connected(session);
  TimePoint next_poll = Clock::now() + poll_every(session);
  TimePoint next_tidy = Clock::now() + kTidyEvery;
  while (!session.too_old()) {
    // What arrived together with an answer is in libpq, and poll(2) does not know of it.
    if (auto answered = answer_report(session); !answered) return answered;
    auto woken = session.notified();
    if (!woken) return fail(woken.error());
    if (!*woken && Clock::now() < next_poll) {
      if (!wait(session.socket(), next_poll)) return {};
      continue;
    }
    if (auto done = catch_up(session); !done) return done;
    next_poll = Clock::now() + poll_every(session);
    if (Clock::now() < next_tidy) continue;
    if (auto tidied = session.tidy(); !tidied) return tidied;
    next_tidy = Clock::now() + kTidyEvery;
  }
  return {};
}

Result<void> ChangeFeed::Worker::catch_up(FeedSession& session) {
  auto batch = session.poll();
  if (!batch) return fail(batch.error());
  if (!*batch) return {};
  TimePoint start = Clock::now();
  deliver(session, std::move(**batch));
  auto took = std::chrono::duration_cast<Milliseconds>(Clock::now() - start);
  wait(-1, Clock::now() + std::min(took, kLongestPause));
  return {};
}

void ChangeFeed::Worker::deliver(FeedSession& session, ChangeBatch batch) {
  int64_t sequence = batch.sequence;
  bool complete = batch.complete;
  log::debug("feed: {} {} rows, sequence {}", complete ? "all" : "changed", batch.changes.size(),
             sequence);
  deliver_(std::move(batch));
  std::lock_guard lock(mutex_);
  state_.mode = session.mode();
  state_.sequence = sequence;
  state_.last_applied_at = unix_seconds();
  state_.lag_seconds = session.age();
  state_.batches += 1;
  state_.complete_loads += complete ? 1 : 0;
}

void ChangeFeed::Worker::connected(const FeedSession& session) {
  bool news;
  {
    std::lock_guard lock(mutex_);
    news = !state_.connected;
    state_.connected = true;
    state_.connections += 1;
    if (news) state_.since = unix_seconds();
    link_ = session.link();
  }
  if (!news) return;
  log::notice("feed: following {}:{}", session.link().host, session.link().port);
  if (session.mode() == FeedState::Mode::compare) {
    log::warn(
        "feed: the database has no change log for this role; changes are found by comparing "
        "tables every {} ms. `sallyport migrations up` adds it",
        options_.poll.count());
  }
}

void ChangeFeed::Worker::failed(const Error& error) {
  bool news;
  {
    std::lock_guard lock(mutex_);
    news = state_.connected || state_.last_error != error.text();
    if (state_.connected) state_.since = unix_seconds();
    state_.connected = false;
    state_.last_error = error.text();
    state_.last_error_at = unix_seconds();
  }
  if (news) log::error("feed: {}; traffic goes on with the last configuration", error.text());
}

ChangeFeed::ChangeFeed(Options options, Deliver deliver)
    : worker_(std::make_unique<Worker>(std::move(options), std::move(deliver))) {}
ChangeFeed::~ChangeFeed() = default;

void ChangeFeed::start() {
  worker_->start();
}
void ChangeFeed::stop() {
  worker_->stop();
}
FeedState ChangeFeed::state() const {
  return worker_->state();
}
LinkState ChangeFeed::link() const {
  return worker_->link();
}
LinkHealth& ChangeFeed::health() {
  return worker_->health();
}

}  // namespace sallyport::postgres
