#include "router/router.h"

#include "router/index_builder.h"
#include "router/search.h"

namespace sallyport::router {

struct Router::Index {
  RouteIndex routes;
  PatternCache patterns;
};

Router::Router() = default;
Router::~Router() = default;
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;

Router Router::build(std::span<const std::shared_ptr<const model::Route>> routes,
                     std::vector<Error>* faults, const Router* previous, Flavor flavor) {
  bool has_previous = previous != nullptr && previous->index_ != nullptr;
  PatternCache patterns(has_previous ? &previous->index_->patterns : nullptr);
  std::vector<RouteRules> rules;
  rules.reserve(routes.size());
  for (uint32_t i = 0; i < routes.size(); ++i) {
    auto made = make_rules(*routes[i], i, patterns, flavor);
    if (made) {
      rules.push_back(*std::move(made));
    } else if (faults != nullptr) {
      faults->push_back(made.error());
    }
  }
  Router router;
  patterns.forget_previous();
  router.index_ = std::make_unique<const Index>(
      Index{.routes = IndexBuilder::build(std::move(rules)), .patterns = std::move(patterns)});
  return router;
}

bool Router::match(const MatchInput& input, Match& out) const {
  return index_ != nullptr && Search(index_->routes, input, out).run();
}

}  // namespace sallyport::router
