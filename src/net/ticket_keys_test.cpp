#include "net/ticket_keys.h"

#include <gtest/gtest.h>

namespace sallyport::net {
namespace {

TEST(TicketKeys, OpenForOnePeriodMoreThanTheySeal) {
  TicketKeys keys(100);
  TicketKeys::Key first, second, out;
  bool old = false;
  ASSERT_TRUE(keys.sealing(1000, first));
  ASSERT_TRUE(keys.sealing(1099, out));
  EXPECT_EQ(out.name, first.name);
  EXPECT_TRUE(keys.opening(1099, first.name.data(), out, old));
  EXPECT_FALSE(old);

  ASSERT_TRUE(keys.sealing(1100, second));
  EXPECT_NE(second.name, first.name);
  EXPECT_NE(second.cipher, first.cipher);
  EXPECT_TRUE(keys.opening(1199, first.name.data(), out, old));
  EXPECT_TRUE(old);
  EXPECT_EQ(out.mac, first.mac);

  ASSERT_TRUE(keys.sealing(1200, out));
  EXPECT_FALSE(keys.opening(1200, first.name.data(), out, old));
  EXPECT_TRUE(keys.opening(1200, second.name.data(), out, old));
}

TEST(TicketKeys, AfterALongPauseNothingOpens) {
  TicketKeys keys(100);
  TicketKeys::Key first, out;
  bool old = false;
  ASSERT_TRUE(keys.sealing(1000, first));
  EXPECT_FALSE(keys.opening(1200, first.name.data(), out, old));
}

TEST(TicketKeys, UnknownNamesDoNotOpen) {
  TicketKeys keys(100);
  TicketKeys::Key out;
  bool old = false;
  const unsigned char name[16] = {1, 2, 3};
  EXPECT_FALSE(keys.opening(1000, name, out, old));
}

}  // namespace
}  // namespace sallyport::net
