#include "proxy/health_checker.h"

#include <deque>
#include <utility>

#include "proxy/health_probe.h"
#include "proxy/worker.h"

namespace sallyport::proxy {
namespace {

// The peers that one round still has to ask. Shared by the coroutines that ask them, which go on
// when the round's watch is gone.
struct Round {
  Worker& worker;
  std::shared_ptr<BalancedUpstream> upstream;
  std::deque<balancer::PeerPtr> left;
  bool* running = nullptr;  // of the watch; null when that is gone
  uint32_t askers = 0;
};

Detached ask(std::shared_ptr<Round> round) {
  ++round->askers;
  while (!round->left.empty() && !round->worker.stopping()) {
    const balancer::PeerPtr peer = std::move(round->left.front());
    round->left.pop_front();
    const model::ActiveChecks checks = round->upstream->upstream().active;
    const auto outcome = co_await run_probe(
        {.loop = round->worker.loop(),
         .tls = checks.type == model::CheckType::https || checks.type == model::CheckType::grpcs
                    ? &round->worker.upstream_tls()
                    : nullptr,
         .verify_depth = round->worker.options().upstream_verify_depth,
         .identity = round->upstream->identity(),
         .checks = checks,
         .peer = peer,
         .host_header = round->upstream->upstream().host_header});
    if (outcome) round->upstream->report(*peer, *outcome, checks.thresholds);
  }
  if (--round->askers == 0 && round->running != nullptr) *round->running = false;
}

}  // namespace

// The checks of one upstream: two timers, for its healthy and its unhealthy targets.
class HealthChecker::Watch {
 public:
  Watch(Worker& worker, std::shared_ptr<BalancedUpstream> upstream)
      : worker_(worker), upstream_(std::move(upstream)) {}
  ~Watch() {
    for (Turn* turn : {&healthy_, &unhealthy_}) {
      worker_.loop().timers().cancel(turn->timer);
      if (turn->round != nullptr) turn->round->running = nullptr;
    }
  }

  void configure() {
    schedule(healthy_, upstream_->upstream().active.healthy_interval_ms);
    schedule(unhealthy_, upstream_->upstream().active.unhealthy_interval_ms);
  }

 private:
  struct Turn {
    Turn(Watch& its_watch, bool its_kind)
        : watch(its_watch),
          healthy(its_kind),
          timer([](void* self) { static_cast<Turn*>(self)->fire(); }, this) {}
    void fire() { watch.check(*this); }

    Watch& watch;
    bool healthy;
    uint32_t interval_ms = 0;
    bool running = false;
    std::shared_ptr<Round> round;
    net::Timer timer;
  };

  void schedule(Turn& turn, uint32_t interval_ms) {
    if (turn.interval_ms == interval_ms && turn.timer.scheduled()) return;
    turn.interval_ms = interval_ms;
    worker_.loop().timers().cancel(turn.timer);
    // The first round comes soon: a new target should not wait an interval to be known as broken.
    if (interval_ms != 0) arm(turn, std::min<uint32_t>(interval_ms, 100));
  }

  void arm(Turn& turn, uint32_t wait_ms) {
    worker_.loop().timers().schedule(turn.timer, worker_.loop().now() + wait_ms);
  }

  // A round that takes longer than the interval is not overtaken by the next.
  void check(Turn& turn) {
    arm(turn, std::max<uint32_t>(turn.interval_ms, 1));
    upstream_->ready();  // renews the names
    if (turn.running) return;
    auto round = std::make_shared<Round>(Round{worker_, upstream_, {}, &turn.running, 0});
    for (const balancer::PeerPtr& peer : upstream_->peers()) {
      if (peer->state->healthy() == turn.healthy) round->left.push_back(peer);
    }
    if (round->left.empty()) return;
    turn.running = true;
    turn.round = round;
    const uint64_t askers =
        std::min<uint64_t>(round->left.size(), upstream_->upstream().active.concurrency);
    for (uint64_t i = 0; i < askers; ++i) ask(round);
  }

  Worker& worker_;
  std::shared_ptr<BalancedUpstream> upstream_;
  Turn healthy_{*this, true};
  Turn unhealthy_{*this, false};
};

HealthChecker::HealthChecker(Worker& worker) : worker_(worker) {}
HealthChecker::~HealthChecker() = default;

void HealthChecker::configure() {
  std::unordered_map<BalancedUpstream*, std::unique_ptr<Watch>> watches;
  worker_.targets().each_upstream([&](BalancedUpstream& upstream) {
    upstream.ready();
    if (!upstream.upstream().active.on()) return;
    auto known = watches_.find(&upstream);
    auto& watch = watches[&upstream];
    watch = known != watches_.end() ? std::move(known->second)
                                    : std::make_unique<Watch>(worker_, upstream.shared_from_this());
    watch->configure();
  });
  watches_ = std::move(watches);
}

}  // namespace sallyport::proxy
