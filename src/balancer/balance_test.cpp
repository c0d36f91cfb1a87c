#include "balancer/balance.h"

#include <algorithm>
#include <map>

#include <gtest/gtest.h>

#include "balancer/target_name.h"

namespace sallyport::balancer {
namespace {

class BalanceTest : public testing::Test {
 protected:
  void use(model::Algorithm algorithm, double threshold = 0) {
    model::Upstream upstream;
    upstream.algorithm = algorithm;
    upstream.threshold = threshold;
    balance.configure(upstream);
  }
  void peers(std::vector<std::pair<std::string, uint32_t>> list) {
    std::vector<NewPeer> out;
    for (auto& [host, weight] : list) {
      auto& state = states_of[host];
      if (state == nullptr) state = std::make_shared<AddressState>();
      out.push_back({{host + ":80", host, "10.0.0." + host.substr(1), 80}, weight, state});
    }
    balance.set_peers(std::move(out));
  }
  void mark(const std::string& host, bool healthy) {
    states_of[host]->mark(healthy);
    states->changed();
  }
  std::string pick(std::optional<uint64_t> hash = {}) {
    const PeerPtr peer = balance.pick({.hash = hash, .now_ms = now});
    return peer == nullptr ? "" : peer->at.host;
  }
  std::map<std::string, int> picks(int count) {
    std::map<std::string, int> out;
    for (int i = 0; i < count; ++i) ++out[pick()];
    return out;
  }

  std::shared_ptr<UpstreamStates> states = std::make_shared<UpstreamStates>();
  std::map<std::string, std::shared_ptr<AddressState>> states_of;
  Balance balance{states, 42};
  uint64_t now = 1000;
};

using Counts = std::map<std::string, int>;

TEST_F(BalanceTest, RoundRobinIsExactAndSmooth) {
  use(model::Algorithm::round_robin);
  peers({{"a1", 5}, {"a2", 1}, {"a3", 1}});
  EXPECT_EQ(picks(700), (Counts{{"a1", 500}, {"a2", 100}, {"a3", 100}}));
  int longest = 0, run = 0;
  for (int i = 0; i < 70; ++i) {
    run = pick() == "a1" ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  EXPECT_LE(longest, 4);
}

TEST_F(BalanceTest, WeightZeroAndUnhealthyGetNothing) {
  use(model::Algorithm::round_robin);
  peers({{"a1", 0}, {"a2", 10}, {"a3", 10}});
  EXPECT_EQ(picks(10), (Counts{{"a2", 5}, {"a3", 5}}));
  mark("a2", false);
  EXPECT_EQ(picks(10), (Counts{{"a3", 10}}));
  mark("a3", false);
  EXPECT_EQ(pick(), "");
  mark("a2", true);
  EXPECT_EQ(picks(2), (Counts{{"a2", 2}}));
  peers({});
  EXPECT_EQ(pick(), "");
}

TEST_F(BalanceTest, BelowTheThresholdNobodyServes) {
  use(model::Algorithm::round_robin, 50);
  peers({{"a1", 10}, {"a2", 10}, {"a3", 10}});
  mark("a1", false);
  EXPECT_NE(pick(), "");
  mark("a2", false);
  EXPECT_EQ(pick(), "");
}

TEST_F(BalanceTest, RetriesGoElsewhere) {
  for (const auto algorithm : {model::Algorithm::round_robin, model::Algorithm::consistent_hashing,
                               model::Algorithm::least_connections, model::Algorithm::latency}) {
    use(algorithm);
    peers({{"a1", 1}, {"a2", 100}, {"a3", 1}});
    std::vector<PeerPtr> tried;
    std::map<std::string, int> seen;
    for (int i = 0; i < 3; ++i) {
      tried.push_back(balance.pick({.hash = 7, .tried = tried, .now_ms = now}));
      ++seen[tried.back()->at.host];
    }
    EXPECT_EQ(seen, (Counts{{"a1", 1}, {"a2", 1}, {"a3", 1}}));
    EXPECT_NE(balance.pick({.hash = 7, .tried = tried, .now_ms = now}), nullptr);
  }
}

TEST_F(BalanceTest, HashingIsStable) {
  use(model::Algorithm::consistent_hashing);
  peers({{"a1", 100}, {"a2", 100}, {"a3", 200}});
  std::map<uint64_t, std::string> before;
  Counts share;
  for (uint64_t i = 0; i < 4000; ++i) {
    const uint64_t hash = hash_of(std::to_string(i));
    before[hash] = pick(hash);
    ++share[before[hash]];
    EXPECT_EQ(pick(hash), before[hash]);
  }
  EXPECT_NEAR(share["a3"], 2000, 300);
  EXPECT_NEAR(share["a1"], 1000, 200);
  // Another order changes nothing, one peer less moves its own values only.
  peers({{"a3", 200}, {"a1", 100}, {"a2", 100}});
  for (const auto& [hash, host] : before) EXPECT_EQ(pick(hash), host);
  mark("a2", false);
  for (const auto& [hash, host] : before) {
    if (host != "a2") EXPECT_EQ(pick(hash), host);
  }
  mark("a2", true);
  peers({{"a3", 200}, {"a1", 100}, {"a2", 100}, {"a4", 100}});
  int moved = 0;
  for (const auto& [hash, host] : before) moved += pick(hash) != host ? 1 : 0;
  EXPECT_NEAR(moved, 4000 / 5, 150);
}

TEST_F(BalanceTest, HashingMovesOnlyWhatTheChangedPeerWinsOrLoses) {
  use(model::Algorithm::consistent_hashing);
  for (uint32_t count = 2; count <= 14; ++count) {
    std::vector<std::pair<std::string, uint32_t>> list;
    for (uint32_t i = 1; i <= count; ++i) list.emplace_back("a" + std::to_string(i), 100);
    auto owners = [&](uint32_t weight_of_last) {
      list.back().second = weight_of_last;
      peers(list);
      std::map<uint64_t, std::string> out;
      for (uint64_t i = 0; i < 2'000; ++i) {
        const uint64_t hash = hash_of(std::to_string(i));
        out[hash] = pick(hash);
      }
      return out;
    };
    const std::string last = list.back().first;
    const auto whole = owners(100), half = owners(50), none = owners(0);
    mark(last, false);
    const auto down = owners(100);
    mark(last, true);
    uint32_t share = 0;
    for (const auto& [hash, host] : whole) {
      share += host == last ? 1 : 0;
      if (host != last) EXPECT_EQ(half.at(hash), host);
      if (half.at(hash) != last) EXPECT_EQ(none.at(hash), half.at(hash));
      EXPECT_EQ(none.at(hash), down.at(hash));
    }
    EXPECT_NEAR(share, 2'000.0 / count, 600.0 / count + 20) << count;
  }
}

TEST_F(BalanceTest, HashingAgreesWhateverWasBefore) {
  use(model::Algorithm::consistent_hashing);
  // This one has seen many changes, the other begins with what there is.
  for (uint64_t round = 1; round <= 30; ++round) {
    std::vector<std::pair<std::string, uint32_t>> list;
    for (uint64_t i = 0; i < 8; ++i) {
      const uint64_t dice = hash_of(std::to_string(round * 8 + i));
      if (dice % 4 != 0) list.emplace_back("a" + std::to_string(i), dice / 4 % 3 * 10);
    }
    peers(list);
    Balance other{states, 1};
    model::Upstream upstream;
    upstream.algorithm = model::Algorithm::consistent_hashing;
    other.configure(upstream);
    std::vector<NewPeer> same;
    for (const PeerPtr& peer : balance.peers())
      same.push_back({peer->at, peer->weight, peer->state});
    other.set_peers(std::move(same));
    for (uint64_t i = 0; i < 500; ++i) {
      const uint64_t hash = hash_of(std::to_string(i));
      const PeerPtr peer = other.pick({.hash = hash, .now_ms = now});
      EXPECT_EQ(pick(hash), peer == nullptr ? "" : peer->at.host);
    }
  }
}

TEST_F(BalanceTest, LeastConnectionsLooksAtWeights) {
  use(model::Algorithm::least_connections);
  peers({{"a1", 10}, {"a2", 20}});
  for (int i = 0; i < 300; ++i) ++balance.pick({})->active;
  for (const PeerPtr& peer : balance.peers()) {
    EXPECT_NEAR(peer->active, peer->at.host == "a1" ? 100 : 200, 1);
  }
}

TEST_F(BalanceTest, LatencyPrefersTheFast) {
  use(model::Algorithm::latency);
  peers({{"a1", 10}, {"a2", 10}, {"a3", 10}});
  for (const PeerPtr& peer : balance.peers()) {
    for (int i = 0; i < 20; ++i) note_latency(*peer, peer->at.host == "a1" ? 200 : 5, now);
  }
  EXPECT_LT(picks(300)["a1"], 5);
  now += 600'000;  // forgotten: it is asked again
  EXPECT_GT(picks(300)["a1"], 50);
  peers({{"a1", 10}, {"a2", 10}, {"a3", 10}, {"a4", 10}});
  EXPECT_GT(balance.peers()[3]->latency_ms, 50);
}

TEST_F(BalanceTest, LatencyAvoidsWhoFailed) {
  use(model::Algorithm::latency);
  peers({{"a1", 10}, {"a2", 10}, {"a3", 10}});
  const std::vector<PeerPtr> all(balance.peers().begin(), balance.peers().end());
  const PeerPtr dead = all[0];
  auto answer = [&] {
    for (const PeerPtr& peer : {all[1], all[2]}) note_latency(*peer, 300, now);
  };
  answer();
  all[1]->active = all[2]->active = 4;  // busy, as those are that answer
  balance.note_failure(*dead, 1, now);
  EXPECT_EQ(picks(300)["a1"], 0);
  now += 1'000;
  answer();
  EXPECT_EQ(picks(300)["a1"], 0);
  now += 60'000;
  answer();  // it is tried again: by now it may be back
  EXPECT_GT(picks(300)["a1"], 50);
  balance.note_failure(*dead, 1, now);
  EXPECT_EQ(picks(300)["a1"], 0);
  note_latency(*dead, 5, now);  // and one answer is enough
  EXPECT_GT(picks(300)["a1"], 150);
  // A new peer is not taken for one that fails.
  balance.note_failure(*dead, 1, now);
  peers({{"a1", 10}, {"a2", 10}, {"a3", 10}, {"a4", 10}});
  EXPECT_EQ(balance.peers()[3]->latency_ms, 300);
}

TEST_F(BalanceTest, StateSurvivesChanges) {
  use(model::Algorithm::least_connections);
  peers({{"a1", 10}, {"a2", 10}});
  const PeerPtr first = balance.peers()[0];
  first->active = 3;
  const uint32_t generation = balance.generation();
  peers({{"a1", 10}, {"a2", 10}});
  EXPECT_EQ(balance.generation(), generation);
  peers({{"a2", 10}, {"a1", 30}});
  EXPECT_GT(balance.generation(), generation);
  EXPECT_EQ(balance.peers()[1], first);
  EXPECT_EQ(first->active, 3u);
}

TEST(BalanceStart, WorkersDoNotBeginWithTheSamePeer) {
  Counts first;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    Balance balance(std::make_shared<UpstreamStates>(), seed * 0x9e37'79b9'7f4a'7c15);
    balance.configure({});
    std::vector<NewPeer> list;
    for (const char* host : {"a1", "a2", "a3"}) {
      list.push_back({{host, host, host, 80}, 100, std::make_shared<AddressState>()});
    }
    balance.set_peers(std::move(list));
    ++first[balance.pick({})->at.host];
  }
  for (const auto& [host, count] : first) EXPECT_NEAR(count, 100, 40) << host;
}

class SlowStartTest : public testing::TestWithParam<model::Algorithm> {
 protected:
  static constexpr uint64_t kWindow = 10'000;
  void add(const char* host, uint64_t since) {
    list.push_back({{host, host, host, 80}, 100, std::make_shared<AddressState>(since)});
    balance.set_peers(list);
  }
  // How many of a hundred requests `host` gets.
  int share(const std::string& host, uint64_t now) {
    std::vector<PeerPtr> taken;
    for (int i = 0; i < 2'000; ++i) {
      taken.push_back(balance.pick({.now_ms = now}));
      if (GetParam() == model::Algorithm::least_connections) ++taken.back()->active;
    }
    const auto mine =
        std::ranges::count_if(taken, [&](auto& peer) { return peer->at.host == host; });
    for (const PeerPtr& peer : taken) peer->active = 0;
    return static_cast<int>(mine / 20);
  }

  std::vector<NewPeer> list;
  Balance balance{std::make_shared<UpstreamStates>(), 42, kWindow};
};

TEST_P(SlowStartTest, ANewPeersShareGrowsEvenly) {
  model::Upstream upstream;
  upstream.algorithm = GetParam();
  balance.configure(upstream);
  add("a1", 1'000);
  add("a2", 1'000);
  // Those that begin together share at once.
  EXPECT_NEAR(share("a2", 1'000), 50, 2);
  EXPECT_NEAR(share("a2", 4'000), 50, 2);
  add("a3", 50'000);
  EXPECT_NEAR(share("a3", 50'000), 100 * 0.05 / 2.05, 3);
  EXPECT_NEAR(share("a3", 55'000), 100 * 0.5 / 2.5, 6);
  EXPECT_NEAR(share("a3", 60'000), 33, 4);
  EXPECT_NEAR(share("a3", 99'000), 33, 4);
}

TEST(SlowStart, ANewPeerDoesNotComeManyTimesInARow) {
  for (uint64_t seed = 1; seed < 50; ++seed) {
    Balance balance(std::make_shared<UpstreamStates>(), seed * 0x9e37'79b9'7f4a'7c15, 10'000);
    balance.configure({});
    std::vector<NewPeer> list;
    for (const char* host : {"a1", "a2"}) {
      list.push_back({{host, host, host, 80}, 100, std::make_shared<AddressState>(1'000)});
    }
    balance.set_peers(std::move(list));
    int first = 0;
    for (int i = 0; i < 20; ++i) first += balance.pick({.now_ms = 1'000})->at.host == "a1" ? 1 : 0;
    EXPECT_NEAR(first, 10, 1);
  }
}

INSTANTIATE_TEST_SUITE_P(Algorithms, SlowStartTest,
                         testing::Values(model::Algorithm::round_robin,
                                         model::Algorithm::least_connections,
                                         model::Algorithm::latency));

TEST(SlowStart, APeerThatIsAloneOrHashedToHasNone) {
  model::Upstream upstream;
  Balance balance(std::make_shared<UpstreamStates>(), 42, 10'000);
  balance.configure(upstream);
  balance.set_peers({{{"a", "a", "a", 80}, 1, std::make_shared<AddressState>(1'000)}});
  EXPECT_NE(balance.pick({.now_ms = 1'000}), nullptr);
  upstream.algorithm = model::Algorithm::consistent_hashing;
  balance.configure(upstream);
  balance.set_peers({{{"a", "a", "a", 80}, 1, std::make_shared<AddressState>(1'000)},
                     {{"b", "b", "b", 80}, 1, std::make_shared<AddressState>(90'000)}});
  int fresh = 0;
  for (uint64_t i = 0; i < 1'000; ++i) {
    const auto hash = hash_of(std::to_string(i));
    fresh += balance.pick({.hash = hash, .now_ms = 90'000})->at.host == "b" ? 1 : 0;
  }
  EXPECT_NEAR(fresh, 500, 100);
}

TEST(TargetName, Parts) {
  EXPECT_EQ(split_target("a.test:81").host, "a.test");
  EXPECT_EQ(split_target("a.test:81").port, 81);
  EXPECT_EQ(split_target("a.test").port, 8000);
  EXPECT_EQ(split_target("[::1]:81").host, "::1");
  EXPECT_EQ(split_target("[::1]:81").port, 81);
  EXPECT_EQ(split_target("[::1]").host, "::1");
  EXPECT_EQ(split_target("::1").host, "::1");
  EXPECT_EQ(address_text("::1", 8), "[::1]:8");
  EXPECT_EQ(address_text("1.2.3.4", 8), "1.2.3.4:8");
}

}  // namespace
}  // namespace sallyport::balancer
