// What a worker knows of every open client connection, whatever its protocol, and who is at the
// other end of one. The worker's thread only.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "net/address.h"
#include "proxy/real_ip.h"

namespace sallyport::proxy {

// Who connected.
struct Peer {
  // Nothing when the connection is broken already: nobody can say whose it was.
  static std::optional<Peer> of_socket(int fd, const RealIp& real_ip);
  static Peer of_address(const net::SocketAddress& address, const RealIp& real_ip);

  std::string_view ip() const { return {text.data(), size}; }

  bool trusted = false;                  // trusted_ips
  std::optional<net::IpAddress> source;  // for whom it says it speaks, by the PROXY protocol
  uint8_t size = 0;
  std::array<char, 46> text;  // INET6_ADDRSTRLEN; "unix:" for unix sockets
};

// Has a connection that brings its first request while the worker drains.
inline constexpr uint32_t kDrainFirstMs = 5'000;
// Longer than a client that is at work pauses between its requests.
inline constexpr uint64_t kIdleEnoughMs = 5'000;

class ClientConnection {
 public:
  ClientConnection(const ClientConnection&) = delete;
  ClientConnection& operator=(const ClientConnection&) = delete;

  // The worker is draining: answers what has begun, and ends.
  virtual void begin_drain() = 0;
  // The worker stops: tells its client, where the protocol has a word for it.
  virtual void say_goodbye() {}
  // Breaks off.
  virtual void fail(int error) = 0;
  // Memory is short: gives up what has begun, and ends. Connections to the APIs stay.
  virtual void cut() = 0;
  // Descriptors are short: ends if its client has asked nothing for a while. False: it stays.
  virtual bool end_if_idle() = 0;

 protected:
  ClientConnection() = default;
  ~ClientConnection() = default;

 private:
  friend class ConnectionList;
  ClientConnection* next_ = nullptr;
  ClientConnection* prev_ = nullptr;
};

// The open connections of a worker.
class ConnectionList {
 public:
  void add(ClientConnection& connection);
  void remove(ClientConnection& connection);
  bool empty() const { return first_ == nullptr; }
  size_t size() const { return size_; }
  // `visit` may end the connection that it is given, and no other.
  template <typename Visit>
  void each(Visit visit) {
    for (ClientConnection* connection = first_; connection != nullptr;) {
      ClientConnection* next = connection->next_;
      visit(*connection);
      connection = next;
    }
  }
  // The next `most`, from the oldest to the newest and then from the oldest again: calls in a row
  // come by all of them. `visit` as above; false ends the call.
  template <typename Visit>
  void next(size_t most, Visit visit) {
    for (; most > 0 && size_ > 0; --most) {
      ClientConnection& connection = hand_ != nullptr ? *hand_ : *last_;
      hand_ = connection.prev_;
      if (!visit(connection)) return;
    }
  }

 private:
  ClientConnection* first_ = nullptr;
  ClientConnection* last_ = nullptr;
  ClientConnection* hand_ = nullptr;  // whose turn it is in next(); null: the oldest's
  size_t size_ = 0;
};

}  // namespace sallyport::proxy
