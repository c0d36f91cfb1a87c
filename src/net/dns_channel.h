// Questions to name servers through c-ares on a loop: one question, one answer, nothing kept.
// Search domains and resolv.conf are c-ares's. One per resolver; the loop's thread.
#pragma once

#include <coroutine>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "net/address.h"
#include "net/dns_answer.h"
#include "net/timer_wheel.h"

struct ares_channeldata;
struct ares_addrinfo;

namespace sallyport::net {

class Loop;

// `last` stands for the one that a name had the last time; `cname` is followed with every other.
enum class RecordType : uint8_t { last, srv, a, aaaa, cname };

struct DnsReply {
  enum class Status : uint8_t {
    found,
    absent,       // no such name, or none of the type
    failed,       // this server does not answer such questions, or not now
    unreachable,  // no server answers
    cancelled,
  };
  Status status = Status::failed;
  std::vector<IpAddress> addresses;
  std::vector<SrvRecord> services;
  uint32_t ttl_s = 0;  // of what is there the shortest
  std::string error;
};

class DnsChannel {
 public:
  // `servers`: "ip" or "ip:port"; none: /etc/resolv.conf. Errors: "net.resolver".
  static Result<std::unique_ptr<DnsChannel>> open(Loop& loop,
                                                  const std::vector<std::string>& servers);
  ~DnsChannel();

  // To be awaited: the DnsReply. `type` is srv, a or aaaa.
  auto ask(const std::string& name, RecordType type);
  // Every question under way and to come is answered `cancelled`.
  void cancel();

 private:
  struct Question;
  struct Socket;

  explicit DnsChannel(Loop& loop);
  void start(Question& question);
  static void on_addresses(void* question, int status, int, ares_addrinfo* found);
  static void on_message(void* question, int status, int, unsigned char* bytes, int size);
  void on_socket(int fd, bool read, bool write);
  void on_ready(int fd, uint32_t events);
  void schedule();
  void on_timer();

  Loop& loop_;
  ares_channeldata* channel_ = nullptr;
  bool cancelled_ = false;
  std::unordered_map<int, std::unique_ptr<Socket>> sockets_;
  Timer timer_;
};

struct DnsChannel::Question {
  DnsChannel& channel;
  std::string name;
  RecordType type;
  DnsReply reply = {};
  bool done = false;
  std::coroutine_handle<> waiting = {};

  bool await_ready() const { return false; }
  bool await_suspend(std::coroutine_handle<> handle) {
    channel.start(*this);
    if (done) return false;  // answered at once
    waiting = handle;
    return true;
  }
  DnsReply await_resume() { return std::move(reply); }
  void finish() {
    done = true;
    if (waiting) waiting.resume();
  }
};

inline auto DnsChannel::ask(const std::string& name, RecordType type) {
  return Question{*this, name, type};
}

}  // namespace sallyport::net
