#include "proxy/h2_connection.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/memory_reserve.h"
#include "proxy/h2_stream.h"
#include "proxy/session.h"
#include "proxy/worker.h"

namespace sallyport::proxy {
namespace {

// What a client may still send after our last word; more than its windows is no accident.
constexpr size_t kMostDropped = 256 * 1024;
// What a client has sent before it heard that it has had its number of requests is served, too.
constexpr uint32_t kLastRequestsMs = 1'000;

http::H2Limits limits_of(const Options& options) {
  return {.max_streams = options.http2_max_concurrent_streams,
          .stream_window = options.http2_body_preread_size,
          .max_head = options.limits.max_head,
          .max_field_line = options.limits.max_field_line};
}

}  // namespace

void H2Connection::start(Worker& worker, WorkerListener& listener, const Peer& peer,
                         net::StreamPtr stream, net::BlockPtr received) {
  auto* connection = new H2Connection(worker, listener, peer, std::move(stream));
  if (worker.draining()) connection->wait_for_goodbye(kDrainFirstMs);
  connection->run(std::move(received));
}

H2Connection::H2Connection(Worker& worker, WorkerListener& listener, const Peer& peer,
                           net::StreamPtr stream)
    : H2Transport(std::move(stream), limits_of(worker.options()), http::H2Session::Role::server),
      worker_(worker),
      listener_(listener),
      peer_(peer),
      idle_since_(worker.loop().now()),
      drain_timer_([](void* self) { static_cast<H2Connection*>(self)->on_drain_timer(); }, this) {
  worker_.count().active.add();
  worker_.add(*this);
}

H2Connection::~H2Connection() {
  if (idle_) worker_.count().waiting.subtract();
  worker_.count().active.subtract();
  worker_.remove(*this);
}

Detached H2Connection::run(net::BlockPtr received) {
  const bool sound = co_await read_all(std::move(received));
  worker_.loop().timers().cancel(drain_timer_);
  // Every stream's session ends before the connection does.
  co_await end_pipes();
  if (sound) co_await close_gently();
  delete this;
}

// As Session does it: unread bytes must not reset what the client has not read yet.
Task<void> H2Connection::close_gently() {
  stream_->finish_output();
  if (co_await stream_->drained(0) != net::IoStatus::ok || !lingers_) co_return;
  stream_->shutdown_send();
  const uint64_t deadline =
      worker_.loop().now() + static_cast<uint64_t>(worker_.options().linger_timeout.count());
  for (size_t left = kMostDropped; left > 0;) {
    const uint64_t now = worker_.loop().now();
    if (now >= deadline || worker_.stopping()) co_return;
    net::Received dropped = co_await stream_->receive(static_cast<uint32_t>(deadline - now));
    if (dropped.status != net::IoStatus::ok) co_return;
    left -= std::min<size_t>(left, dropped.block->size());
  }
}

// An idle connection has its time from when it became idle: what it says meanwhile, pings or half
// frames, gives it no more.
void H2Connection::on_settled() {
  if (idle_ == (open_ == 0)) return;
  idle_ = open_ == 0;
  if (!idle_) return worker_.count().waiting.subtract();
  worker_.count().waiting.add();
  idle_since_ = worker_.loop().now();
  stream_->rearm_receive(idle_time_left());
}

uint32_t H2Connection::idle_time_left() const {
  if (open_ > 0) return 0;
  const Options& options = worker_.options();
  const auto limit = requests_ == 0 ? options.header_timeout : options.keepalive_timeout;
  const uint64_t end = idle_since_ + static_cast<uint64_t>(limit.count());
  const uint64_t now = worker_.loop().now();
  return end > now ? static_cast<uint32_t>(end - now) : 1;
}

void H2Connection::wait_for_goodbye(uint32_t ms) {
  worker_.loop().timers().schedule(drain_timer_, worker_.loop().now() + ms);
}

// RFC 9113 section 6.8: first that the end comes, so that a client which has sent a request just
// now still gets its answer, then which request was the last.
void H2Connection::announce_end(uint32_t ms) {
  if (over_ || std::exchange(announced_, true)) return;
  session_->announce_end();
  wait_for_goodbye(ms);
  pump_soon();
}

void H2Connection::begin_drain() {
  announce_end(std::min(worker_.drain_idle(), kDrainFirstMs));
}

void H2Connection::say_goodbye() {
  if (over_) return;
  session_->end();
  pump();
}

void H2Connection::cut() {
  if (listener_.role == Role::proxy) fail(ENOMEM);
}

bool H2Connection::end_if_idle() {
  if (listener_.role != Role::proxy || !idle_ || over_) return false;
  if (worker_.loop().now() < idle_since_ + kIdleEnoughMs || stream_->has_unseen()) return false;
  lingers_ = false;
  session_->end();
  pump();
  return true;
}

void H2Connection::on_drain_timer() {
  if (!announced_) return begin_drain();
  session_->end();
  pump();
}

void* H2Connection::on_request(int32_t id, const http::H2Head& head) {
  const Options& options = worker_.options();
  // Sessions may outlive streams that were taken back.
  if (open_ >= 2 * options.http2_max_concurrent_streams) return nullptr;
  if (memory::is_short() && listener_.role == Role::proxy) return nullptr;
  auto stream = std::make_unique<H2Stream>(*this, id, head);
  H2Pipe* pipe = stream.release();
  add(*pipe);
  if (++requests_ == options.keepalive_requests) announce_end(kLastRequestsMs);
  if (worker_.draining()) begin_drain();  // one that came to a worker which drains already
  settle_later(*pipe);
  return pipe;
}

}  // namespace sallyport::proxy
