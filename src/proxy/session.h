// One client connection of HTTP/1, or one stream of HTTP/2: reads request heads, has each request
// served, keeps the connection or closes it so that the client sees its last answer. Lives on its
// worker's thread and frees itself. A waiting session holds no buffer: this object, its coroutine's
// frame and the stream are all.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/task.h"
#include "net/stream.h"
#include "proxy/client_connection.h"
#include "proxy/exchange.h"

namespace sallyport::proxy {

class H2Connection;
class Worker;
struct WorkerListener;

// Output that a slow peer may leave unsent before its source is made to wait.
inline constexpr size_t kHighWater = 64 * 1024;
inline constexpr size_t kLowWater = 16 * 1024;

class Session final : public ClientConnection, public Pooled {
 public:
  // Takes the descriptor of an accepted connection.
  static void start(Worker& worker, WorkerListener& listener, int fd);
  // Serves the one request of a stream of an HTTP/2 connection.
  static void serve_stream(H2Connection& connection, net::StreamPtr stream);

  Worker& worker() const { return worker_; }
  const WorkerListener& listener() const { return listener_; }
  net::Stream& stream() const { return *stream_; }
  // The client's connection itself, of which stream() may be one of many parts.
  net::Stream& transport() const { return transport_; }
  bool over_http2() const { return over_http2_; }
  std::string_view peer_ip() const { return peer_.ip(); }
  bool peer_trusted() const { return peer_.trusted; }
  const Peer& peer() const { return peer_; }
  std::string_view sni() const { return transport_.tls_server_name(); }

  // Whether the connection may serve another request after this one.
  bool may_keep_alive(const Exchange& exchange) const;

  void begin_drain() override;
  void fail(int error) override { stream_->fail(error); }
  void cut() override;
  bool end_if_idle() override;

 private:
  enum class State : uint8_t { starting, waiting, reading, writing };
  enum class HeadOutcome : uint8_t { complete, need_more, refused, timed_out, gone };

  Session(Worker& worker, WorkerListener& listener, const Peer& peer, net::StreamPtr stream,
          net::Stream* transport);
  ~Session();
  Detached run();
  // Not inlined: the frames of what few requests need would become part of that of run(), which
  // every idle connection keeps.
  [[gnu::noinline]] Task<bool> read_proxy_header();
  void enter(State state);
  void record(const Exchange& exchange);
  uint32_t idle_timeout() const;
  Task<net::Received> look_once_more();
  HeadOutcome parse_head(Exchange& exchange);
  bool body_begins_soundly(Exchange& exchange) const;
  bool speaks_http2(const Exchange& exchange) const;
  [[gnu::noinline]] Task<HeadOutcome> read_rest_of_head(Exchange& exchange);
  void split_body(Exchange& exchange);
  [[gnu::noinline]] Task<bool> answer_bad_head(Exchange& exchange, HeadOutcome outcome);
  bool client_speaks_plain_http() const;
  [[gnu::noinline]] Task<void> refuse_plain_http();
  [[gnu::noinline]] Task<void> close_gently(bool linger);

  Worker& worker_;
  WorkerListener& listener_;
  net::StreamPtr stream_;
  net::Stream& transport_;
  Peer peer_;
  const bool over_http2_;
  uint32_t requests_ = 0;
  State state_ = State::starting;
};

}  // namespace sallyport::proxy
