// Builder's part for routes: each has a slot that it keeps, so that the router and the table of
// entries share with their last forms all slots that have not changed.
#include <fmt/format.h>

#include "base/log.h"
#include "runtime/builder.h"

namespace sallyport::runtime {

void Builder::build_routes(Snapshot& snapshot) {
  const std::vector<uint32_t> slots = place_stale_routes();
  const router::Router* previous = last_ != nullptr ? &last_->router : nullptr;
  std::vector<Error> faults;
  snapshot.router = router::Router::build(routable_, &faults, previous, flavor_);
  if (!faults.empty() && set_bad_routes_aside(slots)) {
    faults.clear();
    snapshot.router = router::Router::build(routable_, &faults, previous, flavor_);
  }
  for (const Error& fault : faults) log::error("router: {}", fault.text());
  for (const uint32_t slot : slots) fill(slot);
  for (const uint32_t slot : slots) set_stream_route(slot, routable_[slot]);
  if (stream_router_ == nullptr) {
    bad_stream_routes_.clear();
    stream_router_ = std::make_shared<const router::StreamRouter>(
        router::StreamRouter::build(stream_routes_, &bad_stream_routes_, flavor_));
  }
  snapshot.stream_router = stream_router_;
  snapshot.routes = table_;
}

// Most changes are about no route of a stream: those share the router of the last snapshot.
void Builder::set_stream_route(uint32_t slot, RoutePointer route) {
  if (route != nullptr && !router::StreamRouter::takes(*route)) route = nullptr;
  if (stream_routes_.size() <= slot) {
    if (route == nullptr) return;
    stream_routes_.resize(slot + 1);
  }
  if (stream_routes_[slot] == route) return;
  stream_routes_[slot] = std::move(route);
  stream_router_ = nullptr;
}

// The slots of all routes that are to be looked at again and are still there.
std::vector<uint32_t> Builder::place_stale_routes() {
  if (stale_.everything) {
    for (const auto& [id, slot] : slots_) stale_.routes.insert(id);
    for (const auto& [id, route] : model_.routes) stale_.routes.insert(id);
  }
  std::vector<uint32_t> slots;
  slots.reserve(stale_.routes.size());
  for (const std::string& id : stale_.routes) {
    auto route = model_.routes.find(id);
    if (route == model_.routes.end()) {
      release(id);
    } else {
      slots.push_back(place(id, route->second));
    }
  }
  return slots;
}

uint32_t Builder::place(const std::string& id, const RoutePointer& route) {
  auto [found, added] = slots_.try_emplace(id, 0);
  if (added && !free_slots_.empty()) {
    found->second = free_slots_.back();
    free_slots_.pop_back();
  } else if (added) {
    found->second = static_cast<uint32_t>(placed_.size());
    placed_.emplace_back();
    routable_.emplace_back();
  }
  const uint32_t slot = found->second;
  RoutePointer& placed = placed_[slot];
  if (placed != route) {
    if (placed != nullptr) slots_by_service_[placed->service_id].erase(slot);
    slots_by_service_[route->service_id].insert(slot);
    bad_routes_.erase(id);
    placed = route;
  }
  routable_[slot] = routable_form(slot);
  return slot;
}

void Builder::release(const std::string& id) {
  auto found = slots_.find(id);
  if (found == slots_.end()) return;
  const uint32_t slot = found->second;
  auto of_service = slots_by_service_.find(placed_[slot]->service_id);
  of_service->second.erase(slot);
  if (of_service->second.empty()) slots_by_service_.erase(of_service);
  bad_routes_.erase(id);
  placed_[slot] = nullptr;
  routable_[slot] = nullptr;
  set_stream_route(slot, nullptr);
  table_.set(slot, {});
  free_slots_.push_back(slot);
  slots_.erase(found);
}

// A route of a disabled service is as good as absent (Kong: 404 or the next route). One that does
// not build is replaced by its last good form.
Builder::RoutePointer Builder::routable_form(uint32_t slot) const {
  const RoutePointer& route = placed_[slot];
  auto service = model_.services.find(route->service_id);
  if (service != model_.services.end() && !service->second->enabled) return nullptr;
  if (!bad_routes_.contains(route->id)) return route;
  return slot < table_.size() ? table_[slot].route : nullptr;
}

// Finds out which routes the router cannot take: only those that are new since the last build can
// be to blame. False when it found none.
bool Builder::set_bad_routes_aside(std::span<const uint32_t> slots) {
  bool found = false;
  for (const uint32_t slot : slots) {
    const RoutePointer route = routable_[slot];
    const RoutePointer good = slot < table_.size() ? table_[slot].route : nullptr;
    if (route == nullptr || route == good) continue;
    std::vector<Error> faults;
    router::Router::build(std::span(&route, 1), &faults, nullptr, flavor_);
    if (faults.empty()) continue;
    Error error = faults.front();
    error.detail +=
        good != nullptr ? "; its last good form stays in use" : "; the route is left out";
    bad_routes_.insert_or_assign(route->id, std::move(error));
    routable_[slot] = good;
    found = true;
  }
  return found;
}

// A slot that is not routable now keeps its last good form.
void Builder::fill(uint32_t slot) {
  RouteEntry entry;
  entry.route = routable_[slot];
  if (entry.route == nullptr) {
    if (slot < table_.size()) entry.route = table_[slot].route;
    table_.set(slot, std::move(entry));
    return;
  }
  entry.chain = chain_of(*entry.route);
  if (auto target = targets_.find(entry.route->service_id); target != targets_.end()) {
    entry.target = target->second;
  }
  if (flavor_ == router::Flavor::traditional) entry.path_handling = entry.route->path_handling;
  table_.set(slot, std::move(entry));
}

}  // namespace sallyport::runtime
