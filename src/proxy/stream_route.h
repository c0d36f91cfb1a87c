// Which route a connection or a UDP client takes, and whether the route's plugins let it. The
// worker's thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "net/address.h"
#include "proxy/targets.h"
#include "router/stream_router.h"

namespace sallyport::proxy {

class Worker;

// Who asks and where it was accepted; ports as clients know them (port_maps).
struct StreamEnds {
  std::string source_ip;  // "unix:" for unix sockets
  uint16_t source_port = 0;
  std::string destination_ip;
  uint16_t destination_port = 0;

  void set_source(const net::SocketAddress& address);
  void set_destination(const net::SocketAddress& address, const Worker& worker);
};

// The index into the snapshot's routes, or -1.
int64_t match_stream(const runtime::Snapshot& snapshot, const StreamEnds& ends,
                     std::string_view sni, model::Protocol protocol);

// "" when every plugin of the route lets the client in, else which one does not and why.
std::string refusal_of(const runtime::RouteEntry& route, const StreamEnds& ends,
                       std::string_view sni, model::Protocol protocol);

// The routes of a stream may lead to services of tcp, tls and udp alone.
bool suits_streams(const runtime::RouteEntry& route, model::Protocol protocol);

}  // namespace sallyport::proxy
