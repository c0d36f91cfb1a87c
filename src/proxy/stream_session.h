// One client connection of a stream listener: finds out who it is and where it goes (PROXY header,
// SNI, addresses), lets the route's plugins see it, connects to the route's service and passes
// bytes on until the end. Lives on its worker's thread and frees itself.
#pragma once

#include <cerrno>
#include <cstdint>

#include "base/task.h"
#include "net/client_hello.h"
#include "net/stream.h"
#include "proxy/client_connection.h"
#include "proxy/stream_route.h"
#include "proxy/targets.h"

namespace sallyport::proxy {

class Worker;
struct WorkerListener;

class StreamSession final : public ClientConnection {
 public:
  // Takes the descriptor of an accepted connection.
  static void start(Worker& worker, WorkerListener& listener, int fd);

  // One that passes bytes is not told: only its ends know when it is done.
  void begin_drain() override {}
  void fail(int error) override { client_->fail(error); }
  void cut() override { fail(ENOMEM); }
  // What silence means is known at its ends.
  bool end_if_idle() override { return false; }

 private:
  StreamSession(Worker& worker, WorkerListener& listener, net::StreamPtr stream,
                const net::SocketAddress& source, const net::SocketAddress& destination);
  ~StreamSession();

  Detached run();
  Task<int> serve();
  Task<bool> read_preamble();
  bool find_route();
  bool admitted() const;
  Task<bool> hand_over_early();
  uint64_t preamble_deadline() const;  // on the loop's clock
  Task<int> relay();

  Worker& worker_;
  WorkerListener& listener_;
  net::StreamPtr client_;
  StreamEnds ends_;
  net::BlockPtr early_;  // came before the route was known
  net::ClientHello hello_;
  model::Protocol protocol_ = model::Protocol::tcp;
  SnapshotPin pin_;  // until the upstream is connected: a connection may outlive many snapshots
  uint32_t route_ = 0;
  uint64_t started_;
  uint64_t received_ = 0;
  uint64_t sent_ = 0;
};

}  // namespace sallyport::proxy
