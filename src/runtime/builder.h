// Keeps the Model and builds snapshots from it, sharing what did not change: a build costs what has
// changed since the last one, not what there is (ADR 0062). One instance per node,
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
#include <unordered_set>
#include <vector>

#include "base/error.h"
#include "model/change.h"
#include "model/model.h"
#include "plugin/chain.h"
#include "plugin/identities.h"
#include "runtime/key_material.h"
#include "runtime/snapshot.h"

namespace sallyport::runtime {

// The code of faults that are about plugins which this gateway cannot run.
inline constexpr std::string_view kNoBehaviour = "plugin.unknown";

class Builder {
 public:
  // `definitions` are the plugins that there are behaviours for; they outlive the builder.
  explicit Builder(plugin::Definitions definitions = {},
                   router::Flavor flavor = router::Flavor::traditional_compatible)
      : flavor_(flavor), definitions_(definitions) {}

  // The entities whose rows apply() understands: what a change feed should follow.
  static std::span<const model::EntitySchema* const> entities();

  // vault_env_prefix, for {vault://env/...} in certificates. Before the first build().
  void set_vault_prefix(std::string prefix) { keys_.set_vault_prefix(std::move(prefix)); }

  // The node has no database. Before the first build().
  void set_declared() { keys_.set_declared(); }

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

  // What build() has to look at again.
  struct Stale {
    bool everything = false;
    bool keys = false;       // certificates, their names, authorities
    bool upstreams = false;  // or their targets
    std::unordered_set<std::string> services, routes, plugins;  // ids
  };

  bool take(const model::Change& change);
  bool forget_missing(const model::ChangeBatch& batch);
  void mark_stale(const model::Change& change);

  // Services and upstreams.
  void share_upstreams();
  void share_targets();
  void share_target(const std::string& service_id);
  std::shared_ptr<const UpstreamEntry> upstream_named(const std::string& name) const;

  // Plugins (builder_plugins.cpp).
  void configure_plugins();
  void mark_scope_stale(const model::PluginRow& row);
  plugin::ConfiguredPtr configure(const std::shared_ptr<const model::PluginRow>& row,
                                  const plugin::ConfiguredPtr& former);
  std::shared_ptr<const plugin::Chain> chain_of(const model::Route& route);
  std::shared_ptr<const plugin::Identities> identities();

  // Routes (builder_routes.cpp).
  void build_routes(Snapshot& snapshot);
  std::vector<uint32_t> place_stale_routes();
  uint32_t place(const std::string& id, const RoutePointer& route);
  void release(const std::string& id);
  RoutePointer routable_form(uint32_t slot) const;
  bool set_bad_routes_aside(std::span<const uint32_t> slots);
  void set_stream_route(uint32_t slot, RoutePointer route);
  void fill(uint32_t slot);

  router::Flavor flavor_;
  model::Model model_;
  Stale stale_;
  std::unordered_map<std::string, std::shared_ptr<const ServiceTarget>> targets_;    // by service
  std::unordered_map<std::string, std::shared_ptr<const UpstreamEntry>> upstreams_;  // by name
  std::shared_ptr<const UpstreamList> upstream_list_ = std::make_shared<const UpstreamList>();

  std::unordered_map<std::string, uint32_t> slots_;  // of routes, by id
  std::vector<uint32_t> free_slots_;
  std::unordered_map<std::string, std::unordered_set<uint32_t>> slots_by_service_;
  std::vector<RoutePointer> placed_;    // by slot: the Model's form
  std::vector<RoutePointer> routable_;  // by slot: the form that the router gets; null for none
  RouteTable table_;                    // by slot: as last built, with the last good form
  std::map<std::string, Error> bad_routes_;  // by id: those whose Model form does not build
  std::vector<RoutePointer> stream_routes_;  // by slot: routable ones of stream protocols
  std::vector<Error> bad_stream_routes_;     // left out
  std::shared_ptr<const router::StreamRouter> stream_router_;  // null: to be built anew

  std::map<std::string, Error> bad_rows_;  // "routes <id>": do not decode
  KeyMaterial keys_;
  plugin::Definitions definitions_;
  std::unordered_map<std::string, plugin::ConfiguredPtr> plugins_;  // those that run, by id
  std::vector<plugin::ConfiguredPtr> global_plugins_;
  std::unordered_map<std::string, std::vector<plugin::ConfiguredPtr>> scoped_plugins_;
  std::map<std::string, Error> bad_plugins_;
  std::shared_ptr<const plugin::Identities> identities_;  // null: to be built anew
  std::shared_ptr<const Snapshot> last_;  // the next one shares what its router built
  uint64_t version_ = 0;
};

}  // namespace sallyport::runtime
