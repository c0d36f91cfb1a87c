// One HTTP/2 connection of the gateway, to a client or to an upstream: moves bytes between its
// socket and the HTTP/2 session, and what the session says between that and the pipes that stand
// for its streams. The worker's thread; whoever derives from it decides about its life.
#pragma once

#include <array>
#include <coroutine>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/task.h"
#include "http/h2_session.h"
#include "net/stream.h"
#include "net/timer_wheel.h"

namespace sallyport::proxy {

class H2Pipe;

// For heads that the gateway itself has written into a pipe.
inline constexpr http::Limits kOurOwnHeads{.max_request_line = 1 << 20,
                                           .max_field_line = 1 << 20,
                                           .max_head = 1 << 20,
                                           .max_headers = http::kMaxHeaders};

// Where the payload of one frame is, between H2Pipe::ready_body() and write_body().
struct H2Pieces {
  std::array<std::string_view, 16> all;
  size_t count = 0;
};

class H2Transport : protected http::H2Owner {
 public:
  H2Transport(const H2Transport&) = delete;
  H2Transport& operator=(const H2Transport&) = delete;

  net::Stream& transport() const { return *stream_; }
  net::Loop& loop() const;

  // --- For its pipes.
  http::H2Session& session() const { return *session_; }
  // H2Pipe::settle() before anything else happens on the connection.
  void settle_later(H2Pipe& pipe);
  // What the HTTP/2 session has to say goes out before the loop waits.
  void pump_soon();
  void put(std::string_view bytes) { write(bytes); }
  H2Pieces& pieces() { return pieces_; }
  void on_pipe_closed(H2Pipe& pipe);

 protected:
  H2Transport(net::StreamPtr stream, const http::H2Limits& limits, http::H2Session::Role role);
  virtual ~H2Transport();

  // Reads until the connection is over: `received` first. False when it broke.
  Task<bool> read_all(net::BlockPtr received);
  // What is still open fails; returns when nobody holds a pipe any more.
  Task<void> end_pipes();
  void pump();
  // What there is to say goes out, once everything has ended.
  void say_last();
  void add(H2Pipe& pipe);
  H2Pipe* find(int32_t id) const;  // null: none

  // Milliseconds that the connection may say nothing, 0: for ever. Asked for when it waits.
  virtual uint32_t idle_time_left() const = 0;
  // Everything has been told that there was to tell.
  virtual void on_settled() = 0;
  // The peer has sent something. False ends the connection.
  virtual bool on_bytes_received() { return true; }

  // http::H2Owner
  void* on_request(int32_t, const http::H2Head&) override { return nullptr; }
  void on_response(void*, const http::H2Head&) override {}
  void on_unsent(int32_t) override {}
  void on_body(void* stream, std::string_view payload) override;
  void on_body_end(void* stream, std::string_view trailers) override;
  void on_sent(void* stream) override;
  void on_closed(void* stream, http::H2Error why) override;
  Ready ready_body(void* stream, size_t most) override;
  void write_body(void* stream) override;
  void write(std::string_view bytes) override;
  bool may_write() const override;

  net::StreamPtr stream_;
  std::unique_ptr<http::H2Session> session_;
  H2Pipe* pipes_ = nullptr;
  uint32_t open_ = 0;    // pipes that somebody holds
  bool over_ = false;    // nothing more is read
  bool ending_ = false;  // nothing more is written by pump()

 private:
  void flush();
  void settle();
  void remove(H2Pipe& pipe);
  Detached wait_for_room();

  net::BlockPtr output_;  // gathers what is written
  H2Pieces pieces_;
  H2Pipe* unsettled_ = nullptr;  // first in, first out
  H2Pipe* last_unsettled_ = nullptr;
  bool pumping_ = false;
  bool progress_ = false;
  bool waiting_for_room_ = false;
  net::Timer pump_timer_;
  std::coroutine_handle<> last_closed_;  // waits for open_ to become 0
};

}  // namespace sallyport::proxy
