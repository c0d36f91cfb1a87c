// One client connection: reads request heads, has each request served, keeps the connection or
// closes it so that the client sees its last answer. Lives on its worker's thread and frees itself.
// A waiting session holds no buffer: this object, its coroutine's frame and the stream are all.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/task.h"
#include "net/address.h"
#include "net/stream.h"
#include "proxy/exchange.h"

namespace sallyport::proxy {

class Worker;
struct WorkerListener;

// Output that a slow peer may leave unsent before its source is made to wait.
inline constexpr size_t kHighWater = 64 * 1024;
inline constexpr size_t kLowWater = 16 * 1024;
// How long a connection that is idle when the worker drains may still bring its next request: long
// enough that a client which sent one just then gets its answer.
inline constexpr uint32_t kDrainIdleMs = 1'000;

class Session {
 public:
  // Takes the descriptor of an accepted connection.
  static void start(Worker& worker, WorkerListener& listener, int fd);

  Worker& worker() const { return worker_; }
  const WorkerListener& listener() const { return listener_; }
  net::Stream& stream() const { return *stream_; }
  std::string_view peer_ip() const { return {peer_ip_.data(), peer_ip_size_}; }
  bool peer_trusted() const { return peer_trusted_; }
  std::string_view sni() const { return stream_->tls_server_name(); }

  // Whether the connection may serve another request after this one.
  bool may_keep_alive(const Exchange& exchange) const;

  // The worker is draining: an idle connection has this long to send its last request.
  void shorten_idle(uint32_t timeout_ms);

 private:
  friend class SessionList;
  enum class State : uint8_t { starting, waiting, reading, writing };
  enum class HeadOutcome : uint8_t { complete, need_more, refused, timed_out, gone };

  Session(Worker& worker, WorkerListener& listener, net::StreamPtr stream);
  ~Session();
  void learn_peer();
  Detached run();
  void enter(State state);
  uint32_t idle_timeout() const;
  HeadOutcome parse_head(Exchange& exchange);
  Task<HeadOutcome> read_rest_of_head(Exchange& exchange);
  void split_body(Exchange& exchange);
  Task<bool> answer_bad_head(Exchange& exchange, HeadOutcome outcome);
  Task<void> close_gently(bool linger);

  Worker& worker_;
  WorkerListener& listener_;
  net::StreamPtr stream_;
  uint32_t requests_ = 0;
  State state_ = State::starting;
  bool peer_trusted_ = false;
  uint8_t peer_ip_size_ = 0;
  std::array<char, 46> peer_ip_;  // INET6_ADDRSTRLEN
  Session* next_ = nullptr;       // in the worker's list
  Session* prev_ = nullptr;
};

// The open sessions of a worker.
class SessionList {
 public:
  void add(Session& session);
  void remove(Session& session);
  bool empty() const { return first_ == nullptr; }
  template <typename Visit>
  void each(Visit visit) {
    for (Session* session = first_; session != nullptr;) {
      Session* next = session->next_;
      visit(*session);
      session = next;
    }
  }

 private:
  Session* first_ = nullptr;
};

}  // namespace sallyport::proxy
