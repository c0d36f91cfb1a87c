// What is known of every bundled plugin apart from its behaviour: its schema, read from
// plugin_schemas/*.json, its place in the order and its group. Built on first use, never changed.
// Any thread, but enable_plugins() only before the others start.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/schema.h"

namespace sallyport::model {

enum class PluginGroup : uint8_t {
  authentication,
  security,
  traffic_control,
  serverless,
  transformation,
  observation,  // only looks: a request is served as well without it
};

std::string_view name(PluginGroup group);

struct PluginDeclaration {
  std::string name;
  std::string version;
  int priority = 0;
  PluginGroup group = PluginGroup::observation;
  std::vector<std::string> phases;  // Kong's words
  Shape shape;                      // what replaces the fields of the entity `plugins`
};

// By name.
std::span<const PluginDeclaration> plugin_declarations();

// Null when there is none of that name.
const PluginDeclaration* find_plugin(std::string_view name);

// Those of the setting `plugins`; others are refused as not enabled. All, until it is called.
void enable_plugins(std::span<const std::string> names);
bool plugin_enabled(std::string_view name);

}  // namespace sallyport::model
