#include "net/address.h"

#include <gtest/gtest.h>

namespace sallyport::net {
namespace {

TEST(SocketAddress, ParsesAndPrints) {
  EXPECT_EQ(SocketAddress::parse("10.1.2.3", 80)->text(), "10.1.2.3:80");
  EXPECT_EQ(SocketAddress::parse("::1", 8443)->text(), "[::1]:8443");
  EXPECT_EQ(SocketAddress::parse("unix:/tmp/x.sock", 0)->text(), "unix:/tmp/x.sock");
  EXPECT_FALSE(SocketAddress::parse("localhost", 80));
  EXPECT_FALSE(SocketAddress::parse("unix:", 80));
  EXPECT_EQ(SocketAddress::parse("::ffff:1.2.3.4", 1)->ip()->text(), "1.2.3.4");
}

TEST(Cidr, ContainsByFamilyAndBits) {
  auto in = [](const char* range, const char* address) {
    return Cidr::parse(range)->contains(*IpAddress::parse(address));
  };
  EXPECT_TRUE(in("10.0.0.0/8", "10.255.0.1"));
  EXPECT_FALSE(in("10.0.0.0/8", "11.0.0.1"));
  EXPECT_TRUE(in("192.168.4.0/22", "192.168.7.255"));
  EXPECT_FALSE(in("192.168.4.0/22", "192.168.8.0"));
  EXPECT_TRUE(in("0.0.0.0/0", "8.8.8.8"));
  EXPECT_FALSE(in("0.0.0.0/0", "::1"));
  EXPECT_TRUE(in("::/0", "fe80::1"));
  EXPECT_TRUE(in("127.0.0.1", "127.0.0.1"));
  EXPECT_FALSE(in("127.0.0.1", "127.0.0.2"));
  EXPECT_TRUE(in("10.0.0.0/8", "::ffff:10.1.2.3"));
  EXPECT_TRUE(in("::ffff:10.0.0.0/104", "10.1.2.3"));
  EXPECT_FALSE(in("::ffff:10.0.0.0/104", "11.1.2.3"));
  EXPECT_TRUE(in("::ffff:10.0.0.1", "10.0.0.1"));
  EXPECT_FALSE(in("::/0", "::ffff:10.0.0.1"));
  EXPECT_FALSE(Cidr::parse("::ffff:0.0.0.0/90"));
  EXPECT_FALSE(Cidr::parse("10.0.0.0/33"));
  EXPECT_FALSE(Cidr::parse("10.0.0/8"));
}

}  // namespace
}  // namespace sallyport::net
