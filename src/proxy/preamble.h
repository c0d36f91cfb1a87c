// What comes before a connection's own bytes: the PROXY protocol's header and, for connections that
// are routed by it, a TLS ClientHello that stays unanswered. Reads no further than it must; what
// has come is given back in `bytes`. The worker's thread.
#pragma once

#include <cstdint>

#include "base/task.h"
#include "net/client_hello.h"
#include "net/loop.h"
#include "net/proxy_protocol.h"

namespace sallyport::proxy {

enum class Preamble : uint8_t {
  complete,
  broken,  // what has come is something else
  gone,    // the client hung up, or took longer than it may
};

// `deadline` is on the loop's clock. The header is taken off `bytes`, which may be null after it.
Task<Preamble> take_proxy_header(net::Stream& stream, uint64_t deadline, net::BlockPtr& bytes,
                                 net::ProxyHeader& header);

// The ClientHello stays at the front of `bytes`.
Task<Preamble> peek_client_hello(net::Stream& stream, uint64_t deadline, net::BlockPtr& bytes,
                                 net::ClientHello& hello);

// Everything that has come, `early` first, off the stream ...
net::BlockQueue take_received(net::Stream& stream, net::BlockPtr early);
// ... and back to it, as if it had just come: into TLS, where that has begun meanwhile.
void give_back(net::Stream& stream, net::BlockQueue received);

}  // namespace sallyport::proxy
