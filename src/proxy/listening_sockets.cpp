#include "proxy/listening_sockets.h"

#include <utility>

namespace sallyport::proxy {

std::string ListeningSockets::key(const net::SocketAddress& address,
                                  const net::Listener::Config& config) {
  return address.text() + (config.ipv6only ? "" : " and IPv4");
}

Result<std::span<const std::unique_ptr<net::Listener>>> ListeningSockets::open(
    net::SocketAddress address, const net::Listener::Config& config, size_t wanted,
    const ListeningSockets* former) {
  Group sockets;
  if (former != nullptr) {
    if (const auto held = former->groups_.find(key(address, config));
        held != former->groups_.end()) {
      for (const auto& socket : held->second.sockets) {
        auto shared = socket->share();
        if (!shared) return fail(shared.error());
        sockets.push_back(std::move(*shared));
      }
    }
  }
  if (address.is_unix()) wanted = 1;
  while (sockets.size() < wanted) {
    auto bound = net::Listener::bind(address, config);
    if (!bound) return fail(bound.error());
    address = (*bound)->address();  // the others follow to the port that the kernel chose
    sockets.push_back(std::move(*bound));
  }
  Listening& listening = groups_[key(address, config)];
  const size_t before = listening.sockets.size();
  for (auto& socket : sockets) listening.sockets.push_back(std::move(socket));
  listening.backlog = config.backlog;
  return std::span(std::as_const(listening.sockets)).subspan(before);
}

Result<void> ListeningSockets::listen() {
  for (auto& [address, listening] : groups_) {
    for (auto& socket : listening.sockets) {
      if (auto done = socket->listen(listening.backlog); !done) return done;
    }
  }
  return {};
}

}  // namespace sallyport::proxy
