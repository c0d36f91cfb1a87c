#include "proxy/stream_route.h"

#include "proxy/worker.h"

namespace sallyport::proxy {

using model::Protocol;

void StreamEnds::set_source(const net::SocketAddress& address) {
  const auto ip = address.ip();
  source_ip = ip ? ip->text() : "unix:";
  source_port = ip ? address.port() : uint16_t{0};
}

void StreamEnds::set_destination(const net::SocketAddress& address, const Worker& worker) {
  const auto ip = address.ip();
  if (!ip) return;
  destination_ip = ip->text();
  const auto& maps = worker.options().port_maps;
  const auto mapped = maps.find(address.port());
  destination_port = mapped != maps.end() ? mapped->second : address.port();
}

int64_t match_stream(const runtime::Snapshot& snapshot, const StreamEnds& ends,
                     std::string_view sni, Protocol protocol) {
  return snapshot.stream_router->match(
      {.protocol = protocol,
       .sni = sni,
       .source = {.ip = ends.source_ip, .port = ends.source_port},
       .destination = {.ip = ends.destination_ip, .port = ends.destination_port}});
}

std::string refusal_of(const runtime::RouteEntry& route, const StreamEnds& ends,
                       std::string_view sni, Protocol protocol) {
  if (route.chain == nullptr) return "";
  const plugin::Connection connection{
      .client_ip = ends.source_ip,
      .protocol = protocol,
      .sni = sni,
      .route = route.route.get(),
      .service = route.target != nullptr ? route.target->service.get() : nullptr};
  for (const plugin::Chain::Slot& slot : route.chain->slots()) {
    const plugin::Configured* chosen = slot.choose_for(protocol);
    if (chosen == nullptr) continue;
    std::string reason = chosen->plugin->admit(connection);
    if (!reason.empty()) return chosen->row->name + ": " + reason;
  }
  return "";
}

bool suits_streams(const runtime::RouteEntry& route, Protocol protocol) {
  if (route.target == nullptr) return false;
  const Protocol upstream = route.target->service->protocol;
  if (protocol == Protocol::udp) return upstream == Protocol::udp;
  return upstream == Protocol::tcp || upstream == Protocol::tls;
}

}  // namespace sallyport::proxy
