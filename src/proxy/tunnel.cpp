// Forward's way after a 101: both connections pass bytes on until one of them ends or neither has
// sent anything for the service's read_timeout. An end of TLS without close_notify is an end like
// any other: browsers and servers often close so, and a WebSocket that was cut lacks its close
// frame, which says so to whoever reads it (RFC 6455 section 7.1.5: 1006).
#include <utility>

#include "proxy/forward.h"
#include "proxy/worker.h"

namespace sallyport::proxy {

Task<bool> Forward::tunnel() {
  exchange_.upstream_answered = session_.worker().loop().now();
  exchange_.status = 101;
  net::BlockPtr head = begin_response();
  client().queue(std::move(head));
  if (received_ != nullptr && received_->size() > 0) {
    tunnel_bytes_ += received_->size();
    client().queue(std::move(received_));
  }
  client().flush();
  tunnel_active_ = session_.worker().loop().now();
  upload_.emplace(pump(client(), upstream()));
  upload_->start();
  co_await pump(upstream(), client());
  co_await upload_->join();
  upload_.reset();
  exchange_.body_sent = tunnel_bytes_;
  connection_.reset();
  co_return false;
}

Task<void> Forward::pump(net::Stream& from, net::Stream& to) {
  const auto idle = static_cast<uint32_t>(exchange_.target->service().read_timeout_ms);
  const net::Loop& loop = session_.worker().loop();
  while (!tunnel_over_) {
    if (to.unsent() > kHighWater && co_await to.drained(kLowWater) != net::IoStatus::ok) break;
    net::Received received = co_await from.receive(idle);
    if (received.status == net::IoStatus::timed_out && !tunnel_over_ &&
        loop.now() < tunnel_active_ + idle) {
      continue;  // the other direction was busy
    }
    if (received.status != net::IoStatus::ok) break;
    tunnel_active_ = loop.now();
    if (&to == &client()) tunnel_bytes_ += received.block->size();
    to.queue(std::move(received.block));
    to.flush();
    if (to.send_failed()) break;
  }
  if (std::exchange(tunnel_over_, true)) co_return;
  // What is on its way may still arrive; then the other direction ends too.
  if (!to.send_failed() && to.unsent() > 0) co_await to.drained(0);
  from.cancel_drain();
  to.cancel_receive();
}

}  // namespace sallyport::proxy
