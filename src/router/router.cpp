#include "router/router.h"

#include <tuple>
#include <utility>

#include "router/index_builder.h"
#include "router/route_diff.h"
#include "router/search.h"

namespace sallyport::router {
namespace {

// Below this many routes everything is built anew in a moment (2 us a route).
constexpr size_t kWorthSharing = 1000;
// One route in so many may have changed before the two parts are made one again.
constexpr size_t kShare = 64;

struct Fault {
  uint32_t route;
  Error error;
};

RouteIndex index_of(RouteList routes, std::span<const uint32_t> which, PatternCache& patterns,
                    Flavor flavor, std::vector<Fault>& faults) {
  std::vector<RouteRules> rules;
  rules.reserve(which.size());
  for (const uint32_t i : which) {
    if (routes[i] == nullptr) continue;
    auto made = make_rules(*routes[i], i, patterns, flavor);
    if (!made) {
      faults.push_back({i, made.error()});
      continue;
    }
    if (flavor == Flavor::traditional) {
      auto with_port = take_hosts_with_port(*made);
      if (with_port) rules.push_back(*std::move(with_port));
      if (with_port && made->hosts.empty()) continue;
    }
    rules.push_back(*std::move(made));
  }
  patterns.forget_previous();
  return IndexBuilder::build(std::move(rules));
}

// What most routes stand in: built at once, shared by the routers that follow.
struct Bulk {
  Flavor flavor;
  std::vector<std::shared_ptr<const model::Route>> routes;
  std::vector<Fault> faults;
  PatternCache patterns;
  RouteIndex index;
};

}  // namespace

// A change of few routes leaves the bulk as it is: what has gone is passed over there, what has
// come stands in a small index beside it.
struct Router::Index {
  std::shared_ptr<const Bulk> bulk;
  std::vector<bool> gone{};  // by slot: the bulk's route is no longer there; "" for all are
  PatternCache patterns{};
  RouteIndex added{};
  bool has_added = false;

  static std::unique_ptr<const Index> whole(RouteList routes, std::vector<Fault>& faults,
                                            const Index* previous, Flavor flavor);
  static std::unique_ptr<const Index> beside(std::shared_ptr<const Bulk> bulk, RouteDiff diff,
                                             RouteList routes, std::vector<Fault>& faults);
};

std::unique_ptr<const Router::Index> Router::Index::whole(RouteList routes,
                                                          std::vector<Fault>& faults,
                                                          const Index* previous, Flavor flavor) {
  auto bulk = std::make_shared<Bulk>();
  bulk->flavor = flavor;
  bulk->patterns = PatternCache(previous == nullptr ? nullptr : &previous->bulk->patterns);
  if (routes.size() >= kWorthSharing) bulk->routes.assign(routes.begin(), routes.end());
  std::vector<uint32_t> all(routes.size());
  for (uint32_t i = 0; i < all.size(); ++i) all[i] = i;
  bulk->index = index_of(routes, all, bulk->patterns, flavor, bulk->faults);
  faults = bulk->faults;
  return std::make_unique<const Index>(Index{.bulk = std::move(bulk)});
}

std::unique_ptr<const Router::Index> Router::Index::beside(std::shared_ptr<const Bulk> bulk,
                                                           RouteDiff diff, RouteList routes,
                                                           std::vector<Fault>& faults) {
  auto out = std::make_unique<Index>();
  out->patterns = PatternCache(&bulk->patterns);
  out->has_added = !diff.added.empty();
  out->added = index_of(routes, diff.added, out->patterns, bulk->flavor, faults);
  for (const Fault& fault : bulk->faults) {
    if (!diff.gone[fault.route]) faults.push_back(fault);
  }
  out->gone = std::move(diff.gone);
  out->bulk = std::move(bulk);
  return out;
}

Router::Router() = default;
Router::~Router() = default;
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;

Router Router::build(std::span<const std::shared_ptr<const model::Route>> routes,
                     std::vector<Error>* faults, const Router* previous, Flavor flavor) {
  const Index* before = previous == nullptr ? nullptr : previous->index_.get();
  std::optional<RouteDiff> diff;
  if (before != nullptr && before->bulk->flavor == flavor && !before->bulk->routes.empty()) {
    diff = diff_routes(before->bulk->routes, routes, before->bulk->routes.size() / kShare);
  }
  std::vector<Fault> found;
  Router router;
  router.index_ = diff ? Index::beside(before->bulk, *std::move(diff), routes, found)
                       : Index::whole(routes, found, before, flavor);
  if (faults == nullptr) return router;
  for (Fault& fault : found) faults->push_back(std::move(fault.error));
  return router;
}

bool Router::asks_endpoints() const {
  return index_ != nullptr && (index_->bulk->index.asks_endpoints || index_->added.asks_endpoints);
}

bool Router::match(const MatchInput& input, Match& out) const {
  if (index_ == nullptr) return false;
  const uint64_t undecided = Pattern::gave_up();
  const Index& index = *index_;
  Search bulk(index.bulk->index, input, out, index.gone.empty() ? nullptr : &index.gone);
  bool found = bulk.run();
  if (index.has_added && Pattern::gave_up() == undecided) {
    Match other;
    Search added(index.added, input, other, nullptr);
    if (added.run() && (!found || added.place() < bulk.place())) {
      out = other;
      found = true;
    }
  }
  // Not routed rather than routed past a route that may have been meant.
  return found && Pattern::gave_up() == undecided;
}

}  // namespace sallyport::router
