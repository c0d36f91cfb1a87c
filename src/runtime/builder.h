// Keeps the Model and builds snapshots from it, sharing what did not change. One instance per node,
// used by one thread at a time: the change feed's, or the one that loads a declarative file.
// A part that cannot be built keeps its last good form, or is left out when it never had one; the
// other parts are built all the same.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "model/change.h"
#include "model/model.h"
#include "runtime/snapshot.h"

namespace sallyport::runtime {

class Builder {
 public:
  // The entities whose rows apply() understands: what a change feed should follow.
  static std::span<const model::EntitySchema* const> entities();

  // Takes a batch over into the Model. True when the data plane would see a difference.
  bool apply(const model::ChangeBatch& batch);

  // A snapshot of the Model as it is. Never fails: see faults().
  std::shared_ptr<const Snapshot> build();

  const model::Model& model() const { return model_; }

  // What the last apply() and build() could not use as it is in the database, one for each part.
  std::vector<Error> faults() const;

 private:
  using Services = std::unordered_map<std::string, std::shared_ptr<const ServiceTarget>>;
  using Routes = std::vector<std::shared_ptr<const model::Route>>;

  template <typename T, typename Decode>
  bool take(std::unordered_map<std::string, std::shared_ptr<const T>>& into,
            const model::Change& change, Decode decode);
  bool forget_missing(const model::ChangeBatch& batch);
  void share_targets();
  Routes routable() const;
  router::Router build_router(Routes& routes);

  model::Model model_;
  Services targets_;  // by service id
  std::unordered_map<std::string, std::shared_ptr<const model::Route>> good_routes_;
  std::unordered_map<std::string, Error> row_faults_;  // by entity and id: rows that do not decode
  std::unordered_map<std::string, Error> route_faults_;  // by id: routes that do not build
  uint64_t version_ = 0;
};

}  // namespace sallyport::runtime
