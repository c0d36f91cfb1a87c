// The loop on epoll, edge-triggered: sockets are registered once, read when asked for, written at
// the end of the round, all in a row: a peer on another core wakes once for many messages. Where
// many are ready at once they are read and written in batches, if the kernel has SocketBatch.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <vector>

#include "base/error.h"
#include "net/backend.h"
#include "net/block.h"
#include "net/socket_batch.h"

struct epoll_event;

namespace sallyport::net {

class Loop;

class EpollBackend final : public Backend {
 public:
  static Result<std::unique_ptr<Backend>> create(Loop& loop);
  ~EpollBackend() override;

  std::string_view name() const override { return "epoll"; }
  int socket_flags() const override;
  bool add(Stream& stream) override;
  bool receive(Stream& stream) override;
  void send(Stream& stream) override;
  void connect(Stream& stream, const SocketAddress& address) override;
  void close(Stream& stream) override;
  void restart_receive(Stream&) override {}  // none is ever under way
  void poll_receive(Stream& stream) override;
  void poll_send(Stream& stream) override;
  void start_accepting(Listener& listener) override;
  void stop_accepting(Listener& listener) override;
  FdWatch* watch(int fd, uint32_t events, FdWatch::Ready ready, void* owner) override;
  void unwatch(FdWatch* watch) override;
  void turn(int timeout_ms) override;
  void submit() override;
  void push() override { submit(); }

 private:
  // What was read from a socket before its event had its turn.
  struct Ahead {
    BlockPtr block;
    uint32_t most = 0;
    int64_t result = 0;
  };

  EpollBackend(Loop& loop, int fd) : loop_(loop), fd_(fd), batch_(SocketBatch::create()) {}
  bool on_received(Stream& stream, BlockPtr block, int64_t result, uint32_t most);
  void receive_ahead(std::span<const epoll_event> events);
  void on_stream(Stream& stream, uint32_t events, Ahead& ahead);
  void on_read(Stream& stream, uint32_t events, Ahead& ahead);
  void on_readable(Stream& stream, uint32_t events);
  void on_writable(Stream& stream);
  void on_listener(Listener& listener);
  void send_now(Stream& stream);
  void send_batch(std::span<Stream* const> streams);
  bool on_sent(Stream& stream, int64_t result, size_t total);
  void resume_postponed();
  void free_unwatched();

  Loop& loop_;
  int fd_;
  std::unique_ptr<SocketBatch> batch_;  // may be null
  std::array<Ahead, SocketBatch::kMost> ahead_;
  std::vector<Stream*> queued_;      // have output; written by submit(). Null: closed
  std::vector<Stream*> sending_;     // those of them that are being written
  std::vector<Stream*> postponed_;   // used up their budget of reads in this round
  std::vector<FdWatch*> unwatched_;  // freed after the round: an event may still name them
};

}  // namespace sallyport::net
