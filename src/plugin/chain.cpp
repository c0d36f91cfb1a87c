#include "plugin/chain.h"

#include <algorithm>
#include <map>

namespace sallyport::plugin {
namespace {

// Kong's order of precedence; bigger wins.
int specificity(const model::PluginRow& row) {
  const bool route = !row.route_id.empty();
  const bool service = !row.service_id.empty();
  const bool consumer = !row.consumer_id.empty();
  if (consumer) return route && service ? 7 : route ? 6 : service ? 5 : 3;
  return route && service ? 4 : route ? 2 : service ? 1 : 0;
}

bool applies(const model::PluginRow& row, std::string_view route_id, std::string_view service_id) {
  return (row.route_id.empty() || row.route_id == route_id) &&
         (row.service_id.empty() || row.service_id == service_id);
}

ConfiguredPtr more_specific(const ConfiguredPtr& a, const ConfiguredPtr& b) {
  if (a == nullptr) return b;
  if (b == nullptr) return a;
  return specificity(*b->row) > specificity(*a->row) ? b : a;
}

Chain::Slot merge(std::span<const ConfiguredPtr> same_name) {
  Chain::Slot slot;
  std::map<std::string, ConfiguredPtr> consumers;
  for (const ConfiguredPtr& one : same_name) {
    ConfiguredPtr& best =
        one->row->consumer_id.empty() ? slot.base : consumers[one->row->consumer_id];
    best = more_specific(best, one);
  }
  for (auto& [id, best] : consumers) {
    slot.by_consumer.emplace_back(id, more_specific(best, slot.base));
  }
  return slot;
}

const Configured& any_of(const Chain::Slot& slot) {
  return slot.base != nullptr ? *slot.base : *slot.by_consumer.front().second;
}

}  // namespace

const Configured* Chain::Slot::choose(std::string_view consumer_id, bool https) const {
  const Configured* chosen = base.get();
  if (!consumer_id.empty()) {
    const auto found =
        std::ranges::lower_bound(by_consumer, consumer_id, {},
                                 [](const auto& entry) -> std::string_view { return entry.first; });
    if (found != by_consumer.end() && found->first == consumer_id) chosen = found->second.get();
  }
  if (chosen == nullptr || !(https ? chosen->row->https : chosen->row->http)) return nullptr;
  return chosen;
}

const Configured* Chain::Slot::choose_for(model::Protocol protocol) const {
  return base != nullptr && base->row->is_for(protocol) ? base.get() : nullptr;
}

std::shared_ptr<const Chain> Chain::build(std::span<const ConfiguredPtr> all,
                                          std::string_view route_id, std::string_view service_id) {
  std::map<std::string_view, std::vector<ConfiguredPtr>> by_name;
  for (const ConfiguredPtr& one : all) {
    if (applies(*one->row, route_id, service_id)) by_name[one->row->name].push_back(one);
  }
  if (by_name.empty()) return nullptr;
  auto chain = std::make_shared<Chain>();
  for (const auto& [name, same] : by_name) chain->slots_.push_back(merge(same));
  std::ranges::sort(chain->slots_, [](const Slot& a, const Slot& b) {
    const Configured& left = any_of(a);
    const Configured& right = any_of(b);
    return left.priority != right.priority ? left.priority > right.priority
                                           : left.row->name < right.row->name;
  });
  return chain;
}

}  // namespace sallyport::plugin
