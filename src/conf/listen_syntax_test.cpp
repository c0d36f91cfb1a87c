#include "conf/listen_syntax.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sallyport::conf {
namespace {

using testing::HasSubstr;

Listen parsed(std::string_view item, bool stream = false) {
  auto got = parse_listen(item, stream);
  EXPECT_TRUE(got) << item << ": " << (got ? "" : got.error().detail);
  return got.value_or(Listen{});
}

std::string complaint(std::string_view item, bool stream = false) {
  auto got = parse_listen(item, stream);
  return got ? "accepted" : got.error().detail;
}

TEST(Listen, ReadsEveryFlag) {
  Listen listen = parsed(
      "0.0.0.0:8443 ssl http2 proxy_protocol deferred bind reuseport backlog=16384 "
      "so_keepalive=30m::10");
  EXPECT_EQ(listen.address, "0.0.0.0");
  EXPECT_EQ(listen.port, 8443);
  EXPECT_TRUE(listen.ssl && listen.http2 && listen.proxy_protocol && listen.deferred &&
              listen.bind && listen.reuseport);
  EXPECT_EQ(listen.backlog, 16384);
  EXPECT_EQ(listen.so_keepalive, "30m::10");
  EXPECT_FALSE(listen.ipv6only);

  Listen plain = parsed("127.0.0.1:80");
  EXPECT_FALSE(plain.ssl || plain.http2 || plain.reuseport || plain.udp);
  EXPECT_EQ(plain.backlog, 511);

  Listen six = parsed("[::1]:80\tipv6only=off");
  EXPECT_EQ(six.address, "::1");
  EXPECT_EQ(six.ipv6only, false);
  EXPECT_TRUE(parsed("127.0.0.1:53 udp reuseport", true).udp);
}

TEST(Listen, WritesAddressesAsNginxDoes) {
  EXPECT_EQ(address_text(parsed("127.0.0.1:80")), "127.0.0.1:80");
  EXPECT_EQ(address_text(parsed("[2001:db8::1]:80")), "[2001:db8::1]:80");
  EXPECT_EQ(address_text(parsed("localhost:80")), "127.0.0.1:80");
  EXPECT_EQ(address_text(parsed("*:80")), "0.0.0.0:80");
  EXPECT_EQ(address_text(parsed("unix:/run/a.sock ssl")), "unix:/run/a.sock");
}

TEST(Listen, RefusesTheRest) {
  EXPECT_THAT(complaint(""), HasSubstr("empty"));
  EXPECT_THAT(complaint("off"), HasSubstr("stands alone"));
  EXPECT_THAT(complaint("8000"), HasSubstr("ADDRESS:PORT"));
  EXPECT_THAT(complaint(":8000"), HasSubstr("ADDRESS:PORT"));
  EXPECT_THAT(complaint("[::1]"), HasSubstr("ADDRESS:PORT"));
  EXPECT_THAT(complaint("127.0.0.1:0"), HasSubstr("port from 1 to 65535"));
  EXPECT_THAT(complaint("127.0.0.1:65536"), HasSubstr("port from 1 to 65535"));
  EXPECT_THAT(complaint("127.0.0.1:http"), HasSubstr("port from 1 to 65535"));
  EXPECT_THAT(complaint("gateway.example.com:80"), HasSubstr("literal address"));
  EXPECT_THAT(complaint("::1:80"), HasSubstr("literal address"));
  EXPECT_THAT(complaint("[127.0.0.1]:80"), HasSubstr("literal address"));
  EXPECT_THAT(complaint("unix:relative"), HasSubstr("absolute path"));
  EXPECT_THAT(complaint("127.0.0.1:80 reuseprt"), HasSubstr("did you mean 'reuseport'"));
  EXPECT_THAT(complaint("127.0.0.1:80 SSL"), HasSubstr("unknown flag 'SSL'"));
  EXPECT_THAT(complaint("127.0.0.1:80 udp"), HasSubstr("unknown flag 'udp'"));
  EXPECT_THAT(complaint("127.0.0.1:80 http2", true), HasSubstr("unknown flag 'http2'"));
  EXPECT_THAT(complaint("127.0.0.1:80 backlog=0"), HasSubstr("unknown flag"));
  EXPECT_THAT(complaint("127.0.0.1:80 backlog="), HasSubstr("unknown flag"));
  EXPECT_THAT(complaint("127.0.0.1:80 ipv6only=on"), HasSubstr("no IPv6 address"));
  EXPECT_THAT(complaint("[::]:80 ipv6only=maybe"), HasSubstr("unknown flag"));
  EXPECT_THAT(complaint("127.0.0.1:80 so_keepalive=1:2"), HasSubstr("unknown flag"));
  EXPECT_THAT(complaint("127.0.0.1:53 udp ssl", true), HasSubstr("exclude each other"));
  EXPECT_THAT(complaint("127.0.0.1:53 udp proxy_protocol", true), HasSubstr("exclude each other"));
  EXPECT_THAT(complaint("127.0.0.1:53 proxy_protocol udp", true), HasSubstr("exclude each other"));
}

}  // namespace
}  // namespace sallyport::conf
