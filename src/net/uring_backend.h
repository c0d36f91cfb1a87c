// The loop on io_uring: multishot accept and receive into a ring of provided buffers, everything
// that a round starts submitted by the one system call that also waits. Needs Linux 6.0; Linux 6.16
// and later keep a receive armed over many messages (see probe_receive_limit).
#pragma once

#include <memory>
#include <vector>

#include <liburing.h>

#include "base/error.h"
#include "net/backend.h"
#include "net/block.h"

namespace sallyport::net {

class Loop;

class UringBackend final : public Backend {
 public:
  // Errors: "net.io_backend", saying what the kernel refused.
  static Result<std::unique_ptr<Backend>> create(Loop& loop);
  ~UringBackend() override;

  std::string_view name() const override { return "io_uring"; }
  int socket_flags() const override;
  bool add(Stream& stream) override;
  bool receive(Stream& stream) override;
  void send(Stream& stream) override;
  void connect(Stream& stream, const SocketAddress& address) override;
  void close(Stream& stream) override;
  void restart_receive(Stream& stream) override;
  void poll_receive(Stream& stream) override;
  void poll_send(Stream& stream) override;
  void start_accepting(Listener& listener) override;
  void stop_accepting(Listener& listener) override;
  FdWatch* watch(int fd, uint32_t events, FdWatch::Ready ready, void* owner) override;
  void unwatch(FdWatch* watch) override;
  void turn(int timeout_ms) override;
  void submit() override {}  // with the next wait, by one call
  void push() override;

 private:
  struct SendVector;

  explicit UringBackend(Loop& loop) : loop_(loop) {}
  Result<void> set_up();
  Result<void> set_up_buffers();
  bool probe_receive_limit();
  void prepare_receive(int fd, bool multishot, uint32_t limit, uint64_t user_data);
  void poll(Stream& stream, bool& armed, unsigned events, unsigned tag);
  bool on_poll(Stream& stream, bool& armed);

  // The next of `together` entries that are submitted by one call.
  io_uring_sqe* next_sqe(unsigned together = 1);
  // `at_once`: what the socket takes now; else it goes on when the socket takes bytes again.
  void start_send(Stream& stream, bool at_once);
  void start_noted();
  void start_noted(Stream& stream);
  void guard(io_uring_sqe& send);
  bool probe_guards();
  void wait(int timeout_ms);
  void dispatch(const io_uring_cqe& cqe);
  void on_receive(Stream& stream, const io_uring_cqe& cqe);
  void on_send(Stream& stream, int result);
  void on_connect(Stream& stream, int result);
  void on_accept(Listener& listener, const io_uring_cqe& cqe);
  void on_watch(FdWatch& watch, int result);
  void arm(FdWatch& watch);
  void free_watch(FdWatch* watch);
  void cancel(void* object, unsigned tag);
  BlockPtr take_buffer(const io_uring_cqe& cqe);
  void provide(unsigned id);
  void provide_more();
  void finish_close(Stream& stream);
  SendVector* take_vector(Block* first);
  void free_vectors();

  Loop& loop_;
  io_uring ring_{};
  bool ring_ready_ = false;
  bool limited_multishot_ = false;
  bool guards_ = false;  // the kernel does what guard() needs

  io_uring_buf_ring* buffers_ = nullptr;
  std::vector<Block*> provided_;  // by buffer id; null: not in the ring
  unsigned provided_count_ = 0;   // ids in use
  int added_ = 0;                 // given back in this round, not yet published
  // Sends that are done, or will be by the call that submits them, and are not reported yet.
  unsigned completed_at_once_ = 0;

  std::vector<Stream*> noted_;    // to be sent by the next turn
  std::vector<Stream*> starved_;  // found no buffer; armed again after more were provided
  std::vector<SendVector*> vectors_;
  std::vector<std::unique_ptr<FdWatch>> watches_;
};

}  // namespace sallyport::net
