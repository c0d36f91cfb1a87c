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

using RouteList = std::span<const std::shared_ptr<const model::Route>>;

struct RouteDiff {
  static constexpr uint32_t kGone = UINT32_MAX;
  std::vector<uint32_t> positions;  // of each earlier route in the later list, or kGone
  std::vector<uint32_t> added;      // positions in the later list
};

// Routes are the same when they are the same object. Lists that are sorted by id differ by what
// has changed; others may differ by more. Nothing when more than `limit` routes have come or gone.
std::optional<RouteDiff> diff_routes(RouteList earlier, RouteList later, size_t limit);

}  // namespace sallyport::router
