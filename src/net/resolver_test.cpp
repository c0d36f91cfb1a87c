#include "net/resolver.h"

#include <gtest/gtest.h>

#include "base/task.h"
#include "net/dns_server_for_test.h"
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
  out = answer.hosts.empty() ? answer.error : "";
  for (const ResolvedHost& host : answer.hosts) {
    if (!out.empty()) out += ' ';
    out += host.ip.text();
    if (host.port != 0) out += ":" + std::to_string(host.port);
    if (host.weight != 0) out += "*" + std::to_string(host.weight);
  }
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

class ResolverWithServer : public ::testing::Test {
 protected:
  void SetUp() override {
    loop_ = *Loop::create(BackendChoice::epoll);
    server_ = std::make_unique<DnsServerForTest>(*loop_);
  }
  void TearDown() override {
    if (resolver_) resolver_->cancel();
    resolver_.reset();
    server_.reset();
  }
  void start(Resolver::Config config = {}) {
    config.hosts_file = "/nowhere";
    config.servers = {server_->address()};
    resolver_ = *Resolver::create(*loop_, std::move(config));
  }
  std::string get(const std::string& name) {
    std::string out = "?";
    ask(*resolver_, name, out);
    for (int i = 0; i < 2000 && out == "?"; ++i) loop_->turn(5);
    return out;
  }
  void wait(uint64_t ms) {
    const uint64_t end = loop_->now() + ms;
    // Some turns at least, however slow the machine is.
    for (int turns = 0; turns < 20 || loop_->now() < end; ++turns) loop_->turn(5);
  }

  std::unique_ptr<Loop> loop_;
  std::unique_ptr<DnsServerForTest> server_;
  std::unique_ptr<Resolver> resolver_;
};

TEST_F(ResolverWithServer, KeepsAnswersAsLongAsTheySay) {
  server_->add_a("a.test", "10.0.0.1", 1);
  server_->add_a("a.test", "10.0.0.2", 100);
  start({.order = {RecordType::a}});
  EXPECT_EQ(get("a.test"), "10.0.0.1 10.0.0.2");
  EXPECT_EQ(get("A.TEST"), "10.0.0.1 10.0.0.2");
  EXPECT_EQ(server_->questions, 1);
  wait(1'100);
  // The old answer serves while the new one is fetched.
  server_->clear();
  server_->add_a("a.test", "10.0.0.9", 100);
  EXPECT_EQ(get("a.test"), "10.0.0.1 10.0.0.2");
  wait(50);
  EXPECT_EQ(get("a.test"), "10.0.0.9");
  EXPECT_EQ(server_->questions, 2);
}

Detached ask_for_new(Resolver& resolver, std::string name, std::string& out, uint64_t& when) {
  const Resolver::Answer& answer = co_await resolver.renewed(name);
  out = answer.hosts.empty() ? answer.error : answer.hosts[0].ip.text();
  when = answer.answered;
}

TEST_F(ResolverWithServer, WhoWantsTheNewAnswerWaitsForIt) {
  server_->add_a("a.test", "10.0.0.1", 1);
  start({.order = {RecordType::a}, .error_ttl_ms = 50});
  std::string out;
  uint64_t first = 0, second = 0;
  ask_for_new(*resolver_, "a.test", out, first);
  wait(100);
  EXPECT_EQ(out, "10.0.0.1");
  wait(1'050);
  server_->clear();
  server_->add_a("a.test", "10.0.0.2", 1);
  ask_for_new(*resolver_, "a.test", out, second);
  EXPECT_EQ(out, "10.0.0.1");
  wait(100);
  EXPECT_EQ(out, "10.0.0.2");
  EXPECT_GT(second, first);
  EXPECT_EQ(server_->questions, 2);
  // One that serves on while DNS is down is as old as before.
  server_->code = 2;
  wait(1'050);
  ask_for_new(*resolver_, "a.test", out, first);
  wait(100);
  EXPECT_EQ(out, "10.0.0.2");
  EXPECT_EQ(first, second);
}

TEST_F(ResolverWithServer, AnswersOfADeadServerServeOnUntilTheyAreStale) {
  server_->add_a("a.test", "10.0.0.1", 1);
  start({.order = {RecordType::a}, .error_ttl_ms = 50, .stale_ttl_ms = 1'500});
  EXPECT_EQ(get("a.test"), "10.0.0.1");
  server_->code = 2;
  wait(1'100);
  EXPECT_EQ(get("a.test"), "10.0.0.1");
  wait(100);
  EXPECT_EQ(get("a.test"), "10.0.0.1");
  wait(1'800);
  EXPECT_NE(get("a.test"), "10.0.0.1");
}

TEST_F(ResolverWithServer, RemembersWhatIsNotThere) {
  start({.not_found_ttl_ms = 800});
  EXPECT_EQ(get("a.test"), "no such name");
  const int asked = server_->questions;
  EXPECT_EQ(get("a.test"), "no such name");
  EXPECT_EQ(server_->questions, asked);
  wait(850);
  server_->add_a("a.test", "10.0.0.1", 60);
  EXPECT_EQ(get("a.test"), "10.0.0.1");
}

TEST_F(ResolverWithServer, ServicesGivePortsAndWeightsOfTheBestPriority) {
  server_->add_srv("_db.test", 10, 3, 5432, "one.test", 60);
  server_->add_srv("_db.test", 10, 0, 5433, "two.test", 60);
  server_->add_srv("_db.test", 20, 1, 5434, "three.test", 60);
  server_->add_a("one.test", "10.0.0.1", 60);
  server_->add_a("two.test", "10.0.0.2", 60);
  server_->add_a("three.test", "10.0.0.3", 60);
  start();
  EXPECT_EQ(get("_db.test"), "10.0.0.1:5432*3 10.0.0.2:5433*1");
  EXPECT_EQ(get("one.test"), "10.0.0.1");
}

TEST_F(ResolverWithServer, AsksInTheOrderOfTheSettingAndForTheLastTypeFirst) {
  server_->add_a("a.test", "10.0.0.1", 1);
  server_->add_a("a.test", "fd00::1", 1);
  start({.order = {RecordType::last, RecordType::aaaa, RecordType::srv, RecordType::a},
         .stale_ttl_ms = 0});
  EXPECT_EQ(get("a.test"), "fd00::1");
  server_->add_a("b.test", "10.0.0.2", 1);
  EXPECT_EQ(get("b.test"), "10.0.0.2");
  const int asked = server_->questions;
  wait(1'100);
  EXPECT_EQ(get("b.test"), "10.0.0.2");
  EXPECT_EQ(server_->questions, asked + 1);
}

TEST_F(ResolverWithServer, ServicesThatLeadNowhereGiveNoAddress) {
  server_->add_srv("c.test", 1, 1, 80, "gone.test", 60);
  start();
  EXPECT_EQ(get("c.test"), "its SRV records lead to no address");
  // The addresses of the name itself do instead.
  server_->add_srv("d.test", 1, 1, 80, "gone.test", 60);
  server_->add_a("d.test", "10.0.0.4", 60);
  EXPECT_EQ(get("d.test"), "10.0.0.4");
}

TEST_F(ResolverWithServer, ValidTtlOverridesAndTheCacheIsBounded) {
  for (int i = 0; i < 20; ++i) {
    server_->add_a("n" + std::to_string(i) + ".test", "10.0.0.1", 60);
  }
  start({.order = {RecordType::a}, .valid_ttl_ms = 100, .cache_size = 5});
  for (int i = 0; i < 20; ++i) EXPECT_EQ(get("n" + std::to_string(i) + ".test"), "10.0.0.1");
  EXPECT_EQ(get("n0.test"), "10.0.0.1");
  const int asked = server_->questions;
  EXPECT_GE(asked, 20);
  wait(150);
  EXPECT_EQ(get("n0.test"), "10.0.0.1");
  wait(50);
  EXPECT_EQ(server_->questions, asked + 1);
}

TEST(Resolver, RefusesServersThatAreNone) {
  auto loop = Loop::create(BackendChoice::epoll);
  ASSERT_TRUE(loop);
  EXPECT_FALSE(Resolver::create(**loop, {.hosts_file = "", .servers = {"not an address"}}));
}

}  // namespace
}  // namespace sallyport::net
