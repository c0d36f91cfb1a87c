// The sockets that a data plane listens on, held beside the listeners of its workers so that the
// next generation can take them over: a socket whose address stays in the configuration is never
// closed, for closing one resets who waits in its queue (ADR 64). The control thread's.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "net/listener.h"

namespace sallyport::proxy {

class ListeningSockets {
 public:
  using Group = std::vector<std::unique_ptr<net::Listener>>;

  // Those on `address` that `former`, which may be null, has; more are bound until there are
  // `wanted`, or one for a unix socket, which cannot be bound twice. A former generation of more
  // workers has left more than `wanted`. None of the new ones listens before listen(). They stay
  // until close().
  Result<std::span<const std::unique_ptr<net::Listener>>> open(net::SocketAddress address,
                                                               const net::Listener::Config& config,
                                                               size_t wanted,
                                                               const ListeningSockets* former);

  Result<void> listen();

  // No listener is the last on its socket because of us any more.
  void close() { groups_.clear(); }

 private:
  struct Listening {
    Group sockets;
    int backlog = 0;
  };
  std::map<std::string, Listening> groups_;  // by key()

  static std::string key(const net::SocketAddress& address, const net::Listener::Config& config);
};

}  // namespace sallyport::proxy
