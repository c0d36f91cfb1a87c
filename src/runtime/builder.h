// Keeps the Model and builds snapshots from it, sharing what did not change. One instance per node,
// used by one thread at a time: the change feed's, or the one that loads a declarative file.
// A part that cannot be built keeps its last good form, or is left out when it never had one; the
// other parts are built all the same.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "model/change.h"
#include "model/model.h"
#include "plugin/chain.h"
#include "plugin/identities.h"
#include "runtime/snapshot.h"

namespace sallyport::runtime {

class Builder {
 public:
  // `definitions` are the plugins that there are behaviours for; they outlive the builder.
  explicit Builder(plugin::Definitions definitions = {},
                   router::Flavor flavor = router::Flavor::traditional_compatible)
      : flavor_(flavor), definitions_(definitions) {}

  // The entities whose rows apply() understands: what a change feed should follow.
  static std::span<const model::EntitySchema* const> entities();

  // Takes a batch over into the Model. True when the data plane would see a difference.
  bool apply(const model::ChangeBatch& batch);

  // A snapshot of the Model as it is. Never fails: see faults().
  std::shared_ptr<const Snapshot> build();

  const model::Model& model() const { return model_; }

  // What the last apply() and build() could not use as it stands, one for each part, by name. To be
  // logged by the caller, who knows which are new.
  std::vector<Error> faults() const;

 private:
  using RoutePointer = std::shared_ptr<const model::Route>;
  struct BadRoute {
    RoutePointer route;
    Error error;
  };

  bool take(const model::Change& change);
  bool forget_missing(const model::ChangeBatch& batch);
  void share_upstreams();
  void share_targets();
  std::shared_ptr<const UpstreamEntry> upstream_named(const std::string& name) const;
  void configure_plugins();
  plugin::ConfiguredPtr configure(const std::shared_ptr<const model::PluginRow>& row,
                                  const plugin::ConfiguredPtr& former);
  std::shared_ptr<const plugin::Chain> chain_of(const model::Route& route);
  std::shared_ptr<const plugin::Identities> identities();
  std::vector<RoutePointer> routable();
  router::Router build_router(std::vector<RoutePointer>& routes);
  bool set_bad_routes_aside(const std::vector<RoutePointer>& routes);
  void remember_good(const std::vector<RoutePointer>& routes);

  router::Flavor flavor_;
  model::Model model_;
  std::unordered_map<std::string, std::shared_ptr<const ServiceTarget>> targets_;    // by service
  std::unordered_map<std::string, std::shared_ptr<const UpstreamEntry>> upstreams_;  // by name
  std::unordered_map<std::string, RoutePointer> good_routes_;  // as last built
  std::map<std::string, BadRoute> bad_routes_;                 // routes that do not build
  std::map<std::string, Error> bad_rows_;                      // "routes <id>": do not decode
  plugin::Definitions definitions_;
  std::unordered_map<std::string, plugin::ConfiguredPtr> plugins_;  // those that run, by id
  std::vector<plugin::ConfiguredPtr> global_plugins_;
  std::unordered_map<std::string, std::vector<plugin::ConfiguredPtr>> scoped_plugins_;
  std::map<std::string, Error> bad_plugins_;
  std::shared_ptr<const plugin::Identities> identities_;  // null: to be built anew
  std::shared_ptr<const Snapshot> last_;  // the next one takes its compiled patterns over
  uint64_t version_ = 0;
};

}  // namespace sallyport::runtime
