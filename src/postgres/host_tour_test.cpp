#include "postgres/host_tour.h"

#include <gmock/gmock.h>

namespace sallyport::postgres {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Visit {
  std::string address;
  int64_t share_ms;
  bool last;
};

class HostTour : public testing::Test {
 protected:
  // Answers with `codes` one after the other; "" is a success, "wish" a usable one that is not
  // best.
  Result<void> run(std::vector<std::string> hosts, std::vector<std::string_view> codes) {
    settings_.hosts = std::move(hosts);
    size_t next = 0;
    auto attempt = [&](const LinkTarget& target, TimePoint until, bool last) -> Result<bool> {
      visits_.push_back({target.address, remaining(until).count(), last});
      std::string_view code = codes.at(next++);
      if (code.empty()) return true;
      if (code == "wish") return false;
      return fail(code, Side::database,
                  "connection to server at \"x\" failed: " + std::string(code));
    };
    return tour_hosts(settings_, Clock::now() + Milliseconds(6000), attempt, state_);
  }
  std::vector<std::string> visited() const {
    std::vector<std::string> addresses;
    for (const Visit& visit : visits_) addresses.push_back(visit.address);
    return addresses;
  }

  LinkSettings settings_;
  LinkState state_;
  std::vector<Visit> visits_;
};

TEST_F(HostTour, GoesOnAfterAnyFailure) {
  ASSERT_TRUE(run({"10.0.0.1", "10.0.0.2", "10.0.0.3"}, {"link.untrusted", "link.refused", ""}));
  EXPECT_THAT(visited(), ElementsAre("10.0.0.1", "10.0.0.2", "10.0.0.3"));
  EXPECT_EQ(state_.host, "10.0.0.3");
  EXPECT_EQ(state_.failed.size(), 2);
}

TEST_F(HostTour, SharesTheTime) {
  ASSERT_TRUE(run({"10.0.0.1", "10.0.0.2", "10.0.0.3"}, {"link.timeout", "link.timeout", ""}));
  EXPECT_NEAR(static_cast<double>(visits_[0].share_ms), 2000, 200);
  EXPECT_NEAR(static_cast<double>(visits_[1].share_ms), 3000, 200);
  EXPECT_NEAR(static_cast<double>(visits_[2].share_ms), 6000, 200);
  EXPECT_TRUE(visits_[2].last);
  EXPECT_FALSE(visits_[1].last);
}

TEST_F(HostTour, DoesNotRepeatAWrongPasswordAtTheSameHost) {
  EXPECT_FALSE(run({"localhost", "10.0.0.2"}, {"link.authentication", "link.refused"}));
  EXPECT_THAT(visited(), ElementsAre("127.0.0.1", "10.0.0.2"));
}

TEST_F(HostTour, TriesEveryAddressOfAName) {
  EXPECT_FALSE(run({"localhost"}, {"link.refused", "link.untrusted"}));
  EXPECT_THAT(visited(), ElementsAre("127.0.0.1", "::1"));
}

TEST_F(HostTour, LooksForABetterOneAfterAWish) {
  EXPECT_TRUE(run({"10.0.0.1", "10.0.0.2"}, {"wish", ""}));
  EXPECT_EQ(visits_.size(), 2);
}

TEST_F(HostTour, ReportsTheErrorThatTellsMost) {
  auto result =
      run({"10.0.0.1", "10.0.0.2", "10.0.0.3"}, {"link.refused", "link.untrusted", "link.timeout"});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, "link.untrusted");
  EXPECT_THAT(result.error().detail, HasSubstr("also tried 10.0.0.1: link.refused"));
  EXPECT_THAT(result.error().detail, HasSubstr("also tried 10.0.0.3: link.timeout"));
  EXPECT_EQ(state_.host, "10.0.0.2") << "the state belongs to the error";
}

}  // namespace
}  // namespace sallyport::postgres
