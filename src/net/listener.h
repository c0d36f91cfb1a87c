// A listening socket. Opened where errors can be reported, then given to one worker's loop: with
// SO_REUSEPORT every worker has its own and the kernel spreads the connections.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/error.h"
#include "net/address.h"
#include "net/timer_wheel.h"

namespace sallyport::net {

class Loop;

class Listener {
 public:
  struct Config {
    int backlog = 511;
    bool ipv6only = true;
    bool reuse_port = true;  // several listeners on the same address
    bool take_over = false;  // a unix socket that somebody listens on is replaced as well
  };
  // Takes a connected descriptor; called on the loop's thread.
  using Accepted = void (*)(void* owner, Listener& listener, int fd);

  // Errors: "net.listen" (Side::config), naming the address and the remedy. A stale unix socket
  // that nobody listens on is replaced.
  static Result<std::unique_ptr<Listener>> open(const SocketAddress& address, const Config& config);
  // Another one on the same socket: for unix sockets, which SO_REUSEPORT does not spread. Not while
  // the other one may be stopped by another thread.
  Result<std::unique_ptr<Listener>> share() const;

  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener();

  const SocketAddress& address() const { return address_; }  // as bound, with the real port
  int fd() const { return fd_; }

  void start(Loop& loop, Accepted accepted, void* owner);
  // Takes in the connections that the kernel has established already, unless another one on the
  // same socket will, then closes the socket.
  void stop();

  // --- For the backends.
  void on_accepted(int fd) { accepted_(owner_, *this, fd); }
  // Out of descriptors or memory: stops for a moment instead of spinning on the same error.
  void on_accept_error(int error);
  bool armed = false;
  bool stopping = false;

 private:
  // A unix socket in the file system: the last listener on it takes it away.
  struct Path {
    std::string path;
    uint64_t inode = 0;  // another one: somebody has put a socket of its own there
    std::atomic<int> listeners{1};
  };

  Listener(int fd, SocketAddress address, std::shared_ptr<Path> path);
  void on_pause_over();

  int fd_;
  std::shared_ptr<Path> path_;  // null for TCP
  SocketAddress address_;
  Loop* loop_ = nullptr;
  Accepted accepted_ = nullptr;
  void* owner_ = nullptr;
  Timer pause_;
  uint64_t last_warning_ = 0;
};

}  // namespace sallyport::net
