// What patterns and subjects that were made for it can cost.
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "router/pattern.h"
#include "router/router.h"
#include "router/test_attacks.h"

namespace sallyport::router {
namespace {

using namespace test;

// A clock on which a millisecond passes whenever somebody looks.
thread_local int64_t looks = 0;
int64_t counting_clock() {
  return ++looks * 1'000'000;
}

// What one place may cost is bounded by PCRE2's steps; how many are tried once the time is over is
// bounded here. What that comes to in milliseconds is measured by router_bench.
TEST(HostilePattern, LooksAtTheClockBetweenFewPlaces) {
  for (const auto kind : {Pattern::Kind::header_value, Pattern::Kind::expression}) {
    for (const Attack& attack : attacks()) {
      auto pattern = Pattern::compile(attack.pattern, kind);
      ASSERT_TRUE(pattern) << pattern.error().text();
      looks = 0;
      (*pattern)->match(attack.subject, counting_clock);
      EXPECT_LE(looks, 2 + kTimeLimitNs / 1'000'000) << attack.pattern;
    }
  }
}

TEST(HostilePattern, AMatchIsFoundWhereTheTimeAllowsIt) {
  auto pattern = *Pattern::compile("(?!x)need+le", Pattern::Kind::header_value);
  const std::string end = "needle" + repeat("x", 300);
  const size_t in_time = kPlacesPerLook * (kTimeLimitNs / 1'000'000);
  looks = 0;
  EXPECT_TRUE(pattern->match(repeat("x", in_time) + end, counting_clock).matched());
  looks = 0;
  EXPECT_FALSE(
      pattern->match(repeat("x", in_time + kPlacesPerLook) + end, counting_clock).matched());
  EXPECT_TRUE(pattern->match(repeat("x", in_time + kPlacesPerLook) + end, [] { return int64_t{0}; })
                  .matched());
}

// Where a match can begin at one place only, nobody looks at the clock: the steps bound it.
TEST(HostilePattern, PathsAreNotTimed) {
  for (const Attack& attack : attacks()) {
    auto pattern = Pattern::compile(attack.pattern, Pattern::Kind::path);
    ASSERT_TRUE(pattern) << pattern.error().text();
    looks = 0;
    (*pattern)->match(attack.subject, counting_clock);
    EXPECT_EQ(looks, 0) << attack.pattern;
  }
}

TEST(HostilePattern, LongSubjectsThatMatchAreFound) {
  const std::string path = repeat("/abcdef", 1000);
  auto segments = Pattern::compile("(/[a-z]+)+$", Pattern::Kind::path);
  EXPECT_TRUE((*segments)->match(path).matched());
  auto late = Pattern::compile("(?<=c)n(?<word>ee)dle$", Pattern::Kind::header_value);
  const std::string value = path + "/abcNEEDLE";
  auto spans = (*late)->match(value);
  ASSERT_TRUE(spans.matched());
  EXPECT_EQ(spans.begin(0), value.size() - 6);
  EXPECT_EQ(spans.begin(1), value.size() - 5);
  EXPECT_FALSE((*late)->match(path).matched());
}

// What a thread waited for a processor is not held against the request.
TEST(HostilePattern, TimeThatNobodyUsedDoesNotCount) {
  auto pattern = Pattern::compile("(?<=c)needle$", Pattern::Kind::header_value);
  const std::string value = repeat("/abcdef", 1000) + "/abcneedle";
  std::atomic<bool> ended{false};
  std::vector<std::thread> crowd;
  for (unsigned i = 0; i < 4 * std::thread::hardware_concurrency(); ++i) {
    crowd.emplace_back([&ended] {
      while (!ended) {
      }
    });
  }
  int missed = 0;
  for (int i = 0; i < 2'000; ++i) missed += (*pattern)->match(value).matched() ? 0 : 1;
  ended = true;
  for (std::thread& one : crowd) one.join();
  EXPECT_EQ(missed, 0);
}

// A public route must not get what a guarded one could not be asked about in time.
TEST(HostilePattern, UndecidedRequestsAreNotRouted) {
  model::Route guarded, open;
  guarded.protocols = open.protocols = {model::Protocol::http};
  guarded.paths = {"~/(?:a|aa)+$"};
  open.paths = {"/"};
  const Router router = Router::build(std::vector{std::make_shared<const model::Route>(guarded),
                                                  std::make_shared<const model::Route>(open)},
                                      nullptr);
  const std::string hostile = "/" + repeat("a", 8000) + "!";
  auto route_of = [&](const std::string& path) {
    MatchInput input;
    input.method = "GET";
    input.path = path;
    Match match;
    return router.match(input, match) ? static_cast<int>(match.route) : -1;
  };
  EXPECT_EQ(route_of(hostile), -1);
  EXPECT_EQ(route_of(hostile + repeat("!", 200)), -1);
  EXPECT_EQ(route_of("/aaa!"), 1);
}

}  // namespace
}  // namespace sallyport::router
