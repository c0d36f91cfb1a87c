// One thread's event loop: a backend, timers, buffers, a mailbox for other threads, and the streams
// that live on it. Made, run and destroyed on that thread; only mailbox() is for others.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/task.h"
#include "net/address.h"
#include "net/backend.h"
#include "net/backend_choice.h"
#include "net/block.h"
#include "net/descriptor_limit.h"
#include "net/mailbox.h"
#include "net/pipe_pool.h"
#include "net/stream.h"
#include "net/timer_wheel.h"

namespace sallyport::net {

// A connected stream, or the errno of the failure (ETIMEDOUT, ECONNREFUSED, EMFILE, …).
struct Connected {
  StreamPtr stream;
  int error = 0;
};

class Loop {
 public:
  // With BackendChoice::automatic, `fallback` says why it is epoll and not io_uring, if it is.
  // Errors: "net.io_backend" (io_uring demanded, refused by the kernel), "net.loop".
  static Result<std::unique_ptr<Loop>> create(BackendChoice choice,
                                              std::string* fallback = nullptr);
  ~Loop();

  // Returns after stop(). A stopped loop may run again.
  void run();
  void stop() { stopped_ = true; }
  // One round: waits up to `timeout_ms` (-1: until something happens) and handles what came.
  void turn(int timeout_ms);

  // Milliseconds of a steady clock, read once per round; never 0.
  uint64_t now() const { return now_; }
  // Reads the clock anew; backends call it after every wait.
  void update_now();

  TimerWheel& timers() { return timers_; }
  BlockPool& blocks() { return blocks_; }
  DescriptorLimit& descriptors() { return descriptors_; }
  PipePool& pipes() { return pipes_; }
  Backend& backend() { return *backend_; }
  const std::shared_ptr<Mailbox>& mailbox() const { return mailbox_; }

  // A stream for a connected or connecting socket; takes the descriptor in any case. Null with
  // errno when the backend cannot take it.
  StreamPtr adopt(int fd);
  // A stream that is part of another connection, whose bytes `backend` moves; it outlives the
  // stream, and retires it when that is closed.
  StreamPtr make_stream(StreamBackend& backend);
  // A new TCP connection, without Nagle's delay. EMFILE also when what is left is reserved.
  Task<Connected> connect(const SocketAddress& address, uint32_t timeout_ms);

  // Called after each round in which memory is short, see base/memory_reserve.h.
  using Relief = void (*)(void* owner);
  void on_short_memory(Relief relief, void* owner) {
    relief_ = relief;
    relief_owner_ = owner;
  }

  // What has been flushed leaves now, as far as sockets take it.
  void push_output();
  // Every open stream fails with `error`: how a loop is emptied before it ends.
  void fail_streams(int error);
  bool has_streams() const { return streams_ != nullptr; }

  // --- For streams and backends.
  void forget(Stream& stream);  // it is closing
  void retire(Stream* stream);  // nothing refers to it any more; freed at the end of the round
  // Somebody has begun to wait for a stream's output, or waits no longer.
  void output_awaited(bool on) { awaiting_output_ += on ? 1 : size_t(-1); }
  // Nothing goes on once output is sent: to learn of it may wait until something else happens.
  bool output_is_nobodys_concern() const { return awaiting_output_ == 0 && closing_ == 0; }

 private:
  Loop();
  int wait_time() const;
  void link(Stream& stream);
  void free_retired();

  uint64_t now_ = 0;
  bool stopped_ = false;
  BlockPool blocks_;  // outlives the backend, which holds some
  PipePool pipes_;
  TimerWheel timers_;
  DescriptorLimit descriptors_;
  std::shared_ptr<Mailbox> mailbox_;
  std::unique_ptr<Backend> backend_;
  FdWatch* mail_watch_ = nullptr;
  Stream* streams_ = nullptr;
  Stream* retired_ = nullptr;
  Relief relief_ = nullptr;
  void* relief_owner_ = nullptr;
  size_t closing_ = 0;          // forgotten, not retired yet
  size_t awaiting_output_ = 0;  // coroutines
};

// The backend under `choice`, made on this thread.
Result<std::unique_ptr<Backend>> make_backend(Loop& loop, BackendChoice choice,
                                              std::string* fallback);

}  // namespace sallyport::net
