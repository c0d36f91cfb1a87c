#include "net/timer_wheel.h"

#include <map>
#include <memory>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace sallyport::net {
namespace {

struct Recorder : Timer {
  Recorder() : Timer(&Recorder::record, this) {}
  static void record(void* self) { ++static_cast<Recorder*>(self)->fired; }
  int fired = 0;
};

TEST(TimerWheel, FiresAtTheMillisecondAndNotBefore) {
  for (uint64_t delay : {1, 2, 63, 64, 65, 4095, 4096, 4097, 262144, 60'000, 100'000'000}) {
    TimerWheel wheel(1'234'567);
    Recorder timer;
    wheel.schedule(timer, 1'234'567 + delay);
    EXPECT_LE(wheel.next_due(), 1'234'567 + delay);
    wheel.advance(1'234'567 + delay - 1);
    EXPECT_EQ(timer.fired, 0) << delay;
    wheel.advance(1'234'567 + delay);
    EXPECT_EQ(timer.fired, 1) << delay;
    EXPECT_FALSE(timer.scheduled());
    EXPECT_EQ(wheel.next_due(), ~uint64_t{0});
  }
}

TEST(TimerWheel, MovesAndCancels) {
  TimerWheel wheel(0);
  Recorder timer;
  wheel.schedule(timer, 10);
  wheel.schedule(timer, 5'000);
  wheel.advance(4'999);
  EXPECT_EQ(timer.fired, 0);
  wheel.cancel(timer);
  wheel.advance(10'000);
  EXPECT_EQ(timer.fired, 0);
  wheel.schedule(timer, 3);  // passed: as soon as possible
  wheel.advance(10'001);
  EXPECT_EQ(timer.fired, 1);
}

TEST(TimerWheel, NextDueNeverSleepsTooLong) {
  TimerWheel wheel(77);
  Recorder timer;
  wheel.schedule(timer, 1'000'077);
  int steps = 0;
  for (uint64_t now = 77; timer.fired == 0; ++steps) {
    ASSERT_GT(wheel.next_due(), now);
    now = wheel.next_due();
    ASSERT_LE(now, 1'000'077U);
    wheel.advance(now);
  }
  EXPECT_LE(steps, 7);
}

TEST(TimerWheel, AgreesWithASortedMapUnderRandomUse) {
  std::mt19937_64 random(42);
  uint64_t now = 5'000'000;
  TimerWheel wheel(now);
  std::vector<std::unique_ptr<Recorder>> timers;
  std::vector<uint64_t> due(200, 0);  // 0: not scheduled
  for (int i = 0; i < 200; ++i) timers.push_back(std::make_unique<Recorder>());
  for (int step = 0; step < 20'000; ++step) {
    const size_t which = random() % timers.size();
    const uint64_t far = uint64_t{1} << (random() % 20);
    if (random() % 4 == 0) {
      wheel.cancel(*timers[which]);
      due[which] = 0;
    } else {
      due[which] = now + 1 + random() % far;
      wheel.schedule(*timers[which], due[which]);
    }
    now += random() % 50;
    wheel.advance(now);
    for (size_t i = 0; i < timers.size(); ++i) {
      const bool fires = due[i] != 0 && due[i] <= now;
      ASSERT_EQ(timers[i]->fired, fires ? 1 : 0) << "step " << step;
      timers[i]->fired = 0;
      if (fires) due[i] = 0;
    }
  }
}

struct Chained : Timer {
  Chained(TimerWheel& w, Timer& v) : Timer(&Chained::run, this), wheel(w), victim(v) {}
  static void run(void* owner) {
    auto& self = *static_cast<Chained*>(owner);
    self.wheel.cancel(self.victim);
    if (++self.rounds < 3) self.wheel.schedule(self, self.due + 1);
  }
  TimerWheel& wheel;
  Timer& victim;
  int rounds = 0;
};

TEST(TimerWheel, CallbacksMayCancelNeighboursAndReschedule) {
  TimerWheel wheel(0);
  Recorder victim;
  Chained chained(wheel, victim);
  wheel.schedule(victim, 8);
  wheel.schedule(chained, 8);  // same slot, in front
  wheel.advance(100);
  EXPECT_EQ(victim.fired, 0);
  EXPECT_EQ(chained.rounds, 3);
}

}  // namespace
}  // namespace sallyport::net
