#include "postgres/host_resolver.h"

#include <atomic>
#include <string>
#include <thread>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include "postgres/testing/certificates.h"

namespace sallyport::postgres {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TimePoint in(int milliseconds) {
  return Clock::now() + Milliseconds(milliseconds);
}

// A DNS server on loopback that answers every A question with 192.0.2.7, every other one with
// nothing, or is silent.
class NameServer {
 public:
  explicit NameServer(bool silent) : silent_(silent) {
    fd_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    bind(fd_, reinterpret_cast<sockaddr*>(&address), size);
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    name_ = fmt::format("127.0.0.1:{}", ntohs(address.sin_port));
    timeval poll{0, 50'000};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &poll, sizeof poll);
    thread_ = std::thread([this] { serve(); });
  }
  ~NameServer() {
    stop_ = true;
    thread_.join();
    close(fd_);
  }
  const std::string& name() const { return name_; }
  int asked() const { return asked_; }

 private:
  void serve() {
    while (!stop_) {
      char packet[512];
      sockaddr_in from{};
      socklen_t size = sizeof from;
      ssize_t n =
          recvfrom(fd_, packet, sizeof packet, 0, reinterpret_cast<sockaddr*>(&from), &size);
      if (n < 17) continue;
      ++asked_;
      if (silent_) continue;
      size_t end = 12;
      while (packet[end] != 0) end += static_cast<size_t>(packet[end]) + 1;
      end += 5;  // the zero, QTYPE, QCLASS
      bool is_a = packet[end - 3] == 1;
      std::string answer(packet, end);
      answer[2] = '\x84';  // a response, authoritative
      answer[3] = 0;
      answer[7] = is_a ? 1 : 0;
      answer[11] = 0;  // no additional records
      if (is_a) answer += std::string("\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\7", 16);
      sendto(fd_, answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
    }
  }

  bool silent_;
  int fd_ = -1;
  std::string name_;
  std::atomic<bool> stop_ = false;
  std::atomic<int> asked_ = 0;
  std::thread thread_;
};

TEST(HostsFile, FindsNamesInAnyCaseAndKeepsTheOrder) {
  std::string_view text =
      "# a comment\n"
      "127.0.0.1\tlocalhost db.test # db9.test\n"
      "  ::1 DB.test   other\r\n"
      "not-an-address db.test\n"
      "127.0.0.1 db.test";
  EXPECT_THAT(addresses_in_hosts_file(text, "Db.Test"), ElementsAre("127.0.0.1", "::1"));
  EXPECT_THAT(addresses_in_hosts_file(text, "other"), ElementsAre("::1"));
  EXPECT_THAT(addresses_in_hosts_file(text, "db9.test"), IsEmpty());
  EXPECT_THAT(addresses_in_hosts_file(text, "127.0.0.1"), IsEmpty());
  EXPECT_THAT(addresses_in_hosts_file("", "db.test"), IsEmpty());
}

TEST(HostResolver, TakesLiteralsAsTheyAre) {
  for (const char* host : {"127.0.0.1", "::1", "fe80::1%lo"}) {
    auto resolved = resolve_host(host, {}, in(0));
    ASSERT_TRUE(resolved) << host;
    EXPECT_THAT(resolved->addresses, ElementsAre(host));
  }
}

TEST(HostResolver, NeverAsksDnsForLocalhost) {
  auto resolved = resolve_host("LocalHost", {"/nonexistent", {"127.0.0.1:1"}}, in(0));
  ASSERT_TRUE(resolved);
  EXPECT_THAT(resolved->addresses, ElementsAre("127.0.0.1", "::1"));
}

TEST(HostResolver, PrefersTheHostsFile) {
  TestDirectory directory;
  NameServer server(false);
  std::string file = directory.write("hosts", "10.1.2.3 db.test\n");
  auto resolved = resolve_host("db.test", {file, {server.name()}}, in(2000));
  ASSERT_TRUE(resolved);
  EXPECT_TRUE(resolved->from_hosts_file);
  EXPECT_THAT(resolved->addresses, ElementsAre("10.1.2.3"));
  EXPECT_EQ(server.asked(), 0);
}

TEST(HostResolver, AsksTheNamedServer) {
  NameServer server(false);
  auto resolved = resolve_host("db.example", {"", {server.name()}}, in(3000));
  ASSERT_TRUE(resolved) << resolved.error().text();
  EXPECT_FALSE(resolved->from_hosts_file);
  EXPECT_THAT(resolved->addresses, ElementsAre("192.0.2.7"));
}

TEST(HostResolver, GivesUpAtTheDeadline) {
  NameServer server(true);
  TimePoint begin = Clock::now();
  auto resolved = resolve_host("db.example", {"", {server.name()}}, in(300));
  ASSERT_FALSE(resolved);
  EXPECT_EQ(resolved.error().code, "link.timeout");
  EXPECT_THAT(resolved.error().detail, HasSubstr("could not translate host name \"db.example\""));
  EXPECT_LT(Clock::now() - begin, std::chrono::seconds(2));
  EXPECT_GE(server.asked(), 1);
}

}  // namespace
}  // namespace sallyport::postgres
