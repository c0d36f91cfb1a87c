// A connection to an upstream that speaks HTTP/2: carries many requests at once, each as a pipe
// that takes HTTP/1.1 text (H2Pipe). Belongs to the address's pool, which gives it requests while
// it has room; ends by itself when it was idle for long enough, when the upstream says goodbye or
// goes silent, and frees itself when its last request has ended. The worker's thread.
#pragma once

#include <cstdint>

#include "proxy/h2_transport.h"

namespace sallyport::proxy {

class H2Upstream;

// What a pool knows of its connections of this kind.
class H2UpstreamOwner {
 public:
  // The connection takes no more requests; it is not to be asked again.
  virtual void on_retired(H2Upstream& connection) = 0;
  // The connection is no more.
  virtual void on_ended(H2Upstream& connection) = 0;

 protected:
  ~H2UpstreamOwner() = default;
};

struct H2UpstreamLimits {
  http::H2Limits session = {};
  uint32_t max_requests = 0;     // per connection; 0: no limit
  uint64_t idle_timeout_ms = 0;  // 0: none
};

class H2Upstream final : public H2Transport {
 public:
  // `owner` outlives it. Null when memory is short.
  static H2Upstream* start(H2UpstreamOwner& owner, const H2UpstreamLimits& limits,
                           net::StreamPtr stream, bool tls);

  // Whether open_pipe() may be called.
  bool has_room() const;
  // A stream for one request, to be written as HTTP/1.1 in origin form; its answer comes as
  // HTTP/1.1. Given up unfinished, the stream is reset. Its error() is ECONNREFUSED when the
  // upstream has not looked at the request, ENOTCONN when no connection came about.
  net::StreamPtr open_pipe();

  bool idle() const { return open_ == 0; }
  // Takes no more requests and ends with the last of those that it has.
  void retire();
  // Ends an idle connection now.
  void end();

 private:
  friend class H2UpstreamPipe;

  H2Upstream(H2UpstreamOwner& owner, const H2UpstreamLimits& limits, net::StreamPtr stream,
             bool tls);
  ~H2Upstream() override = default;
  Detached run();
  bool handshake_over() const { return !tls_ || stream_->tls_http2(); }

  uint32_t idle_time_left() const override;
  void on_settled() override;
  bool on_bytes_received() override;
  void on_response(void* stream, const http::H2Head& head) override;
  void on_unsent(int32_t id) override;
  // An upstream may answer, and end its answer, before it has the whole request.
  void on_sent(void*) override {}

  H2UpstreamOwner& owner_;
  uint32_t max_requests_;
  uint64_t idle_timeout_ms_;
  bool tls_;
  bool retired_ = false;
  uint32_t requests_ = 0;
  uint64_t idle_since_;
  bool was_idle_ = true;
  uint64_t heard_ = 0;  // when the upstream sent something last
};

}  // namespace sallyport::proxy
