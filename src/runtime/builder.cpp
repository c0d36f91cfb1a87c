#include "runtime/builder.h"

#include <algorithm>
#include <array>
#include <unordered_set>

#include <fmt/format.h>

#include "base/json.h"
#include "base/log.h"
#include "model/schemas.h"

namespace sallyport::runtime {
namespace {

template <typename T>
using Map = std::unordered_map<std::string, std::shared_ptr<const T>>;

std::string label(const model::Change& change) {
  return change.entity->name + " " + change.id;
}

// "host", or "host:port" where the port is not the scheme's own; IPv6 addresses in brackets.
std::string host_header(const model::Service& service) {
  bool secure = service.protocol == model::Protocol::https ||
                service.protocol == model::Protocol::grpcs ||
                service.protocol == model::Protocol::tls;
  bool bare_ipv6 = service.host.contains(':') && !service.host.starts_with('[');
  std::string host = bare_ipv6 ? "[" + service.host + "]" : service.host;
  if (service.port == (secure ? 443 : 80)) return host;
  return fmt::format("{}:{}", host, service.port);
}

// Puts a decoded value into its map; false when it is what is there already.
template <typename T>
bool store(Map<T>& map, const std::string& id, T value) {
  std::shared_ptr<const T>& slot = map[id];
  if (slot && *slot == value) return false;
  slot = std::make_shared<const T>(std::move(value));
  return true;
}

template <typename T>
Result<bool> decode_into(Map<T>& map, const model::Change& change,
                         Result<T> (*decode)(const Json&)) {
  Json row = parse_json(change.row);
  if (row.is_discarded()) return fail("model.row", Side::database, "the row is no JSON");
  auto value = decode(row);
  if (!value) return fail(value.error());
  return store(map, change.id, std::move(*value));
}

template <typename T>
bool forget(Map<T>& map, const std::unordered_set<std::string_view>& present) {
  return std::erase_if(map, [&](const auto& entry) { return !present.contains(entry.first); }) > 0;
}

}  // namespace

std::span<const model::EntitySchema* const> Builder::entities() {
  static const std::array all = {&model::services(), &model::routes()};
  return all;
}

bool Builder::apply(const model::ChangeBatch& batch) {
  bool changed = batch.complete && forget_missing(batch);
  for (const model::Change& change : batch.changes) changed |= take(change);
  model_.sequence = batch.sequence;
  return changed;
}

bool Builder::take(const model::Change& change) {
  bool service = change.entity == &model::services();
  if (!service && change.entity != &model::routes()) return false;
  if (change.row.empty()) {
    bad_rows_.erase(label(change));
    size_t gone = service ? model_.services.erase(change.id) : model_.routes.erase(change.id);
    return gone > 0;
  }
  auto taken = service ? decode_into(model_.services, change, model::decode_service)
                       : decode_into(model_.routes, change, model::decode_route);
  if (taken) {
    bad_rows_.erase(label(change));
    return *taken;
  }
  Error error = taken.error();
  error.detail = fmt::format("{}: {}; its last good form stays in use, if there was one",
                             label(change), error.detail);
  bad_rows_.insert_or_assign(label(change), std::move(error));
  return false;
}

bool Builder::forget_missing(const model::ChangeBatch& batch) {
  std::unordered_set<std::string_view> services, routes;
  for (const model::Change& change : batch.changes) {
    (change.entity == &model::services() ? services : routes).insert(change.id);
  }
  bad_rows_.clear();  // those that are still there come again in this batch
  bool changed = forget(model_.services, services);
  return forget(model_.routes, routes) || changed;
}

void Builder::share_targets() {
  std::erase_if(targets_, [&](const auto& t) { return !model_.services.contains(t.first); });
  for (const auto& [id, service] : model_.services) {
    std::shared_ptr<const ServiceTarget>& target = targets_[id];
    if (target && target->service == service) continue;
    target = std::make_shared<const ServiceTarget>(ServiceTarget{service, host_header(*service)});
  }
}

// A route of a disabled service is as good as absent (Kong: 404 or the next route). Routes known
// not to build are replaced by their last good form.
std::vector<Builder::RoutePointer> Builder::routable() {
  std::erase_if(bad_routes_, [&](const auto& bad) {
    auto now = model_.routes.find(bad.first);
    return now == model_.routes.end() || now->second != bad.second.route;
  });
  std::vector<RoutePointer> routes;
  routes.reserve(model_.routes.size());
  for (const auto& [id, route] : model_.routes) {
    auto service = model_.services.find(route->service_id);
    if (service != model_.services.end() && !service->second->enabled) continue;
    if (!bad_routes_.contains(id)) {
      routes.push_back(route);
    } else if (auto good = good_routes_.find(id); good != good_routes_.end()) {
      routes.push_back(good->second);
    }
  }
  std::ranges::sort(routes, {}, [](const RoutePointer& r) -> const std::string& { return r->id; });
  return routes;
}

// Finds out which routes the router cannot take: only those that are new since the last build can
// be to blame. False when it found none.
bool Builder::set_bad_routes_aside(const std::vector<RoutePointer>& routes) {
  size_t before = bad_routes_.size();
  for (const RoutePointer& route : routes) {
    auto good = good_routes_.find(route->id);
    if (good != good_routes_.end() && good->second == route) continue;
    std::vector<Error> faults;
    router::Router::build(std::span(&route, 1), &faults);
    if (faults.empty()) continue;
    Error error = faults.front();
    error.detail += good != good_routes_.end() ? "; its last good form stays in use"
                                               : "; the route is left out";
    bad_routes_.insert_or_assign(route->id, BadRoute{route, std::move(error)});
  }
  return bad_routes_.size() > before;
}

router::Router Builder::build_router(std::vector<RoutePointer>& routes) {
  std::vector<Error> faults;
  const router::Router* previous = last_ != nullptr ? &last_->router : nullptr;
  router::Router router = router::Router::build(routes, &faults, previous);
  if (faults.empty() || !set_bad_routes_aside(routes)) return router;
  routes = routable();
  faults.clear();
  router = router::Router::build(routes, &faults, previous);
  for (const Error& fault : faults) log::error("router: {}", fault.text());
  return router;
}

void Builder::remember_good(const std::vector<RoutePointer>& routes) {
  std::erase_if(good_routes_,
                [&](const auto& good) { return !model_.routes.contains(good.first); });
  for (const RoutePointer& route : routes) {
    RoutePointer& slot = good_routes_[route->id];
    if (slot != route) slot = route;
  }
}

std::shared_ptr<const Snapshot> Builder::build() {
  share_targets();
  std::vector<RoutePointer> routes = routable();
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->version = ++version_;
  snapshot->sequence = model_.sequence;
  snapshot->router = build_router(routes);
  remember_good(routes);
  snapshot->routes.reserve(routes.size());
  for (RoutePointer& route : routes) {
    auto target = targets_.find(route->service_id);
    snapshot->routes.push_back(
        {std::move(route), target == targets_.end() ? nullptr : target->second});
  }
  last_ = snapshot;
  return snapshot;
}

std::vector<Error> Builder::faults() const {
  std::vector<Error> result;
  for (const auto& [row, error] : bad_rows_) result.push_back(error);
  for (const auto& [id, bad] : bad_routes_) result.push_back(bad.error);
  return result;
}

}  // namespace sallyport::runtime
