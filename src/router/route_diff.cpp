#include "router/route_diff.h"

namespace sallyport::router {

std::optional<RouteDiff> diff_routes(RouteList earlier, RouteList later, size_t limit) {
  RouteDiff out;
  out.positions.assign(earlier.size(), RouteDiff::kGone);
  size_t gone = 0;
  size_t before = 0;
  size_t now = 0;
  while (before < earlier.size() || now < later.size()) {
    if (out.added.size() + gone > limit) return std::nullopt;
    const bool both = before < earlier.size() && now < later.size();
    if (both && earlier[before] == later[now]) {
      out.positions[before++] = static_cast<uint32_t>(now++);
      continue;
    }
    const int order = !both ? 0 : earlier[before]->id.compare(later[now]->id);
    const bool leaves = before < earlier.size() && (now == later.size() || order <= 0);
    const bool comes = now < later.size() && (before == earlier.size() || order >= 0);
    if (leaves) {
      ++before;
      ++gone;
    }
    if (comes) out.added.push_back(static_cast<uint32_t>(now++));
  }
  if (out.added.size() + gone > limit) return std::nullopt;
  return out;
}

}  // namespace sallyport::router
