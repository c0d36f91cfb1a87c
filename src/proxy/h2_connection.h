// A client connection that speaks HTTP/2: moves bytes between its socket and the HTTP/2 session and
// gives every stream a session of its own. Takes over from the Session that began the connection.
// Lives on its worker's thread and frees itself when its last stream has ended.
#pragma once

#include <coroutine>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/task.h"
#include "http/h2_session.h"
#include "net/stream.h"
#include "net/timer_wheel.h"
#include "proxy/client_connection.h"

namespace sallyport::proxy {

class H2Stream;
class Worker;
struct WorkerListener;

class H2Connection final : public ClientConnection, private http::H2Owner {
 public:
  // `received`: the client's first bytes.
  static void start(Worker& worker, WorkerListener& listener, const Peer& peer,
                    net::StreamPtr stream, net::BlockPtr received);

  Worker& worker() const { return worker_; }
  WorkerListener& listener() const { return listener_; }
  const Peer& peer() const { return peer_; }
  net::Stream& transport() const { return *stream_; }

  void begin_drain() override;

  // --- For its streams.
  http::H2Session& session() const { return *session_; }
  // H2Stream::settle() before anything else happens on the connection.
  void settle_later(H2Stream& stream);
  // What the HTTP/2 session has to say goes out before the loop waits.
  void pump_soon();
  void put(std::string_view bytes) { write(bytes); }
  void on_pipe_closed(H2Stream& stream);

 private:
  H2Connection(Worker& worker, WorkerListener& listener, const Peer& peer, net::StreamPtr stream);
  ~H2Connection();
  Detached run(net::BlockPtr received);
  Task<void> finish(bool broken);
  Task<void> close_gently();
  void pump();
  void flush();
  void settle();
  void remove(H2Stream& stream);
  Detached wait_for_room();
  void note_idleness();
  uint32_t idle_time_left() const;
  void on_drain_over();

  // http::H2Owner
  void* on_request(int32_t id, const http::H2Head& head) override;
  void on_body(void* stream, std::string_view payload) override;
  void on_body_end(void* stream) override;
  void on_answered(void* stream) override;
  void on_closed(void* stream, bool failed) override;
  Ready ready_body(void* stream, size_t most) override;
  void write_body(void* stream) override;
  void write(std::string_view bytes) override;
  bool may_write() const override;

  Worker& worker_;
  WorkerListener& listener_;
  Peer peer_;
  net::StreamPtr stream_;
  std::unique_ptr<http::H2Session> session_;
  net::BlockPtr output_;  // gathers what is written
  H2Stream* streams_ = nullptr;
  H2Stream* unsettled_ = nullptr;  // first in, first out
  H2Stream* last_unsettled_ = nullptr;
  uint32_t open_ = 0;      // streams with a session
  uint32_t requests_ = 0;  // so far
  uint64_t idle_since_;    // milliseconds of the loop's clock
  bool idle_ = false;      // no stream is open
  bool pumping_ = false;
  bool progress_ = false;
  bool waiting_for_room_ = false;
  bool over_ = false;    // nothing more is read
  bool ending_ = false;  // nothing more is written by pump()
  net::Timer pump_timer_;
  net::Timer drain_timer_;
  std::coroutine_handle<> last_closed_;  // waits for open_ to become 0
};

}  // namespace sallyport::proxy
