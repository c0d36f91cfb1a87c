#include "proxy/targets.h"

#include "balancer/target_name.h"

namespace sallyport::proxy {

namespace {

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
    pools_.push_back(pool_at(*literal, service().port, service().host));
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

AddressPool* Target::pick(uint64_t now) {
  if (valid_until_ <= now || pools_.empty()) return nullptr;
  if (pools_.size() == 1) return pools_.front().get();
  if (next_ >= pools_.size()) next_ = 0;
  return pools_[next_++].get();
}

Task<std::string> Target::resolve(net::Resolver& resolver) {
  const net::Resolver::Answer& answer = co_await resolver.resolve(service().host);
  if (answer.addresses.empty()) co_return answer.error.empty() ? "no address" : answer.error;
  std::vector<std::shared_ptr<AddressPool>> pools;
  for (const net::IpAddress& address : answer.addresses) {
    pools.push_back(pool_at(address, service().port, service().host));
  }
  pools_ = std::move(pools);
  // An answer that is being renewed serves this request; the next one asks again.
  valid_until_ = answer.valid_until;
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

void Targets::configure_upstreams(const std::shared_ptr<const runtime::UpstreamList>& upstreams) {
  if (upstreams == upstreams_) return;
  upstreams_ = upstreams;
  decltype(balanced_) balanced;
  for (const auto& entry : *upstreams) {
    const std::string& id = entry->upstream->id;
    auto known = balanced_.find(id);
    auto& slot = balanced[id];
    slot = known != balanced_.end()
               ? known->second
               : std::make_shared<BalancedUpstream>(loop_, resolver_, board_->upstream(id),
                                                    seed_ += 0x9e37'79b9'7f4a'7c15);
    slot->configure(entry);
  }
  balanced_ = std::move(balanced);
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
        slot = std::make_shared<BalancedUpstream>(
            loop_, resolver_, board_->upstream(entry->upstream->upstream->id), ++seed_);
        slot->configure(entry->upstream);
      }
      balanced = slot;
    }
    target = std::make_unique<Target>(entry, pools_, std::move(balanced));
  }
  return *target;
}

}  // namespace sallyport::proxy
