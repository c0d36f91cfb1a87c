// The loop on epoll, edge-triggered: sockets are registered once, read when asked for, written at
// the end of the round, all in a row: a peer on another core wakes once for many messages. The
// floor of its cost is one recv and one send per message and direction.
#pragma once

#include <memory>
#include <vector>

#include "base/error.h"
#include "net/backend.h"

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

 private:
  EpollBackend(Loop& loop, int fd) : loop_(loop), fd_(fd) {}
  void on_stream(Stream& stream, uint32_t events);
  void on_readable(Stream& stream, uint32_t events);
  void on_writable(Stream& stream);
  void on_listener(Listener& listener);
  void send_now(Stream& stream);
  void resume_postponed();
  void free_unwatched();

  Loop& loop_;
  int fd_;
  std::vector<Stream*> queued_;      // have output; written by submit(). Null: closed
  std::vector<Stream*> sending_;     // those of them that are being written
  std::vector<Stream*> postponed_;   // used up their budget of reads in this round
  std::vector<FdWatch*> unwatched_;  // freed after the round: an event may still name them
};

}  // namespace sallyport::net
