#include "base/task.h"

#include <memory>
#include <string>

#include <gtest/gtest.h>

namespace sallyport {
namespace {

// Suspends until resume() is called.
struct Gate {
  std::coroutine_handle<> waiting;
  bool open = false;
  bool await_ready() const { return open; }
  void await_suspend(std::coroutine_handle<> handle) { waiting = handle; }
  void await_resume() const {}
  void resume() {
    open = true;
    if (waiting) std::exchange(waiting, nullptr).resume();
  }
};

Task<int> add(int a, int b) {
  co_return a + b;
}

Task<std::unique_ptr<std::string>> text(Gate& gate) {
  co_await gate;
  co_return std::make_unique<std::string>("late");
}

Detached store(Gate& gate, std::string& out) {
  auto value = co_await text(gate);
  out = *value + std::to_string(co_await add(20, 22));
}

TEST(Task, HandsItsValueToTheOneWhoWaits) {
  Gate gate;
  std::string out;
  store(gate, out);
  EXPECT_EQ(out, "");
  gate.resume();
  EXPECT_EQ(out, "late42");
}

Task<long> sum(int n) {
  if (n == 0) co_return 0;
  co_return n + co_await sum(n - 1);
}
Detached store_sum(int n, long& out) {
  out = co_await sum(n);
}

Task<long> count_up(int n) {
  long total = 0;
  for (int i = 0; i < n; ++i) total += co_await add(i, 0);
  co_return total;
}
Detached store_count(int n, long& out) {
  out = co_await count_up(n);
}

TEST(Task, LoopsAndDepthCostNoStack) {
  long out = 0;
  store_count(1'000'000, out);
  EXPECT_EQ(out, 499'999'500'000);
  store_sum(1'000, out);
  EXPECT_EQ(out, 500'500);
}

Task<void> wait_for(Gate& gate, int& done) {
  co_await gate;
  ++done;
}
Detached race(Gate& first, Gate& second, int& done, bool& joined) {
  Task<void> child = wait_for(second, done);
  child.start();
  co_await first;
  co_await child.join();
  joined = true;
}

TEST(Task, RunsAChildBesideItsOwner) {
  for (bool child_first : {true, false}) {
    Gate first;
    Gate second;
    int done = 0;
    bool joined = false;
    race(first, second, done, joined);
    (child_first ? second : first).resume();
    EXPECT_FALSE(joined);
    (child_first ? first : second).resume();
    EXPECT_TRUE(joined);
    EXPECT_EQ(done, 1);
  }
}

TEST(Task, ATaskThatIsNeverAwaitedFreesItsArguments) {
  auto owned = std::make_shared<int>(1);
  {
    Gate gate;
    auto task = [](std::shared_ptr<int>, Gate& g) -> Task<void> { co_await g; }(owned, gate);
    EXPECT_EQ(owned.use_count(), 2);
  }
  EXPECT_EQ(owned.use_count(), 1);
}

}  // namespace
}  // namespace sallyport
