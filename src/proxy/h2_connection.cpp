#include "proxy/h2_connection.h"

#include <algorithm>
#include <utility>

#include "proxy/h2_stream.h"
#include "proxy/session.h"
#include "proxy/worker.h"

namespace sallyport::proxy {
namespace {

// Then others on the loop have their turn.
constexpr int kRoundsAtOnce = 16;

// What a client may still send after our last word; more than its windows is no accident.
constexpr size_t kMostDropped = 256 * 1024;

http::H2Limits limits_of(const Options& options) {
  return {.max_streams = options.http2_max_concurrent_streams,
          .stream_window = options.http2_body_preread_size,
          .max_head = options.limits.max_head};
}

H2Stream& of(void* stream) {
  return *static_cast<H2Stream*>(stream);
}

}  // namespace

void H2Connection::start(Worker& worker, WorkerListener& listener, const Peer& peer,
                         net::StreamPtr stream, net::BlockPtr received) {
  auto* connection = new H2Connection(worker, listener, peer, std::move(stream));
  connection->run(std::move(received));
}

H2Connection::H2Connection(Worker& worker, WorkerListener& listener, const Peer& peer,
                           net::StreamPtr stream)
    : worker_(worker),
      listener_(listener),
      peer_(peer),
      stream_(std::move(stream)),
      session_(http::H2Session::create(limits_of(worker.options()), *this)),
      idle_since_(worker.loop().now()),
      pump_timer_([](void* self) { static_cast<H2Connection*>(self)->pump(); }, this),
      drain_timer_([](void* self) { static_cast<H2Connection*>(self)->on_drain_over(); }, this) {
  worker_.count().active.add();
  worker_.add(*this);
}

H2Connection::~H2Connection() {
  if (idle_) worker_.count().waiting.subtract();
  worker_.count().active.subtract();
  session_.reset();
  while (streams_ != nullptr) remove(*streams_);
  worker_.remove(*this);
}

Detached H2Connection::run(net::BlockPtr received) {
  bool broken = session_ == nullptr;
  over_ = broken;
  while (!over_) {
    if (received != nullptr) {
      pumping_ = true;
      if (!session_->receive(received->view(), worker_.loop().now())) over_ = true;
      received.reset();
      pumping_ = false;
      pump();
      continue;
    }
    net::Received next = co_await stream_->receive(idle_time_left());
    if (next.status == net::IoStatus::timed_out) {
      session_->end();
      over_ = true;
      pump();
    } else if (next.status == net::IoStatus::eof || next.status == net::IoStatus::failed) {
      over_ = broken = true;
    }
    received = std::move(next.block);
  }
  co_await finish(broken);
  delete this;
}

// Every stream's session ends before the connection does.
Task<void> H2Connection::finish(bool broken) {
  ending_ = true;
  worker_.loop().timers().cancel(pump_timer_);
  worker_.loop().timers().cancel(drain_timer_);
  stream_->cancel_drain();
  for (H2Stream* stream = streams_; stream != nullptr;) {
    if (stream->open() && !stream->told_) {
      stream->fail();
      stream = streams_;
    } else {
      stream = stream->next_;
    }
  }
  struct LastClosed {
    H2Connection& connection;
    bool await_ready() const { return connection.open_ == 0; }
    void await_suspend(std::coroutine_handle<> waiting) const { connection.last_closed_ = waiting; }
    void await_resume() const {}
  };
  co_await LastClosed{*this};
  if (!broken) co_await close_gently();
}

// As Session does it: unread bytes must not reset what the client has not read yet.
Task<void> H2Connection::close_gently() {
  stream_->finish_output();
  if (co_await stream_->drained(0) != net::IoStatus::ok) co_return;
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

void H2Connection::pump_soon() {
  if (pumping_ || ending_ || pump_timer_.scheduled()) return;
  worker_.loop().timers().schedule(pump_timer_, worker_.loop().now());
}

// May end the connection when it is not called by run().
void H2Connection::pump() {
  if (pumping_ || ending_) return;
  pumping_ = true;
  bool sound = true;
  bool more = true;
  for (int round = 0; more && sound && round < kRoundsAtOnce; ++round) {
    settle();
    progress_ = !may_write();  // then flush() may make room
    sound = session_->send();
    if (unsettled_ == nullptr) flush();
    more = unsettled_ != nullptr || (progress_ && session_->has_output() && may_write());
  }
  if (more) flush();
  pumping_ = false;
  if (!sound || session_->finished() || stream_->send_failed()) over_ = true;
  note_idleness();
  if (more) pump_soon();
  if (!may_write() && session_->has_output() && !waiting_for_room_) wait_for_room();
  if (over_) stream_->cancel_receive();
}

void H2Connection::flush() {
  if (output_ != nullptr) stream_->queue(std::exchange(output_, nullptr));
  stream_->flush();
}

Detached H2Connection::wait_for_room() {
  waiting_for_room_ = true;
  co_await stream_->drained(kLowWater);
  waiting_for_room_ = false;
  pump_soon();
}

void H2Connection::settle_later(H2Stream& stream) {
  if (std::exchange(stream.unsettled_, true)) return;
  stream.next_unsettled_ = nullptr;
  (unsettled_ != nullptr ? last_unsettled_->next_unsettled_ : unsettled_) = &stream;
  last_unsettled_ = &stream;
}

void H2Connection::settle() {
  while (H2Stream* stream = unsettled_) {
    unsettled_ = stream->next_unsettled_;
    stream->unsettled_ = false;
    stream->settle();
    if (stream->over() && !stream->unsettled_) remove(*stream);
  }
}

void H2Connection::remove(H2Stream& stream) {
  *stream.prev_ = stream.next_;
  if (stream.next_ != nullptr) stream.next_->prev_ = stream.prev_;
  delete &stream;
}

void H2Connection::on_pipe_closed(H2Stream& stream) {
  --open_;
  if (ending_) {
    if (open_ == 0 && last_closed_) std::exchange(last_closed_, nullptr).resume();
    return;
  }
  settle_later(stream);
  pump_soon();
}

// An idle connection has its time from when it became idle: what it says meanwhile, pings or half
// frames, gives it no more.
void H2Connection::note_idleness() {
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

// A client that has sent a request just now still gets its answer.
void H2Connection::begin_drain() {
  if (over_ || drain_timer_.scheduled()) return;
  session_->announce_end();
  worker_.loop().timers().schedule(drain_timer_, worker_.loop().now() + kDrainIdleMs);
  pump_soon();
}

void H2Connection::on_drain_over() {
  session_->end();
  pump();
}

void* H2Connection::on_request(int32_t id, const http::H2Head& head) {
  const Options& options = worker_.options();
  // Sessions may outlive streams that were taken back.
  if (open_ >= 2 * options.http2_max_concurrent_streams) return nullptr;
  auto* stream = new H2Stream(*this, id, head);
  stream->next_ = streams_;
  if (streams_ != nullptr) streams_->prev_ = &stream->next_;
  stream->prev_ = &streams_;
  streams_ = stream;
  ++open_;
  if (++requests_ == options.keepalive_requests) session_->end();
  settle_later(*stream);
  return stream;
}

void H2Connection::on_body(void* stream, std::string_view payload) {
  of(stream).take_body(payload);
}

void H2Connection::on_body_end(void* stream) {
  of(stream).end_body();
}

void H2Connection::on_answered(void* stream) {
  of(stream).on_answered();
}

void H2Connection::on_closed(void* stream, bool failed) {
  of(stream).on_closed(failed);
}

http::H2Owner::Ready H2Connection::ready_body(void* stream, size_t most) {
  return of(stream).ready_body(most);
}

void H2Connection::write_body(void* stream) {
  of(stream).write_body();
}

void H2Connection::write(std::string_view bytes) {
  progress_ = true;
  while (!bytes.empty()) {
    if (output_ == nullptr) output_ = worker_.loop().blocks().take();
    bytes.remove_prefix(output_->append(bytes));
    if (output_->room() == 0) stream_->queue(std::exchange(output_, nullptr));
  }
}

bool H2Connection::may_write() const {
  return stream_->unsent() <= kHighWater && !stream_->send_failed();
}

}  // namespace sallyport::proxy
