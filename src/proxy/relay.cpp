#include "proxy/relay.h"

#include <utility>

#include "proxy/session.h"

namespace sallyport::proxy {
namespace {

// Who speaks TLS says that it ends. Anybody on the way can write a FIN.
bool is_cut(const net::Stream& stream) {
  return stream.tls() != nullptr && !stream.tls()->peer_finished();
}

}  // namespace

Relay::Relay(net::Stream& client, net::Stream& upstream, uint32_t idle_ms, Count& received,
             Count& sent)
    : idle_ms_(idle_ms),
      last_byte_(client.loop().now()),
      from_client_{client, upstream, received},
      from_upstream_{upstream, client, sent} {}

Task<void> Relay::run() {
  Task<void> upload = pump(from_client_);
  upload.start();
  co_await pump(from_upstream_);
  co_await upload.join();
}

Task<void> Relay::pump(Direction& way) {
  net::Loop& loop = way.from.loop();
  while (!over_) {
    if (way.to.unsent() > kHighWater && co_await way.to.drained(kLowWater) != net::IoStatus::ok) {
      break;
    }
    net::Received received = co_await way.from.receive(idle_ms_);
    if (over_) co_return;
    if (received.status == net::IoStatus::eof && is_cut(way.from)) {
      co_await way.to.drained(0);
      break;
    }
    if (received.status == net::IoStatus::eof && co_await pass_end(way)) co_return;
    if (received.status == net::IoStatus::timed_out) {
      if (loop.now() < last_byte_ + idle_ms_) continue;  // the other direction was busy
      timed_out_ = true;
      co_return abort(way, false);
    }
    if (received.status != net::IoStatus::ok || way.to.send_failed()) break;
    last_byte_ = loop.now();
    way.bytes += received.block->size();
    way.count.add(received.block->size());
    way.to.queue(std::move(received.block));
    way.to.flush();
  }
  abort(way, true);
}

// False when the end cannot reach the other side any more.
Task<bool> Relay::pass_end(Direction& way) {
  way.to.finish_output();
  if (co_await way.to.drained(0) != net::IoStatus::ok) co_return false;
  way.to.shutdown_send();
  co_return true;
}

// The other direction waits for bytes of `to`, or for `from` to take some.
void Relay::abort(Direction& way, bool reset) {
  if (std::exchange(over_, true)) return;
  if (reset) {
    way.from.reset_on_close();
    way.to.reset_on_close();
  }
  way.from.cancel_drain();
  way.to.cancel_receive();
}

}  // namespace sallyport::proxy
