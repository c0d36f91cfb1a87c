#include "runtime/builder.h"

#include <algorithm>
#include <unordered_set>

#include <fmt/format.h>

#include "base/json.h"
#include "base/log.h"
#include "runtime/row_table.h"

namespace sallyport::runtime {
namespace {

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

bool about_identity(std::string_view entity) {
  return entity == "consumers" || entity == "keyauth_credentials" ||
         entity == "basicauth_credentials" || entity == "acls";
}

}  // namespace

std::span<const model::EntitySchema* const> Builder::entities() {
  static const auto all = [] {
    std::vector<const model::EntitySchema*> out;
    for (const RowTable& table : row_tables()) {
      if (table.entity != nullptr) out.push_back(table.entity);
    }
    return out;
  }();
  return all;
}

bool Builder::apply(const model::ChangeBatch& batch) {
  bool changed = batch.complete && forget_missing(batch);
  for (const model::Change& change : batch.changes) changed |= take(change);
  model_.sequence = batch.sequence;
  return changed;
}

bool Builder::take(const model::Change& change) {
  const RowTable* table = row_table(change.entity);
  if (table == nullptr) return false;
  if (about_identity(change.entity->name)) identities_.reset();
  if (change.row.empty()) {
    bad_rows_.erase(label(change));
    return table->erase(model_, change.id);
  }
  const Json row = parse_json(change.row);
  auto taken = row.is_discarded() ? fail("model.row", Side::database, "the row is no JSON")
                                  : table->take(model_, change.id, row);
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
  std::unordered_map<const model::EntitySchema*, std::unordered_set<std::string_view>> present;
  for (const model::Change& change : batch.changes) present[change.entity].insert(change.id);
  bad_rows_.clear();  // those that are still there come again in this batch
  bool changed = false;
  identities_.reset();
  for (const RowTable& table : row_tables()) {
    changed |= table.keep_only(model_, present[table.entity]);
  }
  return changed;
}

void Builder::share_upstreams() {
  std::unordered_map<std::string_view, std::vector<std::shared_ptr<const model::Target>>> targets;
  for (const auto& [id, target] : model_.targets) targets[target->upstream_id].push_back(target);
  decltype(upstreams_) upstreams;
  for (const auto& [id, upstream] : model_.upstreams) {
    UpstreamEntry entry{upstream, std::move(targets[id])};
    std::ranges::sort(entry.targets, {}, [](const auto& t) -> const std::string& { return t->id; });
    auto known = upstreams_.find(upstream->name);
    const bool same = known != upstreams_.end() && *known->second == entry;
    upstreams[upstream->name] =
        same ? known->second : std::make_shared<const UpstreamEntry>(std::move(entry));
  }
  upstreams_ = std::move(upstreams);
}

std::shared_ptr<const UpstreamEntry> Builder::upstream_named(const std::string& name) const {
  auto found = upstreams_.find(name);
  return found == upstreams_.end() ? nullptr : found->second;
}

void Builder::share_targets() {
  std::erase_if(targets_, [&](const auto& t) { return !model_.services.contains(t.first); });
  for (const auto& [id, service] : model_.services) {
    std::shared_ptr<const ServiceTarget>& target = targets_[id];
    auto upstream = upstream_named(service->host);
    if (target && target->service == service && target->upstream == upstream) continue;
    target = std::make_shared<const ServiceTarget>(
        ServiceTarget{service, host_header(*service), std::move(upstream)});
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
    router::Router::build(std::span(&route, 1), &faults, nullptr, flavor_);
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
  router::Router router = router::Router::build(routes, &faults, previous, flavor_);
  if (faults.empty() || !set_bad_routes_aside(routes)) return router;
  routes = routable();
  faults.clear();
  router = router::Router::build(routes, &faults, previous, flavor_);
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
  share_upstreams();
  share_targets();
  std::vector<RoutePointer> routes = routable();
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->version = ++version_;
  snapshot->sequence = model_.sequence;
  snapshot->router = build_router(routes);
  remember_good(routes);
  snapshot->routes.reserve(routes.size());
  configure_plugins();
  snapshot->identities = identities();
  for (RoutePointer& route : routes) {
    auto chain = chain_of(*route);
    auto target = targets_.find(route->service_id);
    const auto handling =
        flavor_ == router::Flavor::traditional ? route->path_handling : model::PathHandling::v0;
    snapshot->routes.push_back({std::move(route),
                                target == targets_.end() ? nullptr : target->second,
                                std::move(chain), handling});
  }
  for (const auto& [name, entry] : upstreams_) snapshot->upstreams.push_back(entry);
  last_ = snapshot;
  return snapshot;
}

std::vector<Error> Builder::faults() const {
  std::vector<Error> result;
  for (const auto& [row, error] : bad_rows_) result.push_back(error);
  for (const auto& [id, bad] : bad_routes_) result.push_back(bad.error);
  for (const auto& [id, error] : bad_plugins_) result.push_back(error);
  return result;
}

}  // namespace sallyport::runtime
