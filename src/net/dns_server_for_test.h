// A name server for tests, on the loop of the resolver that asks it: UDP, a table of records, and a
// count of questions.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "net/datagram_socket.h"
#include "net/loop.h"

namespace sallyport::net {

class DnsServerForTest {
 public:
  static constexpr int kA = 1;
  static constexpr int kAaaa = 28;
  static constexpr int kSrv = 33;

  explicit DnsServerForTest(Loop& loop) {
    socket_ = *DatagramSocket::bind(*SocketAddress::parse("127.0.0.1", 0), true);
    socket_->start(
        loop, [](void* self) { static_cast<DnsServerForTest*>(self)->on_questions(); }, this);
  }

  std::string address() const { return "127.0.0.1:" + std::to_string(socket_->address().port()); }

  void add_a(const std::string& name, const std::string& ip, uint32_t ttl) {
    const auto parsed = *IpAddress::parse(ip);
    const auto* bytes = reinterpret_cast<const char*>(parsed.bytes.data());
    records_[{name, parsed.v4 ? kA : kAaaa}].push_back(
        {parsed.v4 ? std::string(bytes + 12, 4) : std::string(bytes, 16), ttl});
  }
  void add_srv(const std::string& name, uint16_t priority, uint16_t weight, uint16_t port,
               const std::string& target, uint32_t ttl) {
    records_[{name, kSrv}].push_back(
        {number(priority, 2) + number(weight, 2) + number(port, 2) + encoded(target), ttl});
  }
  void clear() { records_.clear(); }

  int questions = 0;
  std::string last;  // the name that was asked for
  int code = 0;      // of every answer: 2 is SERVFAIL

 private:
  struct Record {
    std::string data;
    uint32_t ttl;
  };

  static std::string number(uint32_t value, int bytes) {
    std::string out;
    for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i) & 0xff);
    return out;
  }
  static std::string encoded(const std::string& name) {
    std::string out;
    for (size_t at = 0; at < name.size();) {
      const size_t dot = std::min(name.find('.', at), name.size());
      out += static_cast<char>(dot - at);
      out += name.substr(at, dot - at);
      at = dot + 1;
    }
    return out + '\0';
  }

  void on_questions() {
    std::array<char, 4096> room;
    Datagram datagram;
    while (socket_->receive(room, datagram) == DatagramSocket::Outcome::received) {
      answer(std::string(datagram.bytes), datagram.from);
    }
  }

  void answer(const std::string& query, const SocketAddress& to) {
    ++questions;
    std::string name;
    size_t at = 12;
    while (query[at] != 0) {
      if (!name.empty()) name += '.';
      name += query.substr(at + 1, static_cast<unsigned char>(query[at]));
      at += 1 + static_cast<unsigned char>(query[at]);
    }
    const int type = static_cast<unsigned char>(query[at + 2]);
    last = name;
    const auto found = records_.find({name, type});
    bool exists = false;
    for (const auto& [key, value] : records_) exists |= key.first == name;
    const uint32_t rcode = code != 0 ? static_cast<uint32_t>(code) : exists ? 0 : 3;
    const uint32_t count =
        found == records_.end() ? 0 : static_cast<uint32_t>(found->second.size());
    std::string out = query.substr(0, 2) + number(0x8180 | rcode, 2) + number(1, 2) +
                      number(count, 2) + number(0, 4) + query.substr(12, at + 5 - 12);
    for (uint32_t i = 0; i < count; ++i) {
      const Record& record = found->second[i];
      out += number(0xc00c, 2) + number(static_cast<uint32_t>(type), 2) + number(1, 2) +
             number(record.ttl, 4) + number(static_cast<uint32_t>(record.data.size()), 2) +
             record.data;
    }
    socket_->send(out, to, std::nullopt);
  }

  std::unique_ptr<DatagramSocket> socket_;
  std::map<std::pair<std::string, int>, std::vector<Record>> records_;
};

}  // namespace sallyport::net
