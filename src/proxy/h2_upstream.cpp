#include "proxy/h2_upstream.h"

#include <algorithm>

#include "base/log.h"
#include "net/loop.h"
#include "proxy/h2_upstream_pipe.h"

namespace sallyport::proxy {
namespace {

// Requests at once on one connection, whatever the upstream allows: more of them go to another.
constexpr uint32_t kMostPipes = 256;

H2UpstreamPipe& of(H2Pipe* pipe) {
  return *static_cast<H2UpstreamPipe*>(pipe);
}

}  // namespace

H2Upstream* H2Upstream::start(H2UpstreamOwner& owner, const H2UpstreamLimits& limits,
                              net::StreamPtr stream, bool tls) {
  auto* connection = new H2Upstream(owner, limits, std::move(stream), tls);
  if (connection->over_) {
    delete connection;
    return nullptr;
  }
  connection->run();
  return connection;
}

H2Upstream::H2Upstream(H2UpstreamOwner& owner, const H2UpstreamLimits& limits,
                       net::StreamPtr stream, bool tls)
    : H2Transport(std::move(stream), limits.session, http::H2Session::Role::client),
      owner_(owner),
      max_requests_(limits.max_requests),
      idle_timeout_ms_(limits.idle_timeout_ms),
      tls_(tls),
      idle_since_(loop().now()) {}

Detached H2Upstream::run() {
  pump_soon();
  const bool sound = co_await read_all(nullptr);
  if (!retired_) {
    retired_ = true;
    owner_.on_retired(*this);
  }
  co_await end_pipes();
  if (sound) {
    say_last();
    stream_->finish_output();
  }
  owner_.on_ended(*this);
  delete this;
}

bool H2Upstream::has_room() const {
  const uint32_t most = std::min(session_->most_streams(), kMostPipes);
  return !retired_ && !over_ && !ending_ && open_ < most && session_->takes_requests();
}

net::StreamPtr H2Upstream::open_pipe() {
  auto* pipe = new H2UpstreamPipe(*this);
  add(*pipe);
  if (++requests_ == max_requests_) retire();
  was_idle_ = false;
  return pipe->make_pipe();
}

void H2Upstream::retire() {
  if (retired_) return;
  retired_ = true;
  owner_.on_retired(*this);
  pump_soon();
}

void H2Upstream::end() {
  if (over_) return;
  session_->end();
  over_ = true;
  pump();
}

uint32_t H2Upstream::idle_time_left() const {
  if (open_ > 0 || idle_timeout_ms_ == 0) return 0;
  const uint64_t end = idle_since_ + idle_timeout_ms_;
  return end > loop().now() ? static_cast<uint32_t>(end - loop().now()) : 1;
}

void H2Upstream::on_settled() {
  if (!retired_ && !session_->takes_requests()) retire();
  const bool idle_now = open_ == 0;
  if (idle_now && retired_ && !over_) {
    session_->end();
    over_ = true;
    pump_soon();
  }
  if (idle_now && !was_idle_) {
    idle_since_ = loop().now();
    if (!over_) stream_->rearm_receive(idle_time_left());
  }
  was_idle_ = idle_now;
}

bool H2Upstream::on_bytes_received() {
  heard_ = loop().now();
  if (handshake_over()) return true;
  log::error("an upstream does not agree on HTTP/2 by ALPN, which grpcs needs");
  return false;
}

void H2Upstream::on_response(void* stream, const http::H2Head& head) {
  of(static_cast<H2Pipe*>(stream)).take_response(head);
}

void H2Upstream::on_unsent(int32_t id) {
  if (H2Pipe* pipe = find(id)) of(pipe).on_unsent();
}

}  // namespace sallyport::proxy
