#include "balancer/health_board.h"

#include <algorithm>

#include "balancer/target_name.h"
#include "base/ip_address.h"

namespace sallyport::balancer {
namespace {

model::Health health_of(bool checks, bool healthy) {
  if (!checks) return model::Health::checks_off;
  return healthy ? model::Health::healthy : model::Health::unhealthy;
}

// Addresses have many forms; the states are kept by the shortest. A text that is none stays as it
// is.
std::string as_kept(std::string_view address) {
  const TargetName parts = split_target(address);
  const auto ip = IpAddress::parse(parts.host);
  return ip ? address_text(ip->text(), parts.port) : std::string(address);
}

}  // namespace

void UpstreamStates::configure(const model::Upstream& upstream,
                               std::span<const std::shared_ptr<const model::Target>> targets) {
  std::lock_guard lock(mutex_);
  id_ = upstream.id;
  threshold_ = upstream.threshold;
  slots_ = upstream.slots;
  // Without checks nothing would ever heal a target again.
  if (checks_ && !upstream.checks_health()) {
    for (auto& [name, target] : targets_) {
      target.starts_unhealthy = false;
      for (auto& [address, state] : target.states) state->mark(true);
    }
    changed();
  }
  checks_ = upstream.checks_health();
  for (auto& [name, target] : targets_) target.configured = false;
  for (const auto& configured : targets) {
    Target& target = targets_[configured->target];
    target.configured = true;
    target.id = configured->id;
    target.weight = configured->weight;
    for (Address& address : target.addresses) address.at.weight = configured->weight;
  }
  std::erase_if(targets_, [](const auto& entry) { return !entry.second.configured; });
}

std::shared_ptr<AddressState>& UpstreamStates::state_of(Target& target,
                                                        const std::string& address) {
  std::shared_ptr<AddressState>& state = target.states[address];
  if (state == nullptr) {
    state = std::make_shared<AddressState>();
    if (target.starts_unhealthy) state->mark(false);
  }
  return state;
}

std::vector<std::shared_ptr<AddressState>> UpstreamStates::resolved(
    const std::string& name, std::span<const ResolvedAddress> addresses, std::string_view error,
    uint64_t answered_ms) {
  std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<AddressState>> states;
  auto found = targets_.find(name);
  if (found == targets_.end()) {
    // Its configuration has not come to the board yet, or has left it.
    for (size_t i = 0; i < addresses.size(); ++i)
      states.push_back(std::make_shared<AddressState>());
    return states;
  }
  Target& target = found->second;
  for (const ResolvedAddress& address : addresses) {
    states.push_back(state_of(target, address_text(address.ip, address.port)));
  }
  // A worker that has had nothing to do for a while may come with an old answer.
  if (answered_ms < target.answered_ms) return states;
  target.answered_ms = answered_ms;
  target.error = error;
  target.addresses.clear();
  for (size_t i = 0; i < addresses.size(); ++i)
    target.addresses.push_back({addresses[i], states[i]});
  // An address that nobody uses any more; another worker may still know it.
  std::erase_if(target.states, [](const auto& entry) { return entry.second.use_count() == 1; });
  return states;
}

model::TargetHealth UpstreamStates::read(const std::string& name, const Target& target) const {
  const TargetName parts = split_target(name);
  model::TargetHealth out{.id = target.id,
                          .target = name,
                          .host = std::string(parts.host),
                          .port = parts.port,
                          .weight = target.weight,
                          .health = model::Health::healthy,
                          .addresses = {},
                          .dns_error = target.error};
  bool any = target.addresses.empty() && !target.starts_unhealthy;
  for (const Address& address : target.addresses) {
    const bool healthy = address.state->healthy();
    any |= healthy;
    out.addresses.push_back({.ip = address.at.ip,
                             .port = address.at.port,
                             .weight = address.at.weight,
                             .health = health_of(checks_, healthy)});
  }
  out.health = target.error.empty() ? health_of(checks_, any) : model::Health::dns_error;
  return out;
}

model::UpstreamHealth UpstreamStates::read() const {
  std::lock_guard lock(mutex_);
  model::UpstreamHealth out{.id = id_,
                            .health = model::Health::healthy,
                            .threshold = threshold_,
                            .slots = slots_,
                            .targets = {}};
  uint64_t total = 0;
  uint64_t available = 0;
  for (const auto& [name, target] : targets_) {
    out.targets.push_back(read(name, target));
    total += out.targets.back().total_weight();
    available += out.targets.back().available_weight();
  }
  const bool enough = available > 0 && static_cast<double>(available) * 100 >=
                                           threshold_ * static_cast<double>(total);
  out.health = health_of(checks_, enough);
  return out;
}

bool UpstreamStates::mark(std::string_view name, std::string_view address, bool healthy) {
  std::lock_guard lock(mutex_);
  auto found = targets_.find(name);
  if (found == targets_.end()) return false;
  Target& target = found->second;
  if (address.empty()) {
    target.starts_unhealthy = !healthy;
    for (auto& [text, state] : target.states) state->mark(healthy);
  } else {
    auto state = target.states.find(as_kept(address));
    if (state == target.states.end()) return false;
    state->second->mark(healthy);
  }
  changed();
  return true;
}

std::shared_ptr<UpstreamStates> HealthBoard::upstream(const std::string& id) {
  std::lock_guard lock(mutex_);
  auto& states = upstreams_[id];
  if (states == nullptr) states = std::make_shared<UpstreamStates>();
  return states;
}

void HealthBoard::keep_only(std::span<const std::string> ids) {
  std::lock_guard lock(mutex_);
  std::erase_if(upstreams_, [&](const auto& entry) {
    return std::ranges::find(ids, entry.first) == ids.end();
  });
}

std::shared_ptr<UpstreamStates> HealthBoard::find(std::string_view id) const {
  std::lock_guard lock(mutex_);
  auto found = upstreams_.find(id);
  return found == upstreams_.end() ? nullptr : found->second;
}

std::optional<model::UpstreamHealth> HealthBoard::read(std::string_view upstream_id) const {
  const auto states = find(upstream_id);
  if (states == nullptr) return std::nullopt;
  return states->read();
}

bool HealthBoard::mark(std::string_view upstream_id, std::string_view target,
                       std::string_view address, bool healthy) {
  const auto states = find(upstream_id);
  return states != nullptr && states->mark(target, address, healthy);
}

}  // namespace sallyport::balancer
