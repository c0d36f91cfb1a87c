#include "proxy/worker.h"

#include <cerrno>
#include <ctime>
#include <utility>

#include <unistd.h>

#include "base/log.h"
#include "base/memory_reserve.h"
#include "base/text.h"
#include "base/uuid.h"
#include "http/date.h"
#include "proxy/buffered_call.h"
#include "proxy/stream_session.h"
#include "proxy/udp_relay.h"

namespace sallyport::proxy {
namespace {

constexpr size_t kKeepExchanges = 1'024;  // as many streams as HTTP/2 clients keep busy
constexpr size_t kAccessLogBatch = 64 * 1024;
constexpr uint64_t kAccessLogDelayMs = 1'000;
constexpr size_t kShedAtOnce = 16;
constexpr size_t kLookAtOnce = 64;  // of client connections, for idle ones
constexpr uint64_t kRelieveEveryMs = 100;
constexpr uint64_t kWarningEveryMs = 10'000;

PoolLimits pool_limits(const Options& options) {
  return {
      .size = options.upstream_keepalive_pool_size,
      .max_requests = options.upstream_keepalive_max_requests,
      .idle_timeout_ms = static_cast<uint64_t>(options.upstream_keepalive_idle_timeout.count())};
}

// Workers must not begin with the same target.
uint64_t new_seed() {
  return balancer::hash_of(new_uuid());
}

}  // namespace

Worker::Worker(const WorkerShared& shared, WorkerCounters& counters,
               std::vector<WorkerListener>& listeners, std::unique_ptr<net::Loop> loop,
               std::unique_ptr<net::Resolver> resolver, bool checks_health)
    : shared_(shared),
      counters_(counters),
      listeners_(listeners),
      loop_(std::move(loop)),
      resolver_(std::move(resolver)),
      pools_(*loop_, pool_limits(shared.options)),
      targets_(*loop_, *resolver_, pools_, shared.options.health, new_seed(),
               static_cast<uint64_t>(shared.options.upstream_slow_start.count())),
      health_checker_(checks_health ? std::make_unique<HealthChecker>(*this) : nullptr),
      access_log_timer_([](void* self) { static_cast<Worker*>(self)->flush_access_log(); }, this) {}

Worker::~Worker() {
  loop_->timers().cancel(access_log_timer_);
  flush_access_log();
  while (Exchange* exchange = free_exchanges_) {
    free_exchanges_ = exchange->next_free;
    delete exchange;
  }
}

void Worker::run() {
  loop_->on_short_memory([](void* self) { static_cast<Worker*>(self)->relieve(); }, this);
  loop_->run();
  loop_->on_short_memory(nullptr, nullptr);
}

void Worker::on_accepted(void* owner, net::Listener&, int fd) {
  auto* self = static_cast<Acceptor*>(owner);
  if (self->listener->role == Role::stream) {
    StreamSession::start(*self->worker, *self->listener, fd);
  } else {
    Session::start(*self->worker, *self->listener, fd);
  }
}

void Worker::listen() {
  for (WorkerListener& listener : listeners_) acceptors_.push_back({this, &listener});
  for (Acceptor& acceptor : acceptors_) {
    if (net::DatagramSocket* datagrams = acceptor.listener->datagrams.get()) {
      udp_.push_back(std::make_unique<UdpRelay>(*this, *datagrams));
    } else {
      acceptor.listener->socket->start(*loop_, on_accepted, &acceptor);
    }
  }
}

void Worker::replace_snapshot(std::shared_ptr<const runtime::Snapshot> snapshot) {
  targets_.replace(std::move(snapshot));
  if (health_checker_ != nullptr) health_checker_->configure();
}

void Worker::drain(Milliseconds idle, std::function<void()> drained) {
  draining_ = true;
  health_checker_.reset();
  shorten_drain(idle);
  retire_listeners();
  drained_ = std::move(drained);
  check_drained();
}

void Worker::shorten_drain(Milliseconds idle) {
  drain_idle_ = static_cast<uint32_t>(idle.count());
  connections_.each([](ClientConnection& connection) { connection.begin_drain(); });
}

// Clients of UDP find the next generation, or nobody: their answers under way are lost.
void Worker::retire_listeners() {
  udp_.clear();
  retiring_ = 1;  // until all have been told
  for (WorkerListener& listener : listeners_) {
    listener.datagrams.reset();
    if (listener.socket == nullptr) continue;
    ++retiring_;
    listener.socket->retire([](void* self) { static_cast<Worker*>(self)->on_listener_closed(); },
                            this);
  }
  on_listener_closed();
}

void Worker::on_listener_closed() {
  --retiring_;
  check_drained();
}

void Worker::stop_listening() {
  udp_.clear();
  for (WorkerListener& listener : listeners_) {
    listener.datagrams.reset();
    if (listener.socket != nullptr) listener.socket->stop();
  }
}

void Worker::check_drained() {
  if (draining_ && retiring_ == 0 && connections_.empty() && drained_) {
    std::exchange(drained_, nullptr)();
  }
}

void Worker::stop() {
  draining_ = stopping_ = true;
  health_checker_.reset();
  stop_listening();
  http::BufferedResponse stopped;
  stopped.status = 503;
  const auto replies = replies_;
  for (PendingReply* reply : replies) {
    if (replies_.contains(reply)) reply->complete(stopped);
  }
  connections_.each([](ClientConnection& connection) { connection.say_goodbye(); });
  loop_->push_output();
  // Clients first: a session must not take the end of its upstream's connection for a fault of the
  // upstream, and say so.
  connections_.each([](ClientConnection& connection) { connection.fail(ECANCELED); });
  resolver_->cancel();
  loop_->fail_streams(ECANCELED);
  loop_->stop();
}

bool Worker::admits(const WorkerListener& listener, int fd) {
  if (listener.role == Role::admin || listener.role == Role::status) return true;
  const bool memory = !memory::is_short();
  if (memory && loop_->descriptors().enough_for_client(fd, loop_->now())) {
    if (places_made_ > 0) --places_made_;
    return true;
  }
  pools_.shed(kShedAtOnce);
  const bool admitted = memory && takes_idle_place(fd);
  if (!admitted) {
    ::close(fd);
    ++refused_;
  }
  warn_of_refusals(memory ? "nearly all file descriptors are in use. Raise the limit on open files "
                            "(ulimit -n, nginx_main_worker_rlimit_nofile)"
                          : "memory has run out");
  return admitted;
}

// The descriptors of those that are ended are free in a moment only: nobody else is ended before as
// many clients have come.
bool Worker::takes_idle_place(int fd) {
  if (places_made_ == 0) places_made_ = end_idle_clients();
  if (places_made_ == 0) return false;
  const bool enough = loop_->descriptors().enough_for_upstream(fd, loop_->now());
  places_made_ = enough ? places_made_ - 1 : 0;
  return enough;
}

size_t Worker::end_idle_clients() {
  size_t ended = 0;
  connections_.next(kLookAtOnce, [&ended](ClientConnection& connection) {
    if (connection.end_if_idle()) ++ended;
    return ended < kShedAtOnce;
  });
  refused_ += ended;
  return ended;
}

// Memory has run out. While half of the reserve is left, what is under way may end; then it is cut,
// the newest connections first, for all of it would be lost with the process.
void Worker::relieve() {
  const bool cut = memory::is_very_short();
  if (cut) {
    size_t left = connections_.size() / 4 + 1;
    refused_ += left;
    connections_.each([&left](ClientConnection& connection) {
      if (left > 0) connection.cut(), --left;
    });
  }
  warn_of_refusals("memory has run out");
  const uint64_t now = loop_->now();
  if (!cut && now < relieved_at_ + kRelieveEveryMs) return;
  relieved_at_ = now;
  pools_.shed(~size_t{0});
  loop_->blocks().trim();
  memory::recover();
}

void Worker::warn_of_refusals(std::string_view why) {
  if (warned_at_ != 0 && loop_->now() < warned_at_ + kWarningEveryMs) return;
  warned_at_ = loop_->now();
  log::warn("{} connections refused or cut: {}", std::exchange(refused_, 0), why);
}

bool Worker::accept_tls(net::Stream& stream, const WorkerListener& listener) {
  if (listener.tls == nullptr) return true;
  // The APIs have certificates of their own.
  const bool api = listener.role == Role::admin || listener.role == Role::status;
  return stream.accept_tls(*listener.tls, {.http = listener.role != Role::stream,
                                           .http2 = listener.http2,
                                           .certificates = api ? nullptr : this});
}

const net::ServerCertificate* Worker::certificate_for(std::string_view server_name) const {
  const runtime::Snapshot* snapshot = targets_.current();
  return snapshot != nullptr ? snapshot->certificates->find(server_name) : nullptr;
}

Exchange& Worker::take_exchange() {
  Exchange* exchange = free_exchanges_;
  if (exchange == nullptr) return *new Exchange;
  free_exchanges_ = exchange->next_free;
  --free_exchange_count_;
  return *exchange;
}

void Worker::give_back(Exchange& exchange) {
  if (free_exchange_count_ >= kKeepExchanges) {
    delete &exchange;
    return;
  }
  exchange.reset();
  exchange.next_free = free_exchanges_;
  free_exchanges_ = &exchange;
  ++free_exchange_count_;
}

std::string_view Worker::date() {
  if (const uint64_t second = loop_->now() / 1'000; second != date_second_) {
    date_second_ = second;
    date_ = http::format_date(std::time(nullptr));
  }
  return {date_.data(), date_.size()};
}

void Worker::add(ClientConnection& connection) {
  connections_.add(connection);
}

void Worker::remove(ClientConnection& connection) {
  connections_.remove(connection);
  check_drained();
}

std::string_view Worker::local_time() {
  if (const uint64_t second = loop_->now() / 1'000; second != local_time_second_) {
    local_time_second_ = second;
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    ::localtime_r(&now, &parts);
    char text[64];
    local_time_.assign(text, std::strftime(text, sizeof(text), "%d/%b/%Y:%H:%M:%S %z", &parts));
  }
  return local_time_;
}

void Worker::log_access(const Session& session, const Exchange& exchange) {
  if (session.listener().role != Role::proxy) return;
  const http::RequestHead& request = exchange.request;
  AccessLogEntry entry{.client_ip = exchange.client_ip,
                       .method = request.method_text,
                       .target = request.target,
                       .minor_version = request.minor_version,
                       .http2 = request.http2,
                       .status = exchange.status,
                       .body_sent = exchange.body_sent,
                       .referer = {},
                       .user_agent = {},
                       .request_id = exchange.id(),
                       .local_time = local_time()};
  if (const http::Header* agent = request.find(http::HeaderId::user_agent)) {
    entry.user_agent = agent->value;
  }
  for (const http::Header& field : request.fields()) {
    if (text::equals_ignore_case(field.name, "Referer")) entry.referer = field.value;
  }
  append_access_line(access_lines_, entry);
  flush_soon(access_lines_);
}

void Worker::log_stream(const StreamLogEntry& entry) {
  if (shared_.stream_access_log == nullptr) return;
  append_stream_line(stream_lines_, entry, local_time());
  flush_soon(stream_lines_);
}

void Worker::flush_soon(const std::string& lines) {
  if (lines.size() >= kAccessLogBatch) {
    flush_access_log();
  } else if (!access_log_timer_.scheduled()) {
    loop_->timers().schedule(access_log_timer_, loop_->now() + kAccessLogDelayMs);
  }
}

void Worker::flush_access_log() {
  for (auto [gathered, log] : {std::pair(&access_lines_, shared_.access_log),
                               std::pair(&stream_lines_, shared_.stream_access_log)}) {
    if (gathered->empty()) continue;
    std::string lines;
    lines.reserve(kAccessLogBatch + 4096);
    lines.swap(*gathered);
    log->write(std::move(lines));
  }
}

}  // namespace sallyport::proxy
