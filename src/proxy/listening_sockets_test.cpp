#include "proxy/listening_sockets.h"

#include <filesystem>
#include <string>

#include <gtest/gtest.h>
#include <unistd.h>

namespace sallyport::proxy {
namespace {

const net::SocketAddress kAnyPort = *net::SocketAddress::parse("127.0.0.1", 0);

TEST(ListeningSockets, GoFromGenerationToGeneration) {
  ListeningSockets one, three, two, elsewhere;
  const auto first = one.open(kAnyPort, {}, 1, nullptr);
  ASSERT_TRUE(first);
  const net::SocketAddress address = first->front()->address();
  ASSERT_TRUE(one.listen());

  const auto more = three.open(address, {}, 3, &one);
  ASSERT_TRUE(more);
  EXPECT_EQ(more->size(), 3U);
  ASSERT_TRUE(three.listen());
  one.close();
  // Nobody is given up: workers that are fewer accept on all.
  const auto fewer = two.open(address, {}, 2, &three);
  ASSERT_TRUE(fewer);
  EXPECT_EQ(fewer->size(), 3U);
  for (const auto& socket : *fewer) EXPECT_EQ(socket->address().text(), address.text());

  const auto other = elsewhere.open(kAnyPort, {}, 2, &three);
  ASSERT_TRUE(other);
  EXPECT_EQ(other->size(), 2U);
  EXPECT_NE(other->front()->address().text(), address.text());
}

TEST(ListeningSockets, TwoListenersMayLeaveThePortToTheKernel) {
  ListeningSockets sockets;
  const auto a = sockets.open(kAnyPort, {}, 2, nullptr);
  const auto b = sockets.open(kAnyPort, {}, 2, nullptr);
  ASSERT_TRUE(a && b);
  EXPECT_EQ((*a)[0]->address().text(), (*a)[1]->address().text());
  EXPECT_NE((*a)[0]->address().text(), (*b)[0]->address().text());
}

TEST(ListeningSockets, AUnixSocketIsBoundOnceAndGoesWithTheLast) {
  const std::string path = "/tmp/sallyport-sockets-" + std::to_string(::getpid()) + ".sock";
  const auto address = *net::SocketAddress::parse("unix:" + path, 0);
  ListeningSockets former, next;
  const auto first = former.open(address, {}, 4, nullptr);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->size(), 1U);
  const auto second = next.open(address, {}, 4, &former);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->size(), 1U);
  former.close();
  EXPECT_TRUE(std::filesystem::exists(path));
  next.close();
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace sallyport::proxy
