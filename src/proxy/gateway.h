// The data plane as the app sees it: N workers, each a thread with its own loop, listeners and
// upstream connections. Made, drained and stopped on the control thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "proxy/options.h"
#include "runtime/publisher.h"

namespace sallyport::proxy {

// The `server` object of GET /status, summed over the workers when asked for.
struct Counters {
  uint64_t connections_accepted = 0;
  uint64_t connections_handled = 0;  // accepted and not dropped for want of resources
  uint64_t connections_active = 0;
  uint64_t connections_reading = 0;  // a request head is coming in
  uint64_t connections_writing = 0;  // a request is being served
  uint64_t connections_waiting = 0;  // idle between requests
  uint64_t total_requests = 0;

  // Of stream listeners: connections since the start and now, UDP clients, bytes from and to
  // clients.
  bool has_streams = false;
  uint64_t stream_connections = 0;
  uint64_t stream_active = 0;
  uint64_t udp_sessions = 0;
  uint64_t udp_active = 0;
  uint64_t stream_received = 0;
  uint64_t stream_sent = 0;
};

// A listener as it was bound.
struct BoundListener {
  Role role = Role::proxy;
  std::string address;
  uint16_t port = 0;
  bool ssl = false;
};

// A drain's patience with idle connections where the process is to end soon: long enough that a
// client which sent its next request just then gets its answer.
inline constexpr Milliseconds kDrainIdle{1'000};

class Gateway {
 public:
  // Binds every listener, starts the workers with the current snapshot of `publisher` and
  // subscribes them to it. Requests that come before there is one are answered as if there were no
  // routes. Errors: "gateway.listen" (address in use, not ours, no permission),
  // "gateway.io_backend" (io_uring demanded and refused), "gateway.tls", "gateway.option". At a
  // reload `former` is the one that runs: it shares the sockets whose addresses stay.
  static Result<std::unique_ptr<Gateway>> start(Options options, runtime::Publisher& publisher,
                                                const Gateway* former = nullptr);

  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;
  virtual ~Gateway() = default;  // stops

  // Stops accepting, answers what has begun and one more request of each idle connection with
  // `Connection: close`, closes those that stay idle for `idle`, and returns when every connection
  // is closed or `within` has passed; what is left then is cut. False when it cut some.
  virtual bool drain(Milliseconds within, Milliseconds idle = kDrainIdle) = 0;
  // For a drain() of another thread.
  virtual void shorten_drain(Milliseconds idle) = 0;

  // Cuts every connection and joins the threads; ends a drain() of another thread. Idempotent.
  virtual void stop() = 0;

  virtual Counters counters() const = 0;
  virtual std::vector<BoundListener> listeners() const = 0;

  // The backend that runs: "io_uring" or "epoll".
  virtual std::string_view backend() const = 0;

  // The version of the snapshot that every worker has taken over at least; 0 before the first.
  virtual uint64_t snapshot_version() const = 0;

  // Opens the access log anew, after logrotate moved it.
  virtual void reopen_logs() = 0;

 protected:
  Gateway() = default;
};

}  // namespace sallyport::proxy
