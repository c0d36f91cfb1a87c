#include "proxy/targets.h"

namespace sallyport::proxy {

Target::Target(std::shared_ptr<const runtime::ServiceTarget> entry, UpstreamPools& pools)
    : entry_(std::move(entry)), upstreams_(pools) {
  if (const auto literal = net::IpAddress::parse(service().host)) {
    pools_.push_back(pool_at(*literal));
    valid_until_ = ~uint64_t{0};
  }
}

std::shared_ptr<AddressPool> Target::pool_at(const net::IpAddress& address) {
  UpstreamAddress upstream{.socket = net::SocketAddress::from(address, service().port),
                           .tls = service().protocol == model::Protocol::https,
                           .server_name = {}};
  // RFC 6066 section 3: names only.
  if (upstream.tls && !net::IpAddress::parse(service().host)) upstream.server_name = service().host;
  return upstreams_.at(upstream);
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
    pools.push_back(pool_at(address));
  }
  pools_ = std::move(pools);
  // An answer that is being renewed serves this request; the next one asks again.
  valid_until_ = answer.valid_until;
  co_return "";
}

void Targets::replace(std::shared_ptr<const runtime::Snapshot> snapshot) {
  auto* fresh = new PinnedSnapshot;
  fresh->targets.resize(snapshot->routes.size(), nullptr);
  fresh->snapshot = std::move(snapshot);
  retire_current();
  current_ = fresh;
  std::erase_if(targets_, [](const auto& item) { return item.second->unused(); });
  pools_.prune();
}

void Targets::retire_current() {
  if (current_ == nullptr) return;
  current_->current = false;
  if (current_->pins == 0) delete current_;
  current_ = nullptr;
}

Target& Targets::of_route(PinnedSnapshot& pinned, uint32_t route) {
  Target*& target = pinned.targets[route];
  if (target == nullptr) target = &make(pinned.snapshot->routes[route].target);
  return *target;
}

Target& Targets::make(const std::shared_ptr<const runtime::ServiceTarget>& entry) {
  auto& target = targets_[entry.get()];
  if (target == nullptr) target = std::make_unique<Target>(entry, pools_);
  return *target;
}

}  // namespace sallyport::proxy
