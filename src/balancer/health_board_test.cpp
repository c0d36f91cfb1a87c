#include "balancer/health_board.h"

#include <thread>

#include <gtest/gtest.h>

namespace sallyport::balancer {
namespace {

using model::Health;

std::vector<std::shared_ptr<const model::Target>> targets(
    std::initializer_list<std::pair<const char*, uint16_t>> list) {
  std::vector<std::shared_ptr<const model::Target>> out;
  for (const auto& [text, weight] : list) {
    out.push_back(std::make_shared<model::Target>(model::Target{text, "u", text, weight}));
  }
  return out;
}

TEST(AddressState, ThresholdsCountReportsInARow) {
  AddressState state;
  const model::CheckThresholds thresholds{
      .successes = 2, .http_failures = 3, .tcp_failures = 1, .timeouts = 0};
  EXPECT_FALSE(state.report(Outcome::http_failure, thresholds));
  EXPECT_FALSE(state.report(Outcome::http_failure, thresholds));
  EXPECT_FALSE(state.report(Outcome::success, thresholds));  // forgets them
  EXPECT_FALSE(state.report(Outcome::http_failure, thresholds));
  EXPECT_FALSE(state.report(Outcome::timeout, thresholds));  // counts for nothing
  EXPECT_FALSE(state.report(Outcome::http_failure, thresholds));
  EXPECT_TRUE(state.healthy());
  EXPECT_TRUE(state.report(Outcome::http_failure, thresholds));
  EXPECT_FALSE(state.healthy());
  EXPECT_FALSE(state.report(Outcome::success, thresholds));
  EXPECT_FALSE(state.report(Outcome::tcp_failure, thresholds));
  EXPECT_FALSE(state.report(Outcome::success, thresholds));
  EXPECT_TRUE(state.report(Outcome::success, thresholds));
  EXPECT_TRUE(state.healthy());
  EXPECT_TRUE(state.report(Outcome::tcp_failure, thresholds));
  EXPECT_TRUE(state.mark(true));
  EXPECT_FALSE(state.mark(true));
}

TEST(AddressState, WhoIsHealthyAgainIsNew) {
  const model::CheckThresholds thresholds{.successes = 1, .http_failures = 1};
  AddressState state(1);
  EXPECT_TRUE(state.report(Outcome::http_failure, thresholds));
  EXPECT_EQ(state.since_ms(), 1u);
  EXPECT_TRUE(state.report(Outcome::success, thresholds));
  EXPECT_GT(state.since_ms(), 1u);
  AddressState marked(1);
  marked.mark(true);
  marked.mark(false);
  EXPECT_EQ(marked.since_ms(), 1u);
  marked.mark(true);
  EXPECT_GT(marked.since_ms(), 1u);
}

TEST(AddressState, WithoutThresholdForSuccessNothingHeals) {
  AddressState state;
  const model::CheckThresholds thresholds{.http_failures = 1};
  EXPECT_TRUE(state.report(Outcome::http_failure, thresholds));
  for (int i = 0; i < 300; ++i) EXPECT_FALSE(state.report(Outcome::success, thresholds));
  EXPECT_FALSE(state.healthy());
}

TEST(AddressState, OneOfManyThreadsFlips) {
  AddressState state;
  const model::CheckThresholds thresholds{.http_failures = 200};
  std::atomic<int> flips = 0;
  auto work = [&] {
    for (int i = 0; i < 100; ++i) flips += state.report(Outcome::http_failure, thresholds) ? 1 : 0;
  };
  std::thread first(work), second(work);
  first.join();
  second.join();
  EXPECT_EQ(flips, 1);
}

TEST(Judge, NeitherListMeansNothing) {
  const std::vector<uint16_t> good = {200, 302}, bad = {500};
  EXPECT_EQ(judge(200, good, bad), Outcome::success);
  EXPECT_EQ(judge(500, good, bad), Outcome::http_failure);
  EXPECT_EQ(judge(404, good, bad), std::nullopt);
}

TEST(HealthBoard, TellsAndTakesMarks) {
  HealthBoard board;
  EXPECT_FALSE(board.read("u").has_value());
  EXPECT_FALSE(board.mark("u", "a:80", "", true));
  model::Upstream upstream;
  upstream.id = "u";
  auto states = board.upstream("u");
  states->configure(upstream, targets({{"a:80", 10}, {"b:80", 20}}));
  const std::vector<ResolvedAddress> two = {{"10.0.0.1", 80, 10}, {"10.0.0.2", 80, 10}};
  states->resolved("a:80", two, "", 0);
  EXPECT_EQ(board.read("u")->targets[0].health, Health::checks_off);
  upstream.passive.thresholds.http_failures = 1;
  states->configure(upstream, targets({{"a:80", 10}, {"b:80", 20}}));
  EXPECT_EQ(board.read("u")->targets[0].health, Health::healthy);
  EXPECT_FALSE(board.mark("u", "a:80", "10.0.0.3:80", false));
  EXPECT_TRUE(board.mark("u", "a:80", "10.0.0.1:80", false));
  auto health = board.read("u")->targets[0];
  EXPECT_EQ(health.health, Health::healthy);
  EXPECT_EQ(health.addresses[0].health, Health::unhealthy);
  EXPECT_EQ(health.available_weight(), 10u);
  EXPECT_EQ(health.total_weight(), 20u);
  EXPECT_TRUE(board.mark("u", "a:80", "", false));
  EXPECT_EQ(board.read("u")->targets[0].health, Health::unhealthy);
  EXPECT_EQ(board.read("u")->health, Health::unhealthy);
  // A mark holds for addresses that come later, and survives another configuration.
  EXPECT_TRUE(board.mark("u", "b:80", "", false));
  const std::vector<ResolvedAddress> one = {{"10.0.1.1", 80, 20}};
  auto state = states->resolved("b:80", one, "", 0);
  EXPECT_FALSE(state[0]->healthy());
  states->configure(upstream, targets({{"b:80", 5}}));
  ASSERT_EQ(board.read("u")->targets.size(), 1u);
  EXPECT_EQ(board.read("u")->targets[0].health, Health::unhealthy);
  EXPECT_EQ(board.read("u")->targets[0].addresses[0].weight, 5u);
  states->resolved("b:80", {}, "no address", 0);
  EXPECT_EQ(board.read("u")->targets[0].health, Health::dns_error);
  board.keep_only({});
  EXPECT_FALSE(board.read("u").has_value());
}

TEST(HealthBoard, TakesMarksForAnAddressInAnyForm) {
  HealthBoard board;
  model::Upstream upstream;
  upstream.passive.thresholds.http_failures = 1;
  const char* target = "[0000:0000:0000:0000:0000:0000:0000:0001]:8331";
  auto states = board.upstream("u");
  states->configure(upstream, targets({{target, 10}}));
  const std::vector<ResolvedAddress> one = {{"::1", 8331, 10}};
  const auto state = states->resolved(target, one, "", 0);
  EXPECT_TRUE(board.mark("u", target, target, false));
  EXPECT_FALSE(state[0]->healthy());
  EXPECT_TRUE(board.mark("u", target, "[::1]:8331", true));
  EXPECT_TRUE(state[0]->healthy());
  EXPECT_FALSE(board.mark("u", target, "[::1]:8332", false));
  EXPECT_FALSE(board.mark("u", target, "::1", false));
  EXPECT_FALSE(board.mark("u", target, "host.test:8331", false));
}

TEST(HealthBoard, TellsTheLatestAnswerOfAnyWorker) {
  UpstreamStates states;
  model::Upstream upstream;
  upstream.passive.thresholds.http_failures = 1;
  states.configure(upstream, targets({{"a:80", 10}}));
  const std::vector<ResolvedAddress> now = {{"10.0.0.1", 80, 10}};
  const std::vector<ResolvedAddress> before = {{"10.0.0.2", 80, 10}};
  const auto state = states.resolved("a:80", now, "", 2'000);
  // Whoever still uses the old address shares its health, too.
  const auto old = states.resolved("a:80", before, "", 1'000);
  ASSERT_EQ(old.size(), 1u);
  EXPECT_EQ(states.resolved("a:80", before, "", 1'000), old);
  states.resolved("a:80", {}, "no address", 1'500);
  auto told = states.read().targets[0];
  EXPECT_EQ(told.dns_error, "");
  ASSERT_EQ(told.addresses.size(), 1u);
  EXPECT_EQ(told.addresses[0].ip, "10.0.0.1");
  states.resolved("a:80", before, "", 3'000);
  EXPECT_EQ(states.read().targets[0].addresses[0].ip, "10.0.0.2");
}

}  // namespace
}  // namespace sallyport::balancer
