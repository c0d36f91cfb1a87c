// A UDP socket on a loop: bound, for the datagrams of many clients, or connected to one peer. Reads
// and writes never wait; what the kernel will not take is lost, as datagrams may be. Opened on any
// thread, used on the loop's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/error.h"
#include "net/address.h"

namespace sallyport::net {

class Loop;
struct FdWatch;

// The largest datagram that UDP carries.
inline constexpr size_t kMaxDatagram = 65'535;

struct Datagram {
  std::string_view bytes;          // in the caller's buffer
  SocketAddress from;              // of a bound socket
  std::optional<IpAddress> local;  // where it was sent to
};

class DatagramSocket {
 public:
  using Ready = void (*)(void* owner);

  // Several may be bound to one address: the kernel gives each client to one of them. Errors:
  // "net.listen" (Side::config).
  static Result<std::unique_ptr<DatagramSocket>> bind(const SocketAddress& address, bool ipv6only);
  // Null with errno.
  static std::unique_ptr<DatagramSocket> connect(const SocketAddress& peer);

  DatagramSocket(const DatagramSocket&) = delete;
  DatagramSocket& operator=(const DatagramSocket&) = delete;
  ~DatagramSocket();

  int fd() const { return fd_; }
  const SocketAddress& address() const { return address_; }  // bound to, with the real port

  // `ready` is called while there is something to receive, or an error to learn of.
  void start(Loop& loop, Ready ready, void* owner);

  enum class Outcome : uint8_t { received, nothing, broken };
  // The next datagram into `room`; what is longer is cut. broken: the peer of a connected socket
  // does not take datagrams.
  Outcome receive(std::span<char> room, Datagram& out);

  // False when it did not leave.
  bool send(std::string_view bytes);
  // To a client of a bound socket, from the address that it had sent to.
  bool send(std::string_view bytes, const SocketAddress& to, const std::optional<IpAddress>& from);

 private:
  DatagramSocket(int fd, const SocketAddress& address) : fd_(fd), address_(address) {}

  int fd_;
  SocketAddress address_;
  Loop* loop_ = nullptr;
  FdWatch* watch_ = nullptr;
  Ready ready_ = nullptr;
  void* owner_ = nullptr;
};

}  // namespace sallyport::net
