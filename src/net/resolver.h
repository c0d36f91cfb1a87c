// Names to addresses, without blocking the loop: the hosts file, then DNS through c-ares, kept for
// the time that the answer allows. One per loop; its thread only.
#pragma once

#include <coroutine>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "net/address.h"
#include "net/hosts_file.h"
#include "net/timer_wheel.h"

struct ares_channeldata;
struct ares_addrinfo;

namespace sallyport::net {

class Loop;
struct FdWatch;

class Resolver {
 public:
  struct Config {
    std::string hosts_file = "/etc/hosts";
    std::vector<std::string> servers;  // "ip" or "ip:port"; empty: /etc/resolv.conf
    uint64_t not_found_ttl_ms = 30'000;
    uint64_t error_ttl_ms = 1'000;
    uint64_t stale_ttl_ms = 3'600'000;  // how long an old answer serves while DNS is down
    size_t cache_size = 10'000;
  };

  struct Answer {
    std::vector<IpAddress> addresses;  // empty: `error` says why
    uint64_t valid_until = 0;          // on the loop's clock
    std::string error;
  };

  // Errors: "net.resolver".
  static Result<std::unique_ptr<Resolver>> create(Loop& loop, Config config);
  ~Resolver();

  // The answer, at once from the cache or when it has come. Valid until the caller waits again.
  auto resolve(std::string_view name);

  // Everybody who waits gets an error: before the loop ends.
  void cancel();

 private:
  struct Entry {
    Answer answer;
    uint64_t stale_until = 0;  // until then an expired answer serves while a new one is fetched
    bool asking = false;
    bool ipv6 = false;  // the question under way
    std::vector<std::coroutine_handle<>> waiting;
  };
  struct Query;
  struct Awaiter;

  Resolver(Loop& loop, Config config);
  Result<void> open_channel();
  Entry& look_up(std::string_view name);
  void ask(const std::string& name, Entry& entry);
  void on_answer(const std::string& name, int status, ares_addrinfo* found);
  void settle(Entry& entry);
  void make_room();
  void on_socket(int fd, bool read, bool write);
  void on_ready(int fd, uint32_t events);
  void schedule();
  void on_timer();

  Loop& loop_;
  Config config_;
  HostsFile hosts_;
  ares_channeldata* channel_ = nullptr;
  std::unordered_map<std::string, Entry> cache_;
  struct Socket;
  std::unordered_map<int, std::unique_ptr<Socket>> sockets_;
  Timer timer_;
};

struct Resolver::Awaiter {
  Entry& entry;
  bool await_ready() const { return !entry.asking || !entry.answer.addresses.empty(); }
  void await_suspend(std::coroutine_handle<> handle) const { entry.waiting.push_back(handle); }
  const Answer& await_resume() const { return entry.answer; }
};

inline auto Resolver::resolve(std::string_view name) {
  return Awaiter{look_up(name)};
}

}  // namespace sallyport::net
