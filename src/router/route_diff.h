// How one list of routes differs from an earlier one, as far as a router needs to know. On the
// control thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "model/entities.h"

namespace sallyport::router {

// Routes by slot; null: the slot is free.
using RouteList = std::span<const std::shared_ptr<const model::Route>>;

struct RouteDiff {
  std::vector<bool> gone;       // by slot of the earlier list: its route is no longer there
  std::vector<uint32_t> added;  // slots of the later list
};

// Routes are the same when the same object stands in the same slot. Nothing when more than `limit`
// have come or gone.
std::optional<RouteDiff> diff_routes(RouteList earlier, RouteList later, size_t limit);

}  // namespace sallyport::router
