#include "proxy/preamble.h"

#include <utility>

namespace sallyport::proxy {
namespace {

// False when nothing more comes in time.
Task<bool> receive_more(net::Stream& stream, uint64_t deadline, net::BlockPtr& bytes) {
  const uint64_t now = stream.loop().now();
  if (now >= deadline) co_return false;
  net::Received more = co_await stream.receive(static_cast<uint32_t>(deadline - now));
  if (more.status != net::IoStatus::ok) co_return false;
  if (bytes == nullptr) {
    bytes = std::move(more.block);
  } else {
    append_block(bytes, *more.block, stream.loop().blocks());
  }
  co_return true;
}

}  // namespace

Task<Preamble> take_proxy_header(net::Stream& stream, uint64_t deadline, net::BlockPtr& bytes,
                                 net::ProxyHeader& header) {
  for (;;) {
    if (bytes != nullptr) {
      const net::ProxyParse parsed = net::read_proxy_header(bytes->view(), header);
      if (parsed == net::ProxyParse::error) co_return Preamble::broken;
      if (parsed == net::ProxyParse::complete) break;
    }
    if (!co_await receive_more(stream, deadline, bytes)) co_return Preamble::gone;
  }
  bytes->begin += static_cast<uint32_t>(header.size);
  if (bytes->size() == 0) bytes.reset();
  co_return Preamble::complete;
}

Task<Preamble> peek_client_hello(net::Stream& stream, uint64_t deadline, net::BlockPtr& bytes,
                                 net::ClientHello& hello) {
  for (;;) {
    if (bytes != nullptr) {
      const net::HelloParse parsed = net::read_client_hello(bytes->view(), hello);
      if (parsed == net::HelloParse::error) co_return Preamble::broken;
      if (parsed == net::HelloParse::complete) co_return Preamble::complete;
    }
    if (!co_await receive_more(stream, deadline, bytes)) co_return Preamble::gone;
  }
}

net::BlockQueue take_received(net::Stream& stream, net::BlockPtr early) {
  net::BlockQueue received;
  if (early != nullptr && early->size() > 0) received.push(std::move(early));
  while (net::BlockPtr block = stream.try_receive()) received.push(std::move(block));
  return received;
}

void give_back(net::Stream& stream, net::BlockQueue received) {
  while (net::BlockPtr block = received.pop()) stream.on_data(std::move(block));
}

}  // namespace sallyport::proxy
