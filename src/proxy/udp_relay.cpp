#include "proxy/udp_relay.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "base/log.h"
#include "proxy/stream_dial.h"
#include "proxy/stream_route.h"
#include "proxy/worker.h"

namespace sallyport::proxy {
namespace {

constexpr size_t kMaxSessions = 16'384;  // of a listener and worker; each has a socket
constexpr size_t kMaxWaiting = 16;       // datagrams of one client while its upstream is looked up
constexpr int kTurn = 64;                // datagrams of a socket before others get their turn
constexpr uint64_t kComplainEveryMs = 1'000;

std::string key_of(const net::Datagram& datagram) {
  std::string key(reinterpret_cast<const char*>(datagram.from.data()), datagram.from.size());
  if (datagram.local) key.append(datagram.local->bytes.begin(), datagram.local->bytes.end());
  return key;
}

}  // namespace

// One client. Lives in the relay's table, and in open() while its upstream is looked up.
class UdpRelay::Session {
 public:
  Session(UdpRelay& its_relay, std::string its_key, const net::Datagram& first)
      : relay(&its_relay),
        key(std::move(its_key)),
        client(first.from),
        local(first.local),
        started(its_relay.worker_.loop().now()),
        timer([](void* self) { static_cast<Session*>(self)->on_timer(); }, this) {}

  void send(std::string_view bytes) {
    if (upstream == nullptr) {
      if (waiting.size() < kMaxWaiting) waiting.emplace_back(bytes);
      return;
    }
    last_moved = relay->worker_.loop().now();
    if (!upstream->send(bytes)) return;  // the error comes with the next receive
    received += bytes.size();
    relay->worker_.count().stream_received.add(bytes.size());
  }

  void on_answers() {
    net::Datagram answer;
    for (int i = 0; i < kTurn; ++i) {
      const auto outcome = upstream->receive(relay->room_, answer);
      if (outcome == net::DatagramSocket::Outcome::nothing) return;
      if (outcome == net::DatagramSocket::Outcome::broken) {
        dial->report(AttemptFault::connect);
        return relay->end(*this, 502);
      }
      if (!std::exchange(answered, true)) dial->report(AttemptFault::none);
      last_moved = relay->worker_.loop().now();
      if (!relay->socket_.send(answer.bytes, client, local)) continue;
      sent += answer.bytes.size();
      relay->worker_.count().stream_sent.add(answer.bytes.size());
    }
  }

  void on_timer() {
    net::Loop& loop = relay->worker_.loop();
    if (loop.now() >= last_moved + idle_ms) return relay->end(*this, 200);
    loop.timers().schedule(timer, last_moved + idle_ms);
  }

  UdpRelay* relay;  // null: it is gone
  std::string key;
  net::SocketAddress client;
  std::optional<net::IpAddress> local;
  StreamEnds ends;
  SnapshotPin pin;
  uint32_t route = 0;
  std::shared_ptr<const runtime::ServiceTarget> entry;
  std::unique_ptr<StreamDial> dial;
  std::unique_ptr<net::DatagramSocket> upstream;
  std::deque<std::string> waiting;
  uint64_t started;
  uint64_t last_moved = 0;
  uint64_t idle_ms = 0;
  uint64_t received = 0;
  uint64_t sent = 0;
  bool answered = false;
  net::Timer timer;
};

UdpRelay::UdpRelay(Worker& worker, net::DatagramSocket& socket)
    : worker_(worker), socket_(socket), room_(net::kMaxDatagram) {
  socket_.start(
      worker.loop(), [](void* self) { static_cast<UdpRelay*>(self)->on_datagrams(); }, this);
}

UdpRelay::~UdpRelay() {
  // What the kernel has taken already still goes.
  on_datagrams();
  while (!sessions_.empty()) end(*sessions_.begin()->second, 200);
}

void UdpRelay::on_datagrams() {
  net::Datagram datagram;
  for (int i = 0; i < kTurn; ++i) {
    const auto outcome = socket_.receive(room_, datagram);
    if (outcome == net::DatagramSocket::Outcome::nothing) return;
    if (outcome == net::DatagramSocket::Outcome::received) take(datagram);
  }
}

void UdpRelay::take(const net::Datagram& datagram) {
  std::string key = key_of(datagram);
  const auto known = sessions_.find(key);
  const SessionPtr session = known != sessions_.end() ? known->second : begin(key, datagram);
  if (session == nullptr) return;
  session->send(datagram.bytes);
  if (session->dial == nullptr) open(session);
}

UdpRelay::SessionPtr UdpRelay::begin(const std::string& key, const net::Datagram& datagram) {
  if (sessions_.size() >= kMaxSessions) {
    complain("too many clients", datagram.from);
    return nullptr;
  }
  auto session = std::make_shared<Session>(*this, key, datagram);
  StreamEnds& ends = session->ends;
  ends.set_source(datagram.from);
  ends.set_destination(datagram.local
                           ? net::SocketAddress::from(*datagram.local, socket_.address().port())
                           : socket_.address(),
                       worker_);
  session->pin = worker_.targets().pin();
  if (!session->pin) return nullptr;
  const runtime::Snapshot& snapshot = *session->pin->snapshot;
  const int64_t found = match_stream(snapshot, ends, "", model::Protocol::udp);
  if (found < 0) {
    complain("no route", datagram.from);
    return nullptr;
  }
  session->route = static_cast<uint32_t>(found);
  const runtime::RouteEntry& route = snapshot.routes[session->route];
  if (!suits_streams(route, model::Protocol::udp)) {
    complain("the route's service is none for UDP", datagram.from);
    return nullptr;
  }
  if (const auto why = refusal_of(route, ends, "", model::Protocol::udp); !why.empty()) {
    complain(why, datagram.from);
    return nullptr;
  }
  sessions_.emplace(key, session);
  worker_.count().udp_sessions.add();
  worker_.count().udp_active.add();
  return session;
}

Detached UdpRelay::open(SessionPtr session) {
  Worker& worker = session->relay->worker_;
  session->entry = session->pin->snapshot->routes[session->route].target;
  session->dial = std::make_unique<StreamDial>(
      worker, worker.targets().of_route(session->pin->snapshot->routes[session->route]),
      session->ends.source_ip);
  AddressPool* at = co_await session->dial->next();
  if (session->relay == nullptr) co_return;  // ended meanwhile
  session->pin = SnapshotPin();
  if (at != nullptr) session->upstream = net::DatagramSocket::connect(at->address());
  if (session->upstream != nullptr && !worker.loop().descriptors().enough_for_client(
                                          session->upstream->fd(), worker.loop().now())) {
    session->upstream.reset();
  }
  if (session->upstream == nullptr) {
    const model::Service& service = *session->entry->service;
    log::error("service {}: no upstream for a UDP client: {}",
               service.name.empty() ? service.id : service.name,
               at == nullptr ? "no target can be used" : "out of sockets");
    co_return session->relay->end(*session, 503);
  }
  session->idle_ms =
      std::max<uint64_t>(1, static_cast<uint64_t>(session->entry->service->read_timeout_ms));
  session->upstream->start(
      worker.loop(), [](void* self) { static_cast<Session*>(self)->on_answers(); }, session.get());
  session->last_moved = worker.loop().now();
  worker.loop().timers().schedule(session->timer, session->last_moved + session->idle_ms);
  for (const std::string& bytes : std::exchange(session->waiting, {})) session->send(bytes);
}

void UdpRelay::end(Session& session, int status) {
  const SessionPtr alive = sessions_.at(session.key);
  sessions_.erase(session.key);
  worker_.loop().timers().cancel(session.timer);
  session.upstream.reset();
  session.relay = nullptr;
  worker_.count().udp_active.subtract();
  worker_.log_stream({.client_ip = session.ends.source_ip,
                      .udp = true,
                      .status = status,
                      .sent = session.sent,
                      .received = session.received,
                      .duration_ms = worker_.loop().now() - session.started});
}

// Not for every datagram: their senders cost nothing.
void UdpRelay::complain(std::string_view what, const net::SocketAddress& who) {
  if (complained_ != 0 && worker_.loop().now() < complained_ + kComplainEveryMs) return;
  complained_ = worker_.loop().now();
  log::warn("a datagram from {} is dropped: {}", who.text(), what);
}

}  // namespace sallyport::proxy
