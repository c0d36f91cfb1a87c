#include "proxy/balanced_upstream.h"

#include <algorithm>
#include <utility>

#include "balancer/target_name.h"
#include "base/log.h"

namespace sallyport::proxy {
namespace {

// However short-lived an answer is, names are not looked up for every request; and an old one that
// serves while a new one is fetched must not outlive it by much.
constexpr uint64_t kShortestMs = 20;
// What nobody waits for is asked for less often.
constexpr uint64_t kRestMs = 1'000;

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
      name.known = true;
      name.valid_until = ~uint64_t{0};
    } else if (known != names_.end()) {
      name.hosts = std::move(known->hosts);
      name.error = std::move(known->error);
      name.known = known->known;
      name.asked = known->asked;
      name.answered = known->answered;
      name.valid_until = known->valid_until;
    }
    names.push_back(std::move(name));
  }
  names_ = std::move(names);
  asking_ = 0;
  ++configured_;
  note_times();
}

void BalancedUpstream::rebuild() {
  std::vector<balancer::NewPeer> peers;
  for (const Name& name : names_) {
    if (!name.known) continue;  // another worker may know more
    std::vector<balancer::ResolvedAddress> addresses;
    for (const net::ResolvedHost& host : name.hosts) {
      addresses.push_back({.ip = host.ip.text(),
                           .port = host.port != 0 ? host.port : name.port,
                           .weight = weight_of(*name.target, host)});
    }
    const auto states =
        states_->resolved(name.target->target, addresses, name.error, name.answered);
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
  return asking_ == 0 || !balance_.peers().empty();
}

void BalancedUpstream::renew() {
  const uint64_t now = loop_.now();
  if (renew_at_ > now) return;
  for (size_t i = 0; i < names_.size(); ++i) {
    if (!names_[i].asking && names_[i].valid_until <= now) ask(shared_from_this(), i);
  }
}

uint64_t BalancedUpstream::renew_old() {
  const uint64_t now = loop_.now();
  uint64_t next = ~uint64_t{0};
  for (size_t i = 0; i < names_.size(); ++i) {
    if (names_[i].valid_until == ~uint64_t{0}) continue;
    const bool rested = names_[i].asked + kRestMs <= now;
    if (names_[i].known && !names_[i].asking && names_[i].valid_until <= now && rested)
      ask(shared_from_this(), i);
    const Name& name = names_[i];
    const uint64_t due = std::max(name.valid_until, name.asked + kRestMs);
    next = std::min(next, name.known && !name.asking ? due : now + kRestMs);
  }
  return next;
}

// Each name by itself: one whose server is silent keeps no other from its new addresses.
Detached BalancedUpstream::ask(std::shared_ptr<BalancedUpstream> self, size_t index) {
  const uint32_t configured = self->configured_;
  const std::string host = self->names_[index].host;
  self->names_[index].asking = true;
  self->names_[index].asked = self->loop_.now();
  ++self->asking_;
  self->note_times();
  const net::Resolver::Answer& answer = co_await self->resolver_.renewed(host);
  if (configured != self->configured_) co_return;
  self->names_[index].asking = false;
  --self->asking_;
  self->take(self->names_[index], answer);
}

Task<void> BalancedUpstream::resolve() {
  // All questions first, so that the answers do not wait for each other.
  renew();
  for (size_t i = 0; i < names_.size(); ++i) {
    if (names_[i].valid_until > loop_.now()) continue;
    const uint32_t configured = configured_;
    const std::string host = names_[i].host;
    const net::Resolver::Answer& answer = co_await resolver_.resolve(host);
    if (configured != configured_) co_return;
    take(names_[i], answer);
  }
}

void BalancedUpstream::take(Name& name, const net::Resolver::Answer& answer) {
  name.valid_until = std::max(answer.valid_until, loop_.now() + kShortestMs);
  note_times();
  if (name.known && name.answered == answer.answered) return;
  name.known = true;
  name.answered = answer.answered;
  name.hosts = answer.hosts;
  std::string error;
  if (answer.hosts.empty()) error = answer.error.empty() ? "no address" : answer.error;
  if (!error.empty() && error != name.error) {
    log::error("upstream {}: cannot resolve target '{}': {}", upstream().name, name.host, error);
  }
  name.error = std::move(error);
  rebuild();
}

void BalancedUpstream::note_times() {
  valid_until_ = renew_at_ = ~uint64_t{0};
  for (const Name& name : names_) {
    valid_until_ = std::min(valid_until_, name.valid_until);
    if (!name.asking) renew_at_ = std::min(renew_at_, name.valid_until);
  }
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
