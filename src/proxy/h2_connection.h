// A client connection that speaks HTTP/2: gives every stream a session of its own. Takes over from
// the Session that began the connection. Lives on its worker's thread and frees itself when its
// last stream has ended.
#pragma once

#include <cstdint>

#include "proxy/client_connection.h"
#include "proxy/h2_transport.h"

namespace sallyport::proxy {

class Worker;
struct WorkerListener;

class H2Connection final : public ClientConnection, public H2Transport {
 public:
  // `received`: the client's first bytes.
  static void start(Worker& worker, WorkerListener& listener, const Peer& peer,
                    net::StreamPtr stream, net::BlockPtr received);

  Worker& worker() const { return worker_; }
  WorkerListener& listener() const { return listener_; }
  const Peer& peer() const { return peer_; }

  void begin_drain() override;
  void say_goodbye() override;
  void fail(int error) override { stream_->fail(error); }
  void cut() override;
  bool end_if_idle() override;

 private:
  H2Connection(Worker& worker, WorkerListener& listener, const Peer& peer, net::StreamPtr stream);
  ~H2Connection() override;
  Detached run(net::BlockPtr received);
  Task<void> close_gently();
  void announce_end(uint32_t ms);
  void wait_for_goodbye(uint32_t ms);
  void on_drain_timer();

  // H2Transport
  uint32_t idle_time_left() const override;
  void on_settled() override;
  void* on_request(int32_t id, const http::H2Head& head) override;

  Worker& worker_;
  WorkerListener& listener_;
  Peer peer_;
  uint32_t requests_ = 0;   // so far
  uint64_t idle_since_;     // milliseconds of the loop's clock
  bool idle_ = false;       // no stream is open
  bool announced_ = false;  // that the connection ends
  bool lingers_ = true;     // behind its last word
  net::Timer drain_timer_;
};

}  // namespace sallyport::proxy
