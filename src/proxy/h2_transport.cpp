#include "proxy/h2_transport.h"

#include <utility>

#include "net/loop.h"
#include "proxy/h2_pipe.h"
#include "proxy/session.h"

namespace sallyport::proxy {
namespace {

// Then others on the loop have their turn.
constexpr int kRoundsAtOnce = 16;

H2Pipe& of(void* stream) {
  return *static_cast<H2Pipe*>(stream);
}

}  // namespace

H2Transport::H2Transport(net::StreamPtr stream, const http::H2Limits& limits,
                         http::H2Session::Role role)
    : stream_(std::move(stream)),
      session_(http::H2Session::create(limits, *this, role)),
      over_(session_ == nullptr),
      pump_timer_([](void* self) { static_cast<H2Transport*>(self)->pump(); }, this) {}

H2Transport::~H2Transport() {
  session_.reset();
  while (pipes_ != nullptr) remove(*pipes_);
}

net::Loop& H2Transport::loop() const {
  return stream_->loop();
}

Task<bool> H2Transport::read_all(net::BlockPtr received) {
  bool sound = session_ != nullptr;
  while (!over_) {
    if (received != nullptr) {
      pumping_ = true;
      if (!on_bytes_received() || !session_->receive(received->view(), loop().now())) over_ = true;
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
      over_ = true;
      sound = false;
    }
    received = std::move(next.block);
  }
  co_return sound;
}

Task<void> H2Transport::end_pipes() {
  ending_ = true;
  loop().timers().cancel(pump_timer_);
  stream_->cancel_drain();
  for (H2Pipe* pipe = pipes_; pipe != nullptr;) {
    if (pipe->open() && !pipe->told_) {
      pipe->fail();
      pipe = pipes_;
    } else {
      pipe = pipe->next_;
    }
  }
  struct LastClosed {
    H2Transport& transport;
    bool await_ready() const { return transport.open_ == 0; }
    void await_suspend(std::coroutine_handle<> waiting) const { transport.last_closed_ = waiting; }
    void await_resume() const {}
  };
  co_await LastClosed{*this};
}

void H2Transport::pump_soon() {
  if (pumping_ || ending_ || pump_timer_.scheduled()) return;
  loop().timers().schedule(pump_timer_, loop().now());
}

// May end the connection when it is not called by read_all().
void H2Transport::pump() {
  if (pumping_ || ending_) return;
  pumping_ = true;
  bool sound = true;
  bool more = true;
  // First what the session has to say itself: a stream that it refuses does not even start.
  sound = session_->send();
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
  on_settled();
  if (more) pump_soon();
  if (!may_write() && session_->has_output() && !waiting_for_room_) wait_for_room();
  if (over_) stream_->cancel_receive();
}

void H2Transport::say_last() {
  [[maybe_unused]] const bool sound = session_->send();
  flush();
}

void H2Transport::flush() {
  if (output_ != nullptr) stream_->queue(std::exchange(output_, nullptr));
  stream_->flush();
}

Detached H2Transport::wait_for_room() {
  waiting_for_room_ = true;
  co_await stream_->drained(kLowWater);
  waiting_for_room_ = false;
  pump_soon();
}

void H2Transport::settle_later(H2Pipe& pipe) {
  if (std::exchange(pipe.unsettled_, true)) return;
  pipe.next_unsettled_ = nullptr;
  (unsettled_ != nullptr ? last_unsettled_->next_unsettled_ : unsettled_) = &pipe;
  last_unsettled_ = &pipe;
}

void H2Transport::settle() {
  while (H2Pipe* pipe = unsettled_) {
    unsettled_ = pipe->next_unsettled_;
    pipe->unsettled_ = false;
    pipe->settle();
    if (pipe->over() && !pipe->unsettled_) remove(*pipe);
  }
}

void H2Transport::add(H2Pipe& pipe) {
  pipe.next_ = pipes_;
  if (pipes_ != nullptr) pipes_->prev_ = &pipe.next_;
  pipe.prev_ = &pipes_;
  pipes_ = &pipe;
  ++open_;
}

H2Pipe* H2Transport::find(int32_t id) const {
  for (H2Pipe* pipe = pipes_; pipe != nullptr; pipe = pipe->next_) {
    if (pipe->id() == id) return pipe;
  }
  return nullptr;
}

void H2Transport::remove(H2Pipe& pipe) {
  *pipe.prev_ = pipe.next_;
  if (pipe.next_ != nullptr) pipe.next_->prev_ = pipe.prev_;
  delete &pipe;
}

void H2Transport::on_pipe_closed(H2Pipe& pipe) {
  --open_;
  if (ending_) {
    if (open_ == 0 && last_closed_) std::exchange(last_closed_, nullptr).resume();
    return;
  }
  settle_later(pipe);
  pump_soon();
}

void H2Transport::on_body(void* stream, std::string_view payload) {
  of(stream).take_body(payload);
}

void H2Transport::on_body_end(void* stream, std::string_view trailers) {
  of(stream).end_body(trailers);
}

void H2Transport::on_sent(void* stream) {
  of(stream).on_sent();
}

void H2Transport::on_closed(void* stream, http::H2Error why) {
  of(stream).on_closed(why);
}

http::H2Owner::Ready H2Transport::ready_body(void* stream, size_t most) {
  return of(stream).ready_body(most);
}

void H2Transport::write_body(void* stream) {
  of(stream).write_body();
}

void H2Transport::write(std::string_view bytes) {
  progress_ = true;
  while (!bytes.empty()) {
    if (output_ == nullptr) output_ = loop().blocks().take();
    bytes.remove_prefix(output_->append(bytes));
    if (output_->room() == 0) stream_->queue(std::exchange(output_, nullptr));
  }
}

bool H2Transport::may_write() const {
  return stream_->unsent() <= kHighWater && !stream_->send_failed();
}

}  // namespace sallyport::proxy
