// One connected socket on a loop: bytes come as blocks and go as blocks, whatever the backend. A
// coroutine waits for bytes, or for its output to drain; starting to send never waits. The loop's
// thread only. Owned through StreamPtr; giving it up closes the socket.
#pragma once

#include <coroutine>
#include <cstdint>
#include <memory>

#include "net/block.h"
#include "net/timer_wheel.h"
#include "net/tls_filter.h"

namespace sallyport::net {

class Loop;
class StreamBackend;

enum class IoStatus : uint8_t {
  ok,
  eof,  // the peer will send no more
  timed_out,
  cancelled,  // by cancel_receive() or cancel_drain()
  failed,     // error() says why
};

struct Received {
  BlockPtr block;  // set with IoStatus::ok only, never empty
  IoStatus status = IoStatus::ok;
};

// As much as receive_small() lets one receive take.
inline constexpr uint32_t kSmallReceive = 4 * 1024;
// Received bytes that nobody has asked for yet are bounded by this and one block.
inline constexpr uint32_t kReceiveWindow = 4 * kBlockSize;

class Stream {
 public:
  Stream(Loop& loop, StreamBackend& backend, int fd);
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream();

  Loop& loop() const { return loop_; }
  int fd() const { return fd_; }  // -1 for a stream inside another connection
  // errno of what broke, 0 while nothing did.
  int error() const { return receive_error_ != 0 ? receive_error_ : send_error_; }
  bool send_failed() const { return send_error_ != 0; }

  // The next bytes. One coroutine at a time. `timeout_ms` 0: none.
  auto receive(uint32_t timeout_ms);
  // Gives the coroutine that waits a new timeout, counted from now; 0: none.
  void rearm_receive(uint32_t timeout_ms) { set_deadline(receive_deadline_, timeout_ms); }
  // When receive() gives up, on the loop's clock; 0: never. While a coroutine waits in it.
  uint64_t receive_deadline() const { return receive_deadline_; }
  // The bytes that are here already, or null.
  BlockPtr try_receive() { return received_.pop(); }
  // Puts bytes back in front of those that receive() will give.
  void unread(BlockPtr block) { received_.push_front(std::move(block)); }
  bool has_received() const { return !received_.empty(); }
  // Asks the kernel for bytes that came after the loop last looked; false inside another
  // connection.
  bool has_unseen() const;
  // The waiting coroutine gets IoStatus::cancelled, before this returns.
  void cancel_receive();
  // For splice(): while a stream is lent, nobody but the borrower takes bytes from its socket, and
  // readable() waits for them as receive() does, in a later round. Only while nothing is being
  // received (pipe_between()).
  void lend(bool on);
  auto readable(uint32_t timeout_ms);
  // While on, a receive takes at most kSmallReceive bytes: the head of a message, and as little as
  // may be of a body that splice() is to move.
  void receive_small(bool on);

  // While nobody waits for bytes: `notice` is called when the peer has gone(), with `any` also when
  // bytes arrive. One at a time; ends by unwatch() or when it was called.
  using Notice = void (*)(void* owner);
  void watch_any(Notice notice, void* owner) { watch(notice, owner, true); }
  void watch_gone(Notice notice, void* owner) { watch(notice, owner, false); }
  void unwatch() { notice_ = nullptr; }
  // The connection is broken, or its peer has said that it sends no more, whatever came before and
  // was not asked for. The end of a stream inside another connection says nothing of the peer.
  bool gone() const { return receive_error_ != 0 || (fd_ >= 0 && (ended_ || kernel.hung_up)); }

  // Appends to the output; nothing is sent before flush(). Dropped after an error. With TLS,
  // unsent() and drained() count ciphertext.
  void queue(BlockPtr block);
  void flush() {
    if (!sending_ && !output_.empty()) start_sending();
  }
  size_t unsent() const { return output_.bytes() + (tls_ ? tls_->waiting() : 0); }
  // How long one write may make no progress; 0: for ever.
  void set_send_timeout(uint32_t ms) { send_timeout_ = ms; }
  // Waits until at most `level` bytes are unsent: IoStatus::ok, timed_out, cancelled or failed.
  auto drained(size_t level);
  void cancel_drain();
  // Waits, in a later round and no longer than the send timeout, until the socket takes bytes
  // again. For splice(): nothing is queued.
  auto writable();
  // From here on splice() does not block on the socket; the loop does not mind.
  void make_nonblocking();

  // From here on everything is TLS. Before any byte has come or gone. False when memory is short.
  // The handshake needs no waiting for: bytes that are queued go when it is done, and a failure
  // ends the stream.
  bool accept_tls(const TlsContext& context, const TlsAccept& options);
  bool connect_tls(const TlsContext& context, const TlsConnect& options);
  // After a fault of a handshake: what comes and goes from here on is plain again.
  void leave_tls();
  // Waits for the end of the handshake: IoStatus::ok, or as receive() says; tls_fault() says why.
  auto handshake(uint32_t timeout_ms);
  // Null: plain.
  const TlsFilter* tls() const { return tls_.get(); }
  // Null while nothing of TLS is wrong.
  const TlsFault* tls_fault() const { return tls_ ? tls_->fault() : nullptr; }
  // What the client of a TLS server asked for by SNI; "" for none.
  std::string_view tls_server_name() const { return tls_ ? tls_->server_name() : ""; }
  // Whether both sides agreed on HTTP/2 by ALPN.
  bool tls_http2() const { return tls_ && tls_->http2(); }

  // The last of the output: tells a TLS peer so.
  void finish_output();
  // FIN, after the output has drained.
  void shutdown_send();
  // Makes close() send RST, so that the peer cannot take a cut message for a whole one.
  void reset_on_close();
  // Ends both directions with an error for whoever waits.
  void fail(int error);
  void close();

  // --- For the backends.
  struct KernelState {
    uint8_t in_flight = 0;  // io_uring: operations whose completion is still to come
    bool receive_armed = false;
    bool send_armed = false;
    bool send_at_once = false;  // io_uring: it does not wait for room
    bool connect_armed = false;
    bool readable = false;    // epoll: the kernel may have bytes
    bool hung_up = false;     // epoll: an end or error follows the bytes
    bool read_ahead = false;  // epoll: bytes were read that the stream is soon to be given
    bool writable_wait = false;
    bool poll_receive_armed = false;  // io_uring
    bool poll_send_armed = false;
    bool nonblocking = false;     // whatever the backend's sockets are
    bool small_receives = false;  // receive_small()
    uint8_t budget = 0;           // epoll: reads left before others get their turn
    bool closed = false;
    void* send_vector = nullptr;  // io_uring: the msghdr of a send of several blocks
  };
  KernelState kernel;

  void on_data(BlockPtr block) {
    if (tls_ == nullptr) {
      received_.push(std::move(block));
    } else {
      take_ciphertext(std::move(block));
    }
  }
  // By copy, behind what is there already.
  void on_bytes(std::string_view bytes);
  void on_end() { ended_ = true; }
  void on_receive_error(int error);
  void on_sent(size_t bytes);
  void on_send_error(int error);
  void on_connected(int error);
  bool wanted() const { return receiver_ != nullptr || notice_ != nullptr; }
  bool watched_for_breaking() const { return notice_ != nullptr && !notice_any_; }
  bool receive_ready() const {
    return !received_.empty() || ended_ || receive_error_ != 0 ||
           (shaking_hands_ && tls_->established());
  }
  size_t received_bytes() const { return received_.bytes(); }
  const BlockQueue& output() const { return output_; }
  void wake_receiver();
  // Polled: wakes those who wait in readable() and writable(); nobody else.
  bool lent() const { return lent_; }
  bool polling_send() const { return polling_send_; }
  void on_readable();
  void on_writable();

 private:
  friend class Loop;
  struct ReceiveAwaiter;
  struct HandshakeAwaiter;
  struct DrainAwaiter;
  struct ReadableAwaiter;
  struct WritableAwaiter;

  bool ready_to_receive();
  Received take_received();
  void poll_receive();
  void poll_send();
  IoStatus take_poll();
  bool ready_for_handshake();
  IoStatus take_handshake();
  void start_sending();
  void watch(Notice notice, void* owner, bool any);
  void call_notice();
  bool receive_until_ready();
  void take_ciphertext(BlockPtr block);
  void move_tls_output();
  void wait_for_output(std::coroutine_handle<> waiting);
  void wake_drainer();
  void set_deadline(uint64_t& deadline, uint32_t timeout_ms);
  void on_timer();

  Loop& loop_;
  StreamBackend& backend_;
  int fd_;
  int receive_error_ = 0;
  int send_error_ = 0;
  BlockQueue received_;
  BlockQueue output_;
  std::coroutine_handle<> receiver_;
  std::coroutine_handle<> drainer_;  // also waits for connect
  Notice notice_ = nullptr;
  void* notice_owner_ = nullptr;
  uint64_t receive_deadline_ = 0;  // milliseconds of the loop's clock; 0: none
  uint64_t send_deadline_ = 0;
  uint32_t send_timeout_ = 0;
  uint32_t drain_level_ = 0;
  bool ended_ = false;
  bool sending_ = false;
  bool notice_any_ = false;
  bool lent_ = false;
  bool polling_receive_ = false;
  bool polling_send_ = false;
  bool shaking_hands_ = false;  // whom receiver_ is waits for the end of a handshake
  IoStatus receive_outcome_ = IoStatus::ok;
  IoStatus drain_outcome_ = IoStatus::ok;
  std::unique_ptr<TlsFilter> tls_;
  Timer timer_;
  Stream* next_ = nullptr;  // in the loop's list of streams
  Stream** prev_ = nullptr;
};

struct StreamCloser {
  void operator()(Stream* stream) const noexcept { stream->close(); }
};
using StreamPtr = std::unique_ptr<Stream, StreamCloser>;

struct Stream::ReceiveAwaiter {
  Stream& stream;
  uint32_t timeout_ms;
  bool await_ready() const { return stream.ready_to_receive(); }
  void await_suspend(std::coroutine_handle<> waiting) const {
    stream.receiver_ = waiting;
    stream.set_deadline(stream.receive_deadline_, timeout_ms);
  }
  Received await_resume() const { return stream.take_received(); }
};

struct Stream::DrainAwaiter {
  Stream& stream;
  size_t level;
  bool await_ready() const { return stream.send_error_ != 0 || stream.unsent() <= level; }
  void await_suspend(std::coroutine_handle<> waiting) const {
    stream.wait_for_output(waiting);
    stream.drain_level_ = static_cast<uint32_t>(level);
  }
  IoStatus await_resume() const {
    if (stream.drain_outcome_ != IoStatus::ok) {
      return std::exchange(stream.drain_outcome_, IoStatus::ok);
    }
    return stream.send_error_ != 0 ? IoStatus::failed : IoStatus::ok;
  }
};

struct Stream::HandshakeAwaiter {
  Stream& stream;
  uint32_t timeout_ms;
  bool await_ready() const { return stream.ready_for_handshake(); }
  void await_suspend(std::coroutine_handle<> waiting) const {
    stream.receiver_ = waiting;
    stream.set_deadline(stream.receive_deadline_, timeout_ms);
  }
  IoStatus await_resume() const { return stream.take_handshake(); }
};

struct Stream::ReadableAwaiter {
  Stream& stream;
  uint32_t timeout_ms;
  bool await_ready() const { return stream.receive_ready(); }
  void await_suspend(std::coroutine_handle<> waiting) const {
    stream.receiver_ = waiting;
    stream.set_deadline(stream.receive_deadline_, timeout_ms);
    stream.poll_receive();
  }
  IoStatus await_resume() const { return stream.take_poll(); }
};

struct Stream::WritableAwaiter {
  Stream& stream;
  bool await_ready() const { return stream.send_error_ != 0; }
  void await_suspend(std::coroutine_handle<> waiting) const {
    stream.wait_for_output(waiting);
    stream.poll_send();
  }
  IoStatus await_resume() const {
    stream.polling_send_ = stream.sending_ = false;
    return DrainAwaiter{stream, 0}.await_resume();
  }
};

inline auto Stream::handshake(uint32_t timeout_ms) {
  return HandshakeAwaiter{*this, timeout_ms};
}
inline auto Stream::receive(uint32_t timeout_ms) {
  return ReceiveAwaiter{*this, timeout_ms};
}
inline auto Stream::drained(size_t level) {
  return DrainAwaiter{*this, level};
}
inline auto Stream::readable(uint32_t timeout_ms) {
  return ReadableAwaiter{*this, timeout_ms};
}
inline auto Stream::writable() {
  return WritableAwaiter{*this};
}

}  // namespace sallyport::net
