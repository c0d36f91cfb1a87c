#include "proxy/targets.h"

#include <algorithm>

#include "balancer/target_name.h"

namespace sallyport::proxy {

namespace {

// Names that have grown old are looked for that often at most, and at least.
constexpr uint64_t kRenewSoonestMs = 100;
constexpr uint64_t kRenewLatestMs = 1'000;

std::string with_port(const std::string& host, uint16_t port, bool secure) {
  if (port == (secure ? 443 : 80)) {
    return host.find(':') != std::string::npos ? '[' + host + ']' : host;
  }
  return balancer::address_text(host, port);
}

}  // namespace

Target::Target(std::shared_ptr<const runtime::ServiceTarget> entry, UpstreamPools& pools,
               std::shared_ptr<BalancedUpstream> balanced)
    : entry_(std::move(entry)), upstreams_(pools), balanced_(std::move(balanced)) {
  if (balanced_ != nullptr) return;
  if (const auto literal = net::IpAddress::parse(service().host)) {
    ways_.push_back({.pool = pool_at(*literal, service().port, service().host)});
    valid_until_ = ~uint64_t{0};
  }
}

std::shared_ptr<AddressPool> Target::pool_at(const net::IpAddress& address, uint16_t port,
                                             const std::string& name) {
  UpstreamAddress upstream{
      .socket = net::SocketAddress::from(address, port), .tls = {}, .http2 = http2()};
  if (secure()) upstream.tls = UpstreamTls::of(*entry_, name);
  return upstreams_.at(upstream);
}

PeerRoutePtr Target::route_to(const balancer::PeerPtr& peer) {
  if (generation_ != balanced_->generation()) {
    peer_routes_.clear();
    generation_ = balanced_->generation();
  }
  if (peer_routes_.size() <= peer->index) peer_routes_.resize(peer->index + 1);
  PeerRoutePtr& route = peer_routes_[peer->index];
  if (route != nullptr) return route;
  const std::string& wanted = entry_->upstream->upstream->host_header;
  const std::string name =
      wanted.empty() ? peer->at.host : std::string(balancer::split_target(wanted).host);
  const auto address = net::IpAddress::parse(peer->at.ip).value_or(net::IpAddress{});
  route = std::make_shared<const PeerRoute>(PeerRoute{
      .peer = peer,
      .pool = pool_at(address, peer->at.port, name),
      .host_header = wanted.empty() ? with_port(peer->at.host, peer->at.port, secure()) : wanted});
  return route;
}

std::string Target::log_address(const AddressPool& pool, const PeerRoutePtr& route) const {
  std::string out = pool.address().text();
  if (route != nullptr) {
    out +=
        " (target '" + route->peer->at.target + "' of upstream " + balanced_->upstream().name + ')';
  }
  return out;
}

AddressPool* Target::pick(uint64_t now) {
  if (valid_until_ <= now || ways_.empty()) return nullptr;
  if (ways_.size() == 1) return ways_.front().pool.get();
  Way* best = nullptr;
  int64_t total = 0;
  for (Way& way : ways_) {
    way.turn += way.weight;
    total += way.weight;
    if (best == nullptr || way.turn > best->turn) best = &way;
  }
  best->turn -= total;
  return best->pool.get();
}

Task<std::string> Target::resolve(net::Resolver& resolver) {
  const net::Resolver::Answer& answer = co_await resolver.resolve(service().host);
  if (answer.hosts.empty()) co_return answer.error.empty() ? "no address" : answer.error;
  std::vector<Way> ways;
  for (const net::ResolvedHost& host : answer.hosts) {
    const uint16_t port = host.port != 0 ? host.port : service().port;
    auto pool = pool_at(host.ip, port, service().host);
    const auto known = std::ranges::find(ways_, pool, &Way::pool);
    const int64_t turn = known != ways_.end() ? known->turn : 0;
    ways.push_back({.pool = std::move(pool),
                    .weight = host.weight != 0 ? host.weight : int64_t{1},
                    .turn = turn});
  }
  ways_ = std::move(ways);
  // An answer that is being renewed serves the requests of this moment; the next ones ask again.
  valid_until_ = std::max(answer.valid_until, resolver.now() + 1);
  co_return "";
}

void Targets::replace(std::shared_ptr<const runtime::Snapshot> snapshot) {
  configure_upstreams(snapshot->upstreams);
  auto* fresh = new PinnedSnapshot;
  fresh->snapshot = std::move(snapshot);
  retire_current();
  current_ = fresh;
  std::erase_if(targets_, [](const auto& item) { return item.second->unused(); });
  pools_.prune();
}

std::shared_ptr<BalancedUpstream> Targets::make_upstream(const std::string& id) {
  seed_ += 0x9e37'79b9'7f4a'7c15;
  return std::make_shared<BalancedUpstream>(loop_, resolver_, board_->upstream(id), seed_,
                                            slow_start_ms_);
}

void Targets::configure_upstreams(const std::shared_ptr<const runtime::UpstreamList>& upstreams) {
  if (upstreams == upstreams_) return;
  upstreams_ = upstreams;
  decltype(balanced_) balanced;
  for (const auto& entry : *upstreams) {
    const std::string& id = entry->upstream->id;
    auto known = balanced_.find(id);
    auto& slot = balanced[id];
    slot = known != balanced_.end() ? known->second : make_upstream(id);
    slot->configure(entry);
  }
  balanced_ = std::move(balanced);
  renew_names();
}

// Whether there is traffic or not: after a pause the first request, too, should find the address
// that is right now.
void Targets::renew_names() {
  uint64_t next = ~uint64_t{0};
  for (const auto& [id, upstream] : balanced_) next = std::min(next, upstream->renew_old());
  const uint64_t now = loop_.now();
  if (next == ~uint64_t{0}) {
    loop_.timers().cancel(renewal_);
  } else {
    loop_.timers().schedule(renewal_,
                            std::clamp(next, now + kRenewSoonestMs, now + kRenewLatestMs));
  }
}

Targets::~Targets() {
  loop_.timers().cancel(renewal_);
  retire_current();
}

void Targets::retire_current() {
  if (current_ == nullptr) return;
  current_->current = false;
  if (current_->pins == 0) delete current_;
  current_ = nullptr;
}

Target& Targets::of_route(const runtime::RouteEntry& route) {
  auto found = targets_.find(route.target.get());
  return found != targets_.end() ? *found->second : make(route.target);
}

Target& Targets::make(const std::shared_ptr<const runtime::ServiceTarget>& entry) {
  auto& target = targets_[entry.get()];
  if (target == nullptr) {
    std::shared_ptr<BalancedUpstream> balanced;
    if (entry->upstream != nullptr) {
      auto& slot = balanced_[entry->upstream->upstream->id];
      if (slot == nullptr) {
        // Only a request that pinned an older snapshot gets here.
        slot = make_upstream(entry->upstream->upstream->id);
        slot->configure(entry->upstream);
      }
      balanced = slot;
    }
    target = std::make_unique<Target>(entry, pools_, std::move(balanced));
  }
  return *target;
}

}  // namespace sallyport::proxy
