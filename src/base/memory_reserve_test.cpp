#include "base/memory_reserve.h"

#include <cstdlib>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace sallyport::memory {
namespace {

TEST(MemoryReserve, IsGivenUpInSlicesAndSetAsideAgain) {
  set_aside_reserve();
  EXPECT_FALSE(is_short());
  EXPECT_TRUE(give_up_slice());
  EXPECT_TRUE(is_short());
  EXPECT_FALSE(is_very_short());
  int slices = 1;
  while (give_up_slice()) ++slices;
  EXPECT_TRUE(is_very_short());
  recover();
  EXPECT_FALSE(is_short());
  EXPECT_FALSE(is_very_short());
  for (int i = 0; i < slices; ++i) EXPECT_TRUE(give_up_slice());
  EXPECT_FALSE(give_up_slice());
  recover();
  std::free(allocate(100));
}

TEST(MemoryReserve, ManyThreadsMayUseIt) {
  set_aside_reserve();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      for (int round = 0; round < 50; ++round) {
        give_up_slice();
        recover();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  recover();
  EXPECT_FALSE(is_short());
}

}  // namespace
}  // namespace sallyport::memory
