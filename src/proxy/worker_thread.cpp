#include "proxy/worker_thread.h"

#include <utility>

#include <pthread.h>

namespace sallyport::proxy {
namespace {

net::Resolver::Config resolver_config(const Options& options) {
  auto ms = [](Milliseconds time) { return static_cast<uint64_t>(time.count()); };
  return {.hosts_file = options.dns_hostsfile,
          .servers = options.dns_servers,
          .order = options.dns_order,
          .valid_ttl_ms = ms(options.dns_valid_ttl),
          .not_found_ttl_ms = ms(options.dns_not_found_ttl),
          .error_ttl_ms = ms(options.dns_error_ttl),
          .stale_ttl_ms = ms(options.dns_stale_ttl),
          .cache_size = options.dns_cache_size};
}

}  // namespace

WorkerThread::WorkerThread(const WorkerShared& shared, std::vector<WorkerListener> listeners,
                           bool checks_health)
    : shared_(shared), listeners_(std::move(listeners)), checks_health_(checks_health) {}

WorkerThread::~WorkerThread() {
  stop();
}

Result<void> WorkerThread::start(std::string* fallback,
                                 std::shared_ptr<const runtime::Snapshot> first) {
  std::promise<Started> promise;
  auto future = promise.get_future();
  thread_ = std::thread([this, &promise, first = std::move(first)] { run(promise, first); });
  Started started = future.get();
  if (fallback != nullptr) *fallback = std::move(started.fallback);
  return started.result;
}

// The loop belongs to the thread that makes it, io_uring's single issuer.
void WorkerThread::run(std::promise<Started>& started,
                       std::shared_ptr<const runtime::Snapshot> first) {
  ::pthread_setname_np(::pthread_self(), "sallyport-work");
  Started outcome;
  auto loop = net::Loop::create(shared_.options.io_backend, &outcome.fallback);
  if (!loop) {
    outcome.result = fail(loop.error());
    started.set_value(std::move(outcome));
    return;
  }
  auto resolver = net::Resolver::create(**loop, resolver_config(shared_.options));
  if (!resolver) {
    outcome.result = fail(resolver.error());
    started.set_value(std::move(outcome));
    return;
  }
  backend_ = (*loop)->backend().name();
  mailbox_ = (*loop)->mailbox();
  Worker worker(shared_, counters_, listeners_, std::move(*loop), std::move(*resolver),
                checks_health_);
  worker_ = &worker;
  if (first) take(std::move(first));
  started.set_value(std::move(outcome));
  worker.run();
}

void WorkerThread::post_snapshot(std::shared_ptr<const runtime::Snapshot> snapshot) {
  if (mailbox_ == nullptr) return;
  mailbox_->post([this, snapshot = std::move(snapshot)]() mutable { take(std::move(snapshot)); });
}

void WorkerThread::take(std::shared_ptr<const runtime::Snapshot> snapshot) {
  const uint64_t version = snapshot->version;
  worker_->replace_snapshot(std::move(snapshot));
  snapshot_version_.store(version, std::memory_order_release);
}

void WorkerThread::post_listen() {
  if (mailbox_ != nullptr) mailbox_->post([this] { worker_->listen(); });
}

void WorkerThread::post_drain(Milliseconds idle, std::function<void()> drained) {
  if (mailbox_ == nullptr) return;
  mailbox_->post([this, idle, drained = std::move(drained)]() mutable {
    worker_->drain(idle, std::move(drained));
  });
}

void WorkerThread::post_shorten_drain(Milliseconds idle) {
  if (mailbox_ != nullptr) mailbox_->post([this, idle] { worker_->shorten_drain(idle); });
}

void WorkerThread::stop() {
  if (!thread_.joinable()) return;
  if (mailbox_ != nullptr) mailbox_->post([this] { worker_->stop(); });
  thread_.join();
}

}  // namespace sallyport::proxy
