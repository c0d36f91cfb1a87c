#include "proxy/stream_session.h"

#include <utility>

#include "base/log.h"
#include "proxy/preamble.h"
#include "proxy/relay.h"
#include "proxy/stream_dial.h"
#include "proxy/worker.h"

namespace sallyport::proxy {
namespace {

// nginx's codes for the end of a stream session, which its log shows.
constexpr int kDone = 200;
constexpr int kBadPreamble = 400;
constexpr int kForbidden = 403;
constexpr int kNoRoute = 500;

// Nothing for the peer of a connection that is broken already.
std::optional<net::SocketAddress> address_of(int fd, int (*which)(int, sockaddr*, socklen_t*)) {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  if (which(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return std::nullopt;
  return net::SocketAddress::from(reinterpret_cast<sockaddr*>(&storage), size);
}

}  // namespace

void StreamSession::start(Worker& worker, WorkerListener& listener, int fd) {
  worker.count().accepted.add();
  if (!worker.admits(listener, fd)) return;
  net::StreamPtr stream = worker.loop().adopt(fd);
  if (stream == nullptr) return;
  worker.count().handled.add();
  const auto source = address_of(fd, ::getpeername);
  const auto destination = address_of(fd, ::getsockname);
  if (!source || !destination) return;
  auto* session = new StreamSession(worker, listener, std::move(stream), *source, *destination);
  session->run();
}

StreamSession::StreamSession(Worker& worker, WorkerListener& listener, net::StreamPtr stream,
                             const net::SocketAddress& source,
                             const net::SocketAddress& destination)
    : worker_(worker),
      listener_(listener),
      client_(std::move(stream)),
      started_(worker.loop().now()) {
  client_->set_send_timeout(static_cast<uint32_t>(worker.options().send_timeout.count()));
  ends_.set_source(source);
  ends_.set_destination(destination, worker);
  worker_.count().active.add();
  worker_.count().stream_connections.add();
  worker_.count().stream_active.add();
  worker_.add(*this);
}

StreamSession::~StreamSession() {
  client_.reset();
  worker_.count().active.subtract();
  worker_.count().stream_active.subtract();
  worker_.remove(*this);
}

Detached StreamSession::run() {
  const int status = co_await serve();
  worker_.log_stream({.client_ip = ends_.source_ip,
                      .udp = false,
                      .status = status,
                      .sent = sent_,
                      .received = received_,
                      .duration_ms = worker_.loop().now() - started_});
  delete this;
}

Task<int> StreamSession::serve() {
  if (!co_await read_preamble()) co_return kBadPreamble;
  if (!find_route()) co_return kNoRoute;
  if (!admitted()) co_return kForbidden;
  if (!co_await hand_over_early()) co_return kBadPreamble;
  co_return co_await relay();
}

uint64_t StreamSession::preamble_deadline() const {
  return started_ + static_cast<uint64_t>(worker_.options().header_timeout.count());
}

Task<bool> StreamSession::read_preamble() {
  const uint64_t deadline = preamble_deadline();
  if (listener_.proxy_protocol) {
    const auto peer = Peer::of_socket(client_->fd(), worker_.real_ip());
    net::ProxyHeader header;
    const Preamble end = co_await take_proxy_header(*client_, deadline, early_, header);
    if (end == Preamble::broken) {
      log::warn("broken PROXY protocol header from {}", ends_.source_ip);
    }
    if (end != Preamble::complete) co_return false;
    if (header.source && peer && peer->trusted) ends_.set_source(*header.source);
  }
  if (listener_.tls == nullptr) co_return true;
  const Preamble end = co_await peek_client_hello(*client_, deadline, early_, hello_);
  if (end == Preamble::broken) {
    log::info("what {} sent to a TLS listener is no ClientHello", ends_.source_ip);
  }
  co_return end == Preamble::complete;
}

// What is passed through goes before what is ended here.
bool StreamSession::find_route() {
  using enum model::Protocol;
  pin_ = worker_.targets().pin();
  int64_t found = -1;
  if (pin_) {
    const runtime::Snapshot& snapshot = *pin_->snapshot;
    protocol_ = listener_.tls != nullptr ? tls_passthrough : tcp;
    found = match_stream(snapshot, ends_, hello_.server_name, protocol_);
    if (found < 0 && protocol_ == tls_passthrough) {
      protocol_ = tls;
      found = match_stream(snapshot, ends_, hello_.server_name, protocol_);
    }
  }
  if (found < 0) {
    log::info("no route for the connection from {} (SNI '{}')", ends_.source_ip,
              hello_.server_name);
    return false;
  }
  route_ = static_cast<uint32_t>(found);
  const runtime::RouteEntry& route = pin_->snapshot->routes[route_];
  if (suits_streams(route, protocol_)) return true;
  log::error("route {}: its service is none for TCP connections", route.route->id);
  return false;
}

bool StreamSession::admitted() const {
  const runtime::RouteEntry& route = pin_->snapshot->routes[route_];
  const std::string refusal = refusal_of(route, ends_, hello_.server_name, protocol_);
  if (refusal.empty()) return true;
  log::error("the connection from {} is refused: {}", ends_.source_ip, refusal);
  return false;
}

// What was read to find the way, and what came behind it, goes where it would have gone. Where that
// is TLS, the upstream hears of the client once both have shaken hands.
Task<bool> StreamSession::hand_over_early() {
  net::BlockQueue received = take_received(*client_, std::move(early_));
  const bool ends_here = protocol_ == model::Protocol::tls;
  if (ends_here && !worker_.accept_tls(*client_, listener_)) co_return false;
  give_back(*client_, std::move(received));
  if (!ends_here) co_return true;
  const uint64_t now = worker_.loop().now();
  const uint64_t deadline = preamble_deadline();
  if (now >= deadline) co_return false;
  const net::IoStatus status = co_await client_->handshake(static_cast<uint32_t>(deadline - now));
  if (const net::TlsFault* fault = client_->tls_fault()) {
    log::info("no TLS handshake with {}: {}", ends_.source_ip, fault->text);
  }
  co_return status == net::IoStatus::ok;
}

Task<int> StreamSession::relay() {
  // Keeps the target when the snapshot goes.
  const std::shared_ptr<const runtime::ServiceTarget> entry = pin_->snapshot->routes[route_].target;
  StreamDial dial(worker_, worker_.targets().of_route(pin_->snapshot->routes[route_]),
                  ends_.source_ip);
  const UpstreamConnectionPtr upstream = co_await dial.connect();
  pin_ = SnapshotPin();
  if (upstream == nullptr) co_return status_of(dial.fault()) == 503 ? 503 : 502;
  WorkerCounters& count = worker_.count();
  Relay relay(*client_, *upstream->stream, static_cast<uint32_t>(entry->service->read_timeout_ms),
              count.stream_received, count.stream_sent);
  co_await relay.run();
  received_ = relay.received();
  sent_ = relay.sent();
  co_return kDone;
}

}  // namespace sallyport::proxy
