// A router built beside an earlier one, of which most is shared, against one that is built anew.
#include <algorithm>
#include <atomic>
#include <future>
#include <mutex>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "router/route_diff.h"
#include "router/router.h"
#include "router/test_routes.h"

namespace sallyport::router {
namespace {

using model::Route;
using namespace test;
using Routes = std::vector<std::shared_ptr<const Route>>;

std::shared_ptr<const Route> route_with_id(Random& random, unsigned number) {
  Route route = random_route(random, 60);
  route.id = fmt::format("{:06}", number);
  if (chance(random, 3)) route.paths = {"~/(broken"};
  return std::make_shared<const Route>(std::move(route));
}

// Adds, removes or replaces a route. Ids do not follow the order of the slots.
void change(Routes& routes, Random& random) {
  const size_t slot = random() % (routes.size() + 1);
  const auto number = static_cast<unsigned>(random() % 1000000);
  if (slot == routes.size()) {
    routes.push_back(route_with_id(random, number));
  } else if (routes[slot] != nullptr && chance(random, 50)) {
    routes[slot] = nullptr;
  } else {
    routes[slot] = route_with_id(random, number);
  }
}

std::string answer(const Router& router, const Request& q) {
  std::vector<http::Header> fields;
  for (const auto& [name, value] : q.headers) fields.push_back({.name = name, .value = value});
  const MatchInput input{.method = q.method,
                         .host = q.host,
                         .port = q.port,
                         .path = q.path,
                         .headers = fields,
                         .sni = q.sni,
                         .protocol = q.protocol};
  Match match;
  if (!router.match(input, match)) return "none";
  return fmt::format("{} {} {} {}", match.route, match.matched_path, match.regex,
                     match.capture_count);
}

std::vector<std::string> texts(const std::vector<Error>& faults) {
  std::vector<std::string> out;
  for (const Error& fault : faults) out.push_back(fault.text());
  std::ranges::sort(out);
  return out;
}

TEST(RouterChange, IsAsGoodAsBuiltAnew) {
  Random random(31);
  Routes routes;
  for (int n = 0; n < 2000; ++n) {
    routes.push_back(route_with_id(random, static_cast<unsigned>(random() % 1000000)));
  }
  Router router = Router::build(routes, nullptr);
  for (int step = 0; step < 40; ++step) {
    // More than may stand beside the bulk, in the end.
    for (int n = 0; n < 2; ++n) change(routes, random);
    std::vector<Error> faults, fresh_faults;
    router = Router::build(routes, &faults, &router);
    const Router fresh = Router::build(routes, &fresh_faults);
    EXPECT_EQ(texts(faults), texts(fresh_faults));
    for (int n = 0; n < 60; ++n) {
      const Request q = random_request(random);
      ASSERT_EQ(answer(router, q), answer(fresh, q)) << "step " << step;
    }
  }
}

// One thread builds the next router out of the last while others ask the last: what a worker sees
// is always whole. For ThreadSanitizer as much as for the answers.
TEST(RouterChange, IsAskedWhileTheNextIsBuilt) {
  constexpr int kChanges = 60;
  Random random(32);
  Routes routes;
  for (unsigned n = 0; n < 1200; ++n) routes.push_back(route_with_id(random, n));
  Route fixed;
  fixed.id = "fixed";
  fixed.protocols = {model::Protocol::http};
  fixed.methods = {"GET"};
  fixed.hosts = {"fixed.test"};
  fixed.paths = {"~/fixed/(?<rest>.+)$"};
  fixed.headers = {{"x-one", {"always"}}};
  routes.push_back(std::make_shared<const Route>(fixed));

  std::mutex mutex;
  auto current = std::make_shared<const Router>(Router::build(routes, nullptr));
  std::atomic<bool> done = false;
  auto ask = [&] {
    const Request q{.method = "GET",
                    .host = "fixed.test",
                    .path = "/fixed/a",
                    .sni = {},
                    .headers = {{"x-one", "always"}}};
    size_t right = 0;
    for (size_t asked = 0;; ++asked) {
      if (done) return right == asked;
      std::unique_lock lock(mutex);
      const auto router = current;
      lock.unlock();
      right += answer(*router, q) == "1200 /fixed/a true 1";
    }
  };
  auto first = std::async(std::launch::async, ask);
  auto second = std::async(std::launch::async, ask);
  for (int step = 0; step < kChanges; ++step) {
    const size_t slot = random() % 1200;
    routes[slot] = routes[slot] != nullptr && chance(random, 50)
                       ? nullptr
                       : route_with_id(random, 2000 + static_cast<unsigned>(step));
    auto next = std::make_shared<const Router>(Router::build(routes, nullptr, current.get()));
    const std::scoped_lock lock(mutex);
    current = std::move(next);
  }
  done = true;
  EXPECT_TRUE(first.get());
  EXPECT_TRUE(second.get());
}

TEST(RouteDiff, TellsWhatCameAndWent) {
  auto route = [](std::string id) {
    Route made;
    made.id = std::move(id);
    return std::make_shared<const Route>(made);
  };
  const auto a = route("a"), b = route("b"), c = route("c"), d = route("d"), b2 = route("b");
  auto diff = diff_routes(Routes{a, b, nullptr, d}, Routes{a, b2, c, nullptr, d}, 9);
  ASSERT_TRUE(diff);
  EXPECT_EQ(diff->gone, (std::vector<bool>{false, true, false, true}));
  EXPECT_EQ(diff->added, (std::vector<uint32_t>{1, 2, 4}));
  EXPECT_FALSE(diff_routes(Routes{a, b, d}, Routes{b2, c, d}, 3));
  EXPECT_TRUE(diff_routes(Routes{}, Routes{a}, 1));
  diff = diff_routes(Routes{a, b}, Routes{a}, 9);
  ASSERT_TRUE(diff);
  EXPECT_EQ(diff->gone, (std::vector<bool>{false, true}));
}

TEST(Router, TiesAreDecidedById) {
  auto made = [](std::string id) {
    Route route;
    route.id = std::move(id);
    route.paths = {"/a"};
    route.protocols = {model::Protocol::http};
    return std::make_shared<const Route>(std::move(route));
  };
  const auto first = made("00000000-0000-4000-8000-00000000000a");
  const auto second = made("00000000-0000-4000-8000-0000000000a0");
  Request q;
  q.path = "/a";
  q.method = "GET";
  EXPECT_EQ(answer(Router::build(Routes{second, first}, nullptr), q).front(), '1');
  EXPECT_EQ(answer(Router::build(Routes{first, second}, nullptr), q).front(), '0');
}

}  // namespace
}  // namespace sallyport::router
