#include "model/plugin_declarations.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <set>
#include <utility>

#include "base/json.h"
#include "base/log.h"
#include "model/plugin_schema_texts.h"
#include "model/schema_reader.h"

namespace sallyport::model {
namespace {

constexpr std::pair<std::string_view, PluginGroup> kGroups[] = {
    {"authentication", PluginGroup::authentication},   {"security", PluginGroup::security},
    {"traffic_control", PluginGroup::traffic_control}, {"serverless", PluginGroup::serverless},
    {"transformation", PluginGroup::transformation},   {"observation", PluginGroup::observation}};

std::optional<std::set<std::string, std::less<>>>& enabled() {
  static std::optional<std::set<std::string, std::less<>>> names;
  return names;
}

PluginDeclaration read(std::string_view text) {
  Json json = parse_json(text);
  if (json.is_discarded()) {
    log::error("a plugin's schema is broken JSON: {}", text.substr(0, 60));
    std::abort();
  }
  PluginDeclaration plugin;
  plugin.name = json["name"].get<std::string>();
  plugin.version = json["version"].get<std::string>();
  plugin.priority = json["priority"].get<int>();
  plugin.phases = json["phases"].get<std::vector<std::string>>();
  std::string group = json["group"].get<std::string>();
  for (const auto& [word, value] : kGroups) {
    if (word == group) plugin.group = value;
  }
  plugin.shape = read_shape(json);
  return plugin;
}

}  // namespace

std::string_view name(PluginGroup group) {
  auto found = std::ranges::find(kGroups, group, &std::pair<std::string_view, PluginGroup>::second);
  return found->first;
}

std::span<const PluginDeclaration> plugin_declarations() {
  static const std::vector<PluginDeclaration> all = [] {
    std::vector<PluginDeclaration> list;
    for (std::string_view text : plugin_schema_texts()) list.push_back(read(text));
    std::ranges::sort(list, {}, &PluginDeclaration::name);
    return list;
  }();
  return all;
}

const PluginDeclaration* find_plugin(std::string_view name) {
  auto all = plugin_declarations();
  auto found = std::ranges::lower_bound(all, name, {}, &PluginDeclaration::name);
  return found == all.end() || found->name != name ? nullptr : &*found;
}

void enable_plugins(std::span<const std::string> names) {
  enabled().emplace(names.begin(), names.end());
}

bool plugin_enabled(std::string_view name) {
  return find_plugin(name) != nullptr && (!enabled() || enabled()->contains(name));
}

}  // namespace sallyport::model
