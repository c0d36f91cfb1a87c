#include "app/server.h"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <latch>
#include <list>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "admin/admin_api.h"
#include "admin/status_api.h"
#include "app/control_loop.h"
#include "app/declared_configuration.h"
#include "app/early_requests.h"
#include "app/enabled_plugins.h"
#include "app/gateway_options.h"
#include "app/node.h"
#include "app/pid_file.h"
#include "app/reload_report.h"
#include "app/schema_check.h"
#include "base/log.h"
#include "base/text.h"
#include "base/version.h"
#include "model/fallback_store.h"
#include "model/plugin_declarations.h"
#include "model/schemas.h"
#include "plugins/all.h"
#include "postgres/change_feed.h"
#include "postgres/store.h"
#include "runtime/builder.h"
#include "runtime/publisher.h"

namespace sallyport::app {
namespace {

using conf::Key;

constexpr Milliseconds kDrain{30'000};        // after SIGQUIT: what nginx's users wait for
constexpr Milliseconds kRetireDrain{60'000};  // the former data plane after a reload
// Nobody waits for that one, and a connection is better closed by its client.
constexpr Milliseconds kRetireIdle{50'000};
constexpr Milliseconds kReadOnlyTimeout{1'000};
constexpr Milliseconds kSweep{200};         // how long former snapshots may stay
constexpr Milliseconds kFirstLoad{60'000};  // reading and building 100,000 routes takes a second

// Takes effect at a start only: the feed's thread reads the list.
Result<void> enable_plugins(const conf::Settings& settings) {
  auto names = enabled_plugins(settings);
  if (!names) return fail(names.error());
  model::enable_plugins(*names);
  return {};
}

bool short_lived(const model::EntitySchema& entity) {
  return entity.ttl && &entity != &model::keyauth_credentials();
}

// What the feed follows: what snapshots are built of, and what else the Admin API shows, to be read
// while the database is away. Tokens are too many, and too short-lived, to be kept.
std::span<const model::EntitySchema* const> kept_entities() {
  static const auto all = [] {
    auto built = runtime::Builder::entities();
    std::vector<const model::EntitySchema*> out(built.begin(), built.end());
    for (const model::EntitySchema* entity : model::entities()) {
      const bool known = std::ranges::find(out, entity) != out.end();
      if (!known && entity->admin_api && !short_lived(*entity)) out.push_back(entity);
    }
    return out;
  }();
  return all;
}

// The store of pg_ro_*; null when there is none. A replica that does not answer holds up the Admin
// API for a second at most, before the main link is asked.
std::unique_ptr<postgres::Store> read_only_store(const conf::Settings& settings) {
  if (settings.list(Key::pg_ro_host).empty()) return nullptr;
  auto link = postgres::link_settings(settings, postgres::LinkRole::read_only);
  if (!link) {
    log::error("pg_ro_host is not used: {}", link.error().text());
    return nullptr;
  }
  link->timeout = std::min(link->timeout, kReadOnlyTimeout);
  return std::make_unique<postgres::Store>(std::move(*link));
}

class RunningServer final : public Server {
 public:
  RunningServer(conf::Settings settings, std::function<conf::Loaded()> reload, bool take_over)
      : settings_(std::move(settings)),
        prefix_(settings_.string(Key::prefix)),
        reload_(std::move(reload)),
        take_over_(take_over),
        node_(parts_),
        status_(node_, [this](const http::BufferedRequest& one) { return admin_->handle(one); }),
        builder_(plugins::all(), router::flavor_of(settings_.string(Key::router_flavor))) {}

  ~RunningServer() override {
    feed_.reset();
    if (gateway_) gateway_->stop();
    for (Retired& former : retired_) former.gateway->stop();  // ends their drains
  }

  Result<void> start();
  void run() override { loop_.run(); }

 private:
  // A data plane of a former configuration, and the thread that waits for its last connection.
  struct Retired {
    std::unique_ptr<proxy::Gateway> gateway;
    std::shared_ptr<std::latch> drained;
    std::jthread waiting;  // ends, and is joined, before the gateway goes
  };

  Result<void> start_configuration(const conf::Settings& settings);
  Result<void> start_declared(const conf::Settings& settings);
  Result<postgres::LinkSettings> check_link(const conf::Settings& settings);
  void start_link(const conf::Settings& settings, const postgres::LinkSettings& link);
  Result<void> load_configuration();
  Result<std::optional<postgres::LinkSettings>> renew_configuration(const conf::Settings& settings);
  bool link_changed(const conf::Settings& settings) const;
  void retire(std::unique_ptr<proxy::Gateway> former);
  Result<std::unique_ptr<proxy::Gateway>> start_gateway(const conf::Settings& settings);
  void watch_signals();
  void take_batch(model::ChangeBatch batch);
  void build(const model::ChangeBatch& batch);
  void publish(std::shared_ptr<const runtime::Snapshot> snapshot, const std::vector<Error>& faults);
  void sweep();
  void restore_log_level();
  void reload();
  Result<void> try_reload();
  void quit();
  proxy::Handler on_control_thread(
      std::function<http::BufferedResponse(const http::BufferedRequest&)> handle);

  conf::Settings settings_;
  const std::string prefix_;  // where the node was started, whatever a later file says
  std::function<conf::Loaded()> reload_;
  std::string conf_file_;  // of the last reload
  const bool take_over_;
  ControlLoop loop_;
  NodeParts parts_;
  Node node_;
  admin::StatusApi status_;
  runtime::Publisher publisher_;
  TimePoint next_sweep_ = TimePoint::max();
  // Outlives the data planes of reloads.
  std::shared_ptr<balancer::HealthBoard> health_ = std::make_shared<balancer::HealthBoard>();
  runtime::Builder builder_;  // the feed's thread; this one without a database
  std::unique_ptr<DeclaredConfiguration> declared_;
  std::unique_ptr<postgres::ChangeFeed> feed_;
  model::KeptRows kept_{kept_entities()};
  std::unique_ptr<postgres::Store> store_;
  std::unique_ptr<model::FallbackStore> reads_;  // in front of it
  std::unique_ptr<admin::AdminApi> admin_;
  std::unique_ptr<proxy::Gateway> gateway_;
  std::list<Retired> retired_;
  EarlyRequests early_{[this](const http::BufferedRequest& request, bool* early) {
    return admin_->handle(request, early);
  }};
  std::jthread quitting_;  // waits for everything to drain
};

Result<void> RunningServer::start() {
  watch_signals();
  loop_.add_source({.descriptor = [] { return -1; },
                    .next_wakeup = [this] { return early_.next_look(); },
                    .step = [this] { early_.look(); }});
  loop_.add_source({.descriptor = [] { return -1; },
                    .next_wakeup = [this] { return next_sweep_; },
                    .step = [this] { sweep(); }});
  loop_.add_source({.descriptor = [] { return -1; },
                    .next_wakeup = [this] { return parts_.log_level_until; },
                    .step = [this] { restore_log_level(); }});
  auto id = node_id(settings_);
  if (!id) return fail(id.error());
  parts_.node_id = *id;
  parts_.settings = &settings_;
  if (auto known = enable_plugins(settings_); !known) return known;
  builder_.set_vault_prefix(settings_.string(Key::vault_env_prefix));
  if (auto started = start_configuration(settings_); !started) return started;
  auto gateway = start_gateway(settings_);
  if (!gateway) return fail(gateway.error());
  gateway_ = std::move(*gateway);
  parts_.gateway = gateway_.get();
  log::notice("{} started: {} worker(s) on {}", kServerToken, worker_count(settings_),
              gateway_->backend());
  return {};
}

Result<void> RunningServer::start_configuration(const conf::Settings& settings) {
  if (settings.string(Key::database) == "off") return start_declared(settings);
  auto link = check_link(settings);
  if (!link) return fail(link.error());
  start_link(settings, *link);
  return load_configuration();
}

// All of it happens on this thread: what POST /config answers is in the workers' mailboxes by then.
Result<void> RunningServer::start_declared(const conf::Settings& settings) {
  builder_.set_declared();
  declared_ = std::make_unique<DeclaredConfiguration>([this](const model::ChangeBatch& batch) {
    builder_.apply(batch);
    auto snapshot = builder_.build();
    publish(std::move(snapshot), builder_.faults());
  });
  if (auto loaded = declared_->load(settings); !loaded) return loaded;
  parts_.declared = declared_.get();
  admin_ =
      std::make_unique<admin::AdminApi>(declared_->store(), node_, declared_.get(), health_.get());
  return {};
}

// Touches nothing of what runs.
Result<postgres::LinkSettings> RunningServer::check_link(const conf::Settings& settings) {
  auto link = postgres::link_settings(settings, postgres::LinkRole::main);
  if (!link) return link;
  if (auto checked = check_schema(*link); !checked) return fail(checked.error());
  return link;
}

void RunningServer::start_link(const conf::Settings& settings, const postgres::LinkSettings& link) {
  // At a reload these are the former ones, and each refers to the one after it.
  parts_.feed = nullptr;
  admin_.reset();
  reads_.reset();
  store_.reset();
  feed_.reset();
  parts_.link = link;

  postgres::ChangeFeed::Options options;
  options.link = link;
  options.entities = kept_entities();
  options.poll =
      Milliseconds(static_cast<int64_t>(settings.number(Key::db_update_frequency) * 1000));
  feed_ = std::make_unique<postgres::ChangeFeed>(
      std::move(options), [this](model::ChangeBatch batch) { take_batch(std::move(batch)); });
  parts_.feed = feed_.get();
  store_ = std::make_unique<postgres::Store>(link, &feed_->health());
  if (auto reader = read_only_store(settings)) store_->read_from(std::move(reader));
  reads_ = std::make_unique<model::FallbackStore>(*store_, kept_);
  admin_ = std::make_unique<admin::AdminApi>(*reads_, node_, nullptr, health_.get());
  feed_->start();
}

// No listener is bound before the first snapshot is there: nobody gets a 404 for being early.
Result<void> RunningServer::load_configuration() {
  bool loaded = loop_.run_until([this] { return parts_.snapshot != nullptr; },
                                Clock::now() + parts_.link.timeout + kFirstLoad);
  if (loaded) return {};
  std::string reason = feed_->state().last_error;
  return fail("app.first_load", Side::database,
              fmt::format("the configuration could not be loaded: {}",
                          reason.empty() ? "the database does not answer" : reason),
              "`sallyport doctor` walks the link step by step", Retry::later);
}

// On the feed's thread: building does not hold up the Admin API.
void RunningServer::take_batch(model::ChangeBatch batch) {
  build(batch);
  kept_.apply(batch);  // after it: traffic comes first
}

void RunningServer::build(const model::ChangeBatch& batch) {
  if (!builder_.apply(batch) && !batch.complete) return;
  auto snapshot = builder_.build();
  loop_.post([this, snapshot = std::move(snapshot), faults = builder_.faults()]() mutable {
    publish(std::move(snapshot), faults);
  });
}

void RunningServer::publish(std::shared_ptr<const runtime::Snapshot> snapshot,
                            const std::vector<Error>& faults) {
  std::vector<std::string> texts;
  for (const Error& fault : faults) {
    const std::string& text = texts.emplace_back(fault.text());
    bool known = std::ranges::find(parts_.build_faults, text) != parts_.build_faults.end();
    // A plugin that does not run here is what its operator was told to expect.
    auto level = fault.code == runtime::kNoBehaviour ? log::Level::warn : log::Level::error;
    if (!known) log::at(level, "configuration: {}", text);
  }
  parts_.snapshot = snapshot;
  parts_.built_at = unix_seconds();
  parts_.build_faults = std::move(texts);
  publisher_.publish(std::move(snapshot));
  next_sweep_ = std::min(next_sweep_, Clock::now() + kSweep);
}

void RunningServer::sweep() {
  next_sweep_ = publisher_.sweep() ? Clock::now() + kSweep : TimePoint::max();
}

// A worker's request, answered on the control thread; the reply finds its way back by itself.
proxy::Handler RunningServer::on_control_thread(
    std::function<http::BufferedResponse(const http::BufferedRequest&)> handle) {
  return [this, handle = std::move(handle)](http::BufferedRequest request, proxy::Reply reply) {
    loop_.post([handle, request = std::move(request), reply = std::move(reply)] {
      reply(handle(request));
    });
  };
}

Result<std::unique_ptr<proxy::Gateway>> RunningServer::start_gateway(
    const conf::Settings& settings) {
  auto options = gateway_options(settings);
  if (!options) return fail(options.error());
  options->health = health_;
  options->take_over = take_over_ && gateway_ == nullptr;
  options->admin = [this](http::BufferedRequest request, proxy::Reply reply) {
    loop_.post([this, request = std::move(request), reply = std::move(reply)]() mutable {
      early_.answer(std::move(request), std::move(reply));
    });
  };
  options->status = on_control_thread(
      [this](const http::BufferedRequest& request) { return status_.handle(request); });
  return proxy::Gateway::start(std::move(*options), publisher_, gateway_.get());
}

void RunningServer::watch_signals() {
  auto stop = [this] {
    log::notice("stopping");
    loop_.stop();
  };
  loop_.on_signal(SIGTERM, stop);
  loop_.on_signal(SIGINT, stop);
  loop_.on_signal(SIGQUIT, [this] { quit(); });
  loop_.on_signal(SIGHUP, [this] { reload(); });
  loop_.on_signal(SIGUSR1, [this] {
    log::reopen();
    gateway_->reopen_logs();
  });
  loop_.on_signal(SIGUSR2, [this] {
    parts_.draining = true;
    log::notice("draining: /status/ready answers 503");
  });
  signal(SIGPIPE, SIG_IGN);
}

// Draining blocks, and the Admin API and the feed go on meanwhile: another thread waits.
void RunningServer::quit() {
  parts_.draining = true;
  if (quitting_.joinable()) return;
  // After an upgrade nobody waits, as after a reload.
  const bool succeeded = PidFile::owner(prefix_).value_or(getpid()) != getpid();
  const Milliseconds within = succeeded ? kRetireDrain : kDrain;
  const Milliseconds idle = succeeded ? kRetireIdle : proxy::kDrainIdle;
  log::notice("draining, for at most {} s", within.count() / 1000);
  std::vector<std::shared_ptr<std::latch>> others;
  for (const Retired& former : retired_) {
    if (!succeeded) former.gateway->shorten_drain(idle);
    others.push_back(former.drained);
  }
  quitting_ = std::jthread([=, this, gateway = gateway_.get(), others = std::move(others)] {
    const TimePoint deadline = Clock::now() + within;
    bool all = gateway->drain(within, idle);
    for (const auto& drained : others) {
      while (!drained->try_wait() && Clock::now() < deadline) {
        std::this_thread::sleep_for(Milliseconds(10));
      }
      all &= drained->try_wait();
    }
    if (!all) log::warn("some connections were cut");
    loop_.stop();
  });
}

// The former data plane of a reload: drained beside the new one, destroyed on this thread.
void RunningServer::retire(std::unique_ptr<proxy::Gateway> former) {
  proxy::Gateway* gateway = former.get();
  auto drained = std::make_shared<std::latch>(1);
  retired_.push_back({std::move(former), drained, {}});
  retired_.back().waiting = std::jthread([this, gateway, drained] {
    gateway->drain(kRetireDrain, kRetireIdle);
    drained->count_down();
    loop_.post([this, gateway] {
      std::erase_if(retired_, [&](const Retired& held) { return held.gateway.get() == gateway; });
    });
  });
}

bool RunningServer::link_changed(const conf::Settings& settings) const {
  for (const conf::Directive& directive : conf::directives()) {
    bool link = directive.name.starts_with("pg_") || directive.name.starts_with("db_") ||
                directive.name.starts_with("lua_ssl_") || directive.name.starts_with("dns_") ||
                directive.name.starts_with("resolver_") ||
                directive.key == conf::Key::new_dns_client;
    if (!link) continue;
    bool same =
        directive.type == conf::Type::secret
            ? settings.secret(directive.key).equals(settings_.secret(directive.key).reveal())
            : settings.display(directive.key) == settings_.display(directive.key);
    if (!same) return true;
  }
  return false;
}

// What a request has set for a while ends here, and at a reload.
void RunningServer::restore_log_level() {
  parts_.log_level_until = TimePoint::max();
  log::Level level;
  if (log::parse_level(settings_.string(Key::log_level), level)) log::set_level(level);
}

// The answer that `sallyport reload` waits for.
void RunningServer::reload() {
  auto done = try_reload();
  if (done) {
    log::notice("reloaded");
  } else {
    log::error("reload: {}; the former configuration stays in use", done.error().text());
  }
  ReloadReport::write(prefix_, {.fault = done ? "" : done.error().text(), .file = conf_file_});
}

// At a reload, before anything is changed: a declarative file is read anew, a link to the database
// that has changed is tried.
Result<std::optional<postgres::LinkSettings>> RunningServer::renew_configuration(
    const conf::Settings& settings) {
  const std::string& database = settings.string(Key::database);
  if (database != settings_.string(Key::database)) {
    return fail("app.reload_database", Side::config,
                fmt::format("database = {} takes effect at a restart only", database),
                "use `sallyport restart`");
  }
  const std::string& flavor = settings.string(Key::router_flavor);
  if (flavor != settings_.string(Key::router_flavor)) {
    return fail("app.reload_flavor", Side::config,
                fmt::format("router_flavor = {} takes effect at a restart only", flavor),
                "use `sallyport restart`");
  }
  if (declared_) {
    if (auto loaded = declared_->load(settings); !loaded) return fail(loaded.error());
    return std::nullopt;
  }
  if (!link_changed(settings)) return std::nullopt;
  auto link = check_link(settings);
  if (!link) return fail(link.error());
  return std::move(*link);
}

// All or nothing. What may fail comes first; the new data plane runs before the old one stops
// accepting.
Result<void> RunningServer::try_reload() {
  if (quitting_.joinable()) return fail("app.reload", Side::config, "the node is draining");
  conf::Loaded loaded = reload_();
  // For whoever asks from another directory.
  conf_file_ = loaded.path.empty() ? "" : std::filesystem::absolute(loaded.path).string();
  if (!loaded.faults.empty()) {
    std::vector<std::string> faults;
    for (const conf::Fault& fault : loaded.faults) faults.push_back(fault.text());
    return fail("app.reload", Side::config, text::join(faults, "; "));
  }
  if (auto known = enabled_plugins(loaded.settings); !known) return fail(known.error());
  auto link = renew_configuration(loaded.settings);
  if (!link) return fail(link.error());
  auto gateway = start_gateway(loaded.settings);
  if (!gateway) return fail(gateway.error());
  settings_ = std::move(loaded.settings);
  retire(std::exchange(gateway_, std::move(*gateway)));
  parts_.gateway = gateway_.get();
  if (*link) start_link(settings_, **link);
  restore_log_level();
  for (const conf::Fault& warning : loaded.warnings) log::warn("{}", warning.text());
  return {};
}

}  // namespace

Result<std::unique_ptr<Server>> Server::start(conf::Settings settings,
                                              std::function<conf::Loaded()> reload,
                                              bool take_over) {
  auto server = std::make_unique<RunningServer>(std::move(settings), std::move(reload), take_over);
  if (auto started = server->start(); !started) return fail(started.error());
  return server;
}

}  // namespace sallyport::app
