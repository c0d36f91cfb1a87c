#include "router/route_diff.h"

#include <algorithm>

namespace sallyport::router {

std::optional<RouteDiff> diff_routes(RouteList earlier, RouteList later, size_t limit) {
  RouteDiff out;
  out.gone.resize(earlier.size());
  size_t changes = 0;
  for (size_t slot = 0; slot < std::max(earlier.size(), later.size()); ++slot) {
    const model::Route* before = slot < earlier.size() ? earlier[slot].get() : nullptr;
    const model::Route* now = slot < later.size() ? later[slot].get() : nullptr;
    if (before == now) continue;
    if (before != nullptr) out.gone[slot] = true;
    if (now != nullptr) out.added.push_back(static_cast<uint32_t>(slot));
    changes += (before != nullptr) + (now != nullptr);
    if (changes > limit) return std::nullopt;
  }
  return out;
}

}  // namespace sallyport::router
