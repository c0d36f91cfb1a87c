#include "net/resolver.h"

#include <gtest/gtest.h>

#include "base/task.h"
#include "net/loop.h"

namespace sallyport::net {
namespace {

TEST(HostsFile, FindsNamesAnyCaseIPv4First) {
  const HostsFile hosts = HostsFile::parse(
      "::1 localhost ip6\n127.0.0.1\tLocalhost\n# 1.2.3.4 off\n10.0.0.1 a b # c\nbroken line\n");
  ASSERT_EQ(hosts.find("LOCALHOST").size(), 2U);
  EXPECT_EQ(hosts.find("localhost")[0].text(), "127.0.0.1");
  EXPECT_EQ(hosts.find("localhost")[1].text(), "::1");
  EXPECT_EQ(hosts.find("b")[0].text(), "10.0.0.1");
  EXPECT_TRUE(hosts.find("off").empty());
  EXPECT_TRUE(hosts.find("c").empty());
  EXPECT_TRUE(HostsFile::read("/nowhere/at/all").find("localhost").empty());
}

Detached ask(Resolver& resolver, std::string name, std::string& out) {
  const Resolver::Answer& answer = co_await resolver.resolve(name);
  out = answer.addresses.empty() ? answer.error : answer.addresses.front().text();
}

TEST(Resolver, CancelsWhoWaits) {
  auto loop = Loop::create(BackendChoice::epoll);
  ASSERT_TRUE(loop);
  auto resolver = Resolver::create(**loop, {.hosts_file = "/nowhere", .servers = {"127.0.0.1:1"}});
  ASSERT_TRUE(resolver);
  std::string first;
  std::string second;
  ask(**resolver, "some.test", first);
  ask(**resolver, "SOME.test", second);
  (*resolver)->cancel();
  EXPECT_FALSE(first.empty());
  EXPECT_EQ(first, second);
}

TEST(Resolver, RefusesServersThatAreNone) {
  auto loop = Loop::create(BackendChoice::epoll);
  ASSERT_TRUE(loop);
  EXPECT_FALSE(Resolver::create(**loop, {.hosts_file = "", .servers = {"not an address"}}));
}

}  // namespace
}  // namespace sallyport::net
