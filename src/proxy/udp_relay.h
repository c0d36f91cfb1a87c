// The UDP side of a stream listener: every client's datagrams go to one upstream for as long as
// either side sends some within the service's read_timeout. The number of clients is bounded; what
// comes from others then is dropped. One per listener and worker; the worker's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/task.h"
#include "net/datagram_socket.h"
#include "net/timer_wheel.h"

namespace sallyport::proxy {

class Worker;

class UdpRelay {
 public:
  // `socket` stays the caller's and outlives the relay.
  UdpRelay(Worker& worker, net::DatagramSocket& socket);
  UdpRelay(const UdpRelay&) = delete;
  UdpRelay& operator=(const UdpRelay&) = delete;
  ~UdpRelay();

 private:
  class Session;
  using SessionPtr = std::shared_ptr<Session>;

  void on_datagrams();
  void take(const net::Datagram& datagram);
  SessionPtr begin(const std::string& key, const net::Datagram& datagram);
  static Detached open(SessionPtr session);
  void end(Session& session, int status);
  void complain(std::string_view what, const net::SocketAddress& who);

  Worker& worker_;
  net::DatagramSocket& socket_;
  std::unordered_map<std::string, SessionPtr> sessions_;  // by both addresses
  std::vector<char> room_;
  uint64_t complained_ = 0;  // when last, on the loop's clock
};

}  // namespace sallyport::proxy
