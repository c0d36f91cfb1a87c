#include "proxy/balanced_upstream.h"

#include <algorithm>
#include <utility>

#include "balancer/target_name.h"
#include "base/log.h"

namespace sallyport::proxy {
namespace {

// However short-lived an answer is, names are not looked up for every request.
constexpr uint64_t kShortestMs = 1'000;

// SRV records bring weights of their own; a target that is off stays off.
uint32_t weight_of(const model::Target& target, const net::ResolvedHost& host) {
  return target.weight == 0 || host.weight == 0 ? target.weight : host.weight;
}

}  // namespace

BalancedUpstream::BalancedUpstream(net::Loop& loop, net::Resolver& resolver,
                                   std::shared_ptr<balancer::UpstreamStates> states, uint64_t seed,
                                   uint64_t slow_start_ms)
    : loop_(loop),
      resolver_(resolver),
      states_(std::move(states)),
      balance_(states_, seed, slow_start_ms) {}

void BalancedUpstream::configure(const std::shared_ptr<const runtime::UpstreamEntry>& entry) {
  if (entry_ == entry) return;
  entry_ = entry;
  balance_.configure(*entry->upstream);
  take_names();
  rebuild();
}

// Names that were looked up keep their addresses.
void BalancedUpstream::take_names() {
  std::vector<Name> names;
  valid_until_ = ~uint64_t{0};
  for (const auto& target : entry_->targets) {
    const balancer::TargetName parts = balancer::split_target(target->target);
    Name name{.target = target,
              .host = std::string(parts.host),
              .port = parts.port,
              .hosts = {},
              .error = {}};
    const auto known = std::ranges::find_if(
        names_, [&](const Name& n) { return n.target->target == target->target; });
    if (const auto literal = net::IpAddress::parse(name.host)) {
      name.hosts = {{.ip = *literal}};
      name.valid_until = ~uint64_t{0};
    } else if (known != names_.end()) {
      name.hosts = std::move(known->hosts);
      name.error = std::move(known->error);
      name.valid_until = known->valid_until;
    }
    valid_until_ = std::min(valid_until_, name.valid_until);
    names.push_back(std::move(name));
  }
  names_ = std::move(names);
}

void BalancedUpstream::rebuild() {
  std::vector<balancer::NewPeer> peers;
  for (const Name& name : names_) {
    std::vector<balancer::ResolvedAddress> addresses;
    for (const net::ResolvedHost& host : name.hosts) {
      addresses.push_back({.ip = host.ip.text(),
                           .port = host.port != 0 ? host.port : name.port,
                           .weight = weight_of(*name.target, host)});
    }
    const auto states = states_->resolved(name.target->target, addresses, name.error);
    for (size_t i = 0; i < addresses.size(); ++i) {
      const bool named = upstream().use_srv_name && !name.hosts[i].name.empty();
      peers.push_back({.at = {.target = name.target->target,
                              .host = named ? name.hosts[i].name : name.host,
                              .ip = std::move(addresses[i].ip),
                              .port = addresses[i].port},
                       .weight = addresses[i].weight,
                       .state = states[i]});
    }
  }
  balance_.set_peers(std::move(peers));
}

bool BalancedUpstream::ready() {
  if (valid_until_ > loop_.now()) return true;
  renew();
  return !renewing_ || !balance_.peers().empty();
}

void BalancedUpstream::renew() {
  if (!renewing_) renew_beside(shared_from_this());
}

Detached BalancedUpstream::renew_beside(std::shared_ptr<BalancedUpstream> self) {
  self->renewing_ = true;
  co_await self->resolve();
  self->renewing_ = false;
}

Task<void> BalancedUpstream::resolve() {
  // All questions first, so that the answers do not wait for each other.
  for (const Name& name : names_) {
    if (name.valid_until <= loop_.now()) static_cast<void>(resolver_.resolve(name.host));
  }
  uint64_t valid_until = ~uint64_t{0};
  for (size_t i = 0; i < names_.size(); ++i) {
    if (names_[i].valid_until > loop_.now()) {
      valid_until = std::min(valid_until, names_[i].valid_until);
      continue;
    }
    const auto entry = entry_;
    const std::string host = names_[i].host;
    const net::Resolver::Answer& answer = co_await resolver_.resolve(host);
    if (entry != entry_) co_return;  // another configuration meanwhile: it begins anew
    Name& name = names_[i];
    name.hosts = answer.hosts;
    name.error.clear();
    if (answer.hosts.empty()) {
      name.error = answer.error.empty() ? "no address" : answer.error;
      log::error("upstream {}: cannot resolve target '{}': {}", upstream().name, name.host,
                 name.error);
    }
    name.valid_until = std::max(answer.valid_until, loop_.now() + kShortestMs);
    valid_until = std::min(valid_until, name.valid_until);
  }
  valid_until_ = valid_until;
  rebuild();
}

void BalancedUpstream::report(const balancer::Peer& peer, balancer::Outcome outcome,
                              const model::CheckThresholds& thresholds) {
  if (!peer.state->report(outcome, thresholds)) return;
  states_->changed();
  log::warn("upstream {}: target '{}' ({}) is {} now", upstream().name, peer.at.target,
            balancer::address_text(peer.at.ip, peer.at.port),
            peer.state->healthy() ? "healthy" : "unhealthy");
}

void BalancedUpstream::report_status(const balancer::Peer& peer, int status) {
  const model::PassiveChecks& checks = upstream().passive;
  if (!checks.on() || checks.type == model::CheckType::tcp) return;
  const auto outcome = balancer::judge(status, checks.healthy_statuses, checks.unhealthy_statuses);
  if (outcome) report(peer, *outcome, checks.thresholds);
}

void BalancedUpstream::report_success(const balancer::Peer& peer) {
  const model::PassiveChecks& checks = upstream().passive;
  if (checks.on()) report(peer, balancer::Outcome::success, checks.thresholds);
}

void BalancedUpstream::report_failure(balancer::Peer& peer, balancer::Outcome outcome,
                                      uint64_t took_ms) {
  balance_.note_failure(peer, took_ms, loop_.now());
  const model::PassiveChecks& checks = upstream().passive;
  if (checks.on()) report(peer, outcome, checks.thresholds);
}

}  // namespace sallyport::proxy
