// Names to addresses, without blocking the loop: the hosts file, then DNS, kept for the time that
// the answer allows. SRV records give ports and weights too. One per loop; its thread only.
#pragma once

#include <coroutine>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "base/task.h"
#include "net/address.h"
#include "net/dns_channel.h"
#include "net/hosts_file.h"

namespace sallyport::net {

class Loop;

// Somewhere that a name leads to.
struct ResolvedHost {
  IpAddress ip;
  // Of an SRV record, else 0 and "": whoever asks has a port and a weight of its own.
  uint16_t port = 0;
  uint16_t weight = 0;  // 1 where the record says 0
  std::string name = {};

  bool operator==(const ResolvedHost&) const = default;
};

class Resolver {
 public:
  struct Config {
    std::string hosts_file = "/etc/hosts";
    std::vector<std::string> servers = {};  // "ip" or "ip:port"; empty: /etc/resolv.conf
    // dns_order. A and AAAA come at the end where they are not in it.
    std::vector<RecordType> order = {RecordType::last, RecordType::srv, RecordType::a};
    uint64_t valid_ttl_ms = 0;  // in place of what answers say; 0: none
    uint64_t not_found_ttl_ms = 30'000;
    uint64_t error_ttl_ms = 1'000;
    uint64_t stale_ttl_ms = 3'600'000;  // how long an old answer serves while a new one is fetched
    size_t cache_size = 10'000;
  };

  struct Answer {
    std::vector<ResolvedHost> hosts;  // empty: `error` says why
    uint64_t valid_until = 0;         // on the loop's clock
    std::string error;
    uint64_t answered = 0;  // when it was said; an answer that serves on stays as old as it is
  };

  // Errors: "net.resolver".
  static Result<std::unique_ptr<Resolver>> create(Loop& loop, Config config);

  // The answer, at once from the cache or when it has come. Valid until the caller waits again.
  auto resolve(std::string_view name);
  // The same, but does not take an old answer while a new one is being fetched.
  auto renewed(std::string_view name);
  // On the loop's clock.
  uint64_t now() const;

  // Everybody who waits gets an error, now and from now on: before the loop ends.
  void cancel() { channel_->cancel(); }

 private:
  struct Entry {
    Answer answer;
    uint64_t stale_until = 0;  // until then an expired answer serves while a new one is fetched
    RecordType last = RecordType::last;  // what the last answer was made of
    bool asking = false;
    uint32_t users = 0;  // who must find it where it is
    std::vector<std::coroutine_handle<>> waiting;
  };
  struct Awaiter;

  Resolver(Loop& loop, Config config);
  Entry& look_up(std::string_view name, bool only_addresses);
  Detached fetch(Entry& entry, std::string name, bool only_addresses);
  Task<bool> take_reply(Entry& entry, RecordType type, DnsReply reply);
  Task<std::vector<ResolvedHost>> hosts_of(std::vector<SrvRecord> records, uint64_t& valid_until);
  std::vector<RecordType> types_for(const Entry& entry, bool only_addresses) const;
  void take_failure(Entry& entry, bool absent, std::string error);
  void settle(Entry& entry);
  void make_room();

  Loop& loop_;
  Config config_;
  HostsFile hosts_;
  std::unordered_map<std::string, Entry> cache_;
  std::unique_ptr<DnsChannel> channel_;
};

struct Resolver::Awaiter {
  Entry& entry;
  bool takes_old = true;
  bool await_ready() const { return !entry.asking || (takes_old && !entry.answer.hosts.empty()); }
  void await_suspend(std::coroutine_handle<> handle) const { entry.waiting.push_back(handle); }
  const Answer& await_resume() const { return entry.answer; }
};

inline auto Resolver::resolve(std::string_view name) {
  return Awaiter{look_up(name, false)};
}

inline auto Resolver::renewed(std::string_view name) {
  return Awaiter{look_up(name, false), false};
}

}  // namespace sallyport::net
