// The plugins of one route, merged from all the places where they can be configured and in the
// order in which they run. Built with the snapshot, immutable, any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/plugin_row.h"
#include "plugin/plugin.h"

namespace sallyport::plugin {

// A row of `plugins` with its behaviour.
struct Configured {
  std::shared_ptr<const model::PluginRow> row;
  std::shared_ptr<const Plugin> plugin;
  int priority = 0;
};
using ConfiguredPtr = std::shared_ptr<const Configured>;

class Chain {
 public:
  // One plugin: how it is configured for everybody, and for some consumers.
  struct Slot {
    ConfiguredPtr base;  // null: for those consumers only
    std::vector<std::pair<std::string, ConfiguredPtr>> by_consumer;  // ids

    const Configured* choose(std::string_view consumer_id, bool https) const;
    // For a connection of a stream route, which has no consumer; null: not for its protocol.
    const Configured* choose_for(model::Protocol protocol) const;
  };

  // Of everything that is configured: those for this route, service, any consumer. The most
  // specific of each name wins (route and service and consumer ... nothing at all).
  static std::shared_ptr<const Chain> build(std::span<const ConfiguredPtr> all,
                                            std::string_view route_id, std::string_view service_id);

  const std::vector<Slot>& slots() const { return slots_; }
  bool empty() const { return slots_.empty(); }

 private:
  std::vector<Slot> slots_;
};

}  // namespace sallyport::plugin
