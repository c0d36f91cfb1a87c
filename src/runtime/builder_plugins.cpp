// Builder's part for plugins: instances from rows, and each route's chain.
#include <fmt/format.h>

#include "base/json.h"
#include "runtime/builder.h"

namespace sallyport::runtime {

// An instance for a row. Where none can be made the former one stays, or a stand-in that refuses
// requests: a broken configuration must not leave a route open.
plugin::ConfiguredPtr Builder::configure(const std::shared_ptr<const model::PluginRow>& row,
                                         const plugin::ConfiguredPtr& former) {
  constexpr int kFirst = 2'000'000;  // before all others
  auto configured = std::make_shared<plugin::Configured>();
  configured->row = row;
  const plugin::Definition* definition = plugin::find(definitions_, row->name);
  configured->priority = definition != nullptr ? definition->priority : kFirst;
  Error error{.code = kNoBehaviour,
              .side = Side::config,
              .detail = fmt::format("plugin {} ({}): this gateway has no behaviour for it",
                                    row->name, row->id),
              .remedy = ""};
  if (definition != nullptr) {
    const Json config = parse_json(row->config);
    auto made = definition->make({.id = row->id, .config = config});
    if (made) {
      configured->plugin = *std::move(made);
      return configured;
    }
    error = made.error();
    error.detail = fmt::format("plugin {} ({}): {}", row->name, row->id, error.detail);
  }
  bad_plugins_.insert_or_assign(row->id, std::move(error));
  if (former != nullptr && definition != nullptr) {
    configured->plugin = former->plugin;
  } else {
    configured->plugin = plugin::stand_in(row->name);
  }
  return configured->plugin != nullptr ? configured : nullptr;
}

// The routes whose chains a plugin stands in, or stood in.
void Builder::mark_scope_stale(const model::PluginRow& row) {
  if (!row.route_id.empty()) {
    stale_.routes.insert(row.route_id);
  } else if (row.service_id.empty()) {
    stale_.everything = true;
  } else if (auto slots = slots_by_service_.find(row.service_id);
             slots != slots_by_service_.end()) {
    for (const uint32_t slot : slots->second) stale_.routes.insert(placed_[slot]->id);
  }
}

void Builder::configure_plugins() {
  if (stale_.plugins.empty() && !stale_.everything) return;
  for (const std::string& id : stale_.plugins) {
    if (auto former = plugins_.find(id); former != plugins_.end()) {
      mark_scope_stale(*former->second->row);
    }
    if (auto row = model_.plugins.find(id); row != model_.plugins.end()) {
      mark_scope_stale(*row->second);
    }
  }
  std::erase_if(bad_plugins_, [&](const auto& bad) { return !model_.plugins.contains(bad.first); });
  std::unordered_map<std::string, plugin::ConfiguredPtr> plugins;
  global_plugins_.clear();
  scoped_plugins_.clear();
  for (const auto& [id, row] : model_.plugins) {
    if (!row->enabled) continue;
    const auto known = plugins_.find(id);
    plugin::ConfiguredPtr former = known == plugins_.end() ? nullptr : known->second;
    if (former == nullptr || former->row != row) {
      bad_plugins_.erase(id);
      former = configure(row, former);
    }
    if (former == nullptr) continue;  // one that only observes
    plugins[id] = former;
    const std::string& scope = row->route_id.empty() ? row->service_id : row->route_id;
    (scope.empty() ? global_plugins_ : scoped_plugins_[scope]).push_back(former);
  }
  plugins_ = std::move(plugins);
}

std::shared_ptr<const plugin::Chain> Builder::chain_of(const model::Route& route) {
  if (plugins_.empty()) return nullptr;
  std::vector<plugin::ConfiguredPtr> all = global_plugins_;
  for (const std::string* scope : {&route.id, &route.service_id}) {
    if (scope->empty()) continue;
    if (auto found = scoped_plugins_.find(*scope); found != scoped_plugins_.end()) {
      all.insert(all.end(), found->second.begin(), found->second.end());
    }
  }
  if (all.empty()) return nullptr;
  return plugin::Chain::build(all, route.id, route.service_id);
}

std::shared_ptr<const plugin::Identities> Builder::identities() {
  if (identities_ != nullptr) return identities_;
  auto built = std::make_shared<plugin::Identities>();
  for (const auto& [id, consumer] : model_.consumers) built->add(consumer);
  for (const auto& [id, credential] : model_.key_credentials) built->add(credential);
  for (const auto& [id, credential] : model_.basic_credentials) built->add(credential);
  for (const auto& [id, group] : model_.acl_groups) built->add(*group);
  identities_ = std::move(built);
  return identities_;
}

}  // namespace sallyport::runtime
