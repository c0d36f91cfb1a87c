// A listening socket. Opened where errors can be reported, then given to one worker's loop: with
// SO_REUSEPORT every worker has its own and the kernel spreads the connections. Several listeners
// may share one socket; that is how it goes from one generation of workers to the next (ADR 64).
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
  using Closed = void (*)(void* owner);

  // bind() and listen(). Errors: "net.listen" (Side::config), naming the address and the remedy.
  static Result<std::unique_ptr<Listener>> open(const SocketAddress& address, const Config& config);
  // No connection comes before listen(). A stale unix socket that nobody listens on is replaced.
  static Result<std::unique_ptr<Listener>> bind(const SocketAddress& address, const Config& config);
  // On a socket that listens already it changes the backlog.
  Result<void> listen(int backlog);
  // Another one on the same socket. Not while this one may be stopped by another thread.
  Result<std::unique_ptr<Listener>> share() const;

  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener();

  const SocketAddress& address() const { return address_; }  // as bound, with the real port
  int fd() const { return fd_; }

  void start(Loop& loop, Accepted accepted, void* owner);
  // Stops accepting without losing a connection. The last listener on a socket first lets no
  // handshake begin, accepts those that have begun, and closes it then: `closed` is called, in here
  // or later.
  void retire(Closed closed, void* owner);
  // At once: what waits in the queue of a socket that nobody shares is reset.
  void stop();

  // --- For the backends.
  void on_accepted(int fd);
  // Out of descriptors or memory: stops for a moment instead of spinning on the same error.
  void on_accept_error(int error);
  // After stop_accepting(): nothing that was accepted is still to come.
  void on_disarmed();
  bool armed = false;
  bool stopping = false;

 private:
  // What listeners share. A unix socket in the file system goes with the last of them.
  struct Socket {
    std::string path;    // "" for TCP
    uint64_t inode = 0;  // another one at the path: somebody has put a socket of its own there
    std::atomic<int> listeners{1};
  };

  Listener(int fd, SocketAddress address, std::shared_ptr<Socket> socket);
  void on_pause_over();
  void finish_retiring();
  bool leave_socket();
  void take_queue();

  int fd_;
  std::string beside_;  // where a unix socket is bound until it listens, in place of another one
  std::shared_ptr<Socket> socket_;
  SocketAddress address_;
  Loop* loop_ = nullptr;
  Accepted accepted_ = nullptr;
  void* owner_ = nullptr;
  Closed closed_ = nullptr;
  void* closed_owner_ = nullptr;
  bool last_ = false;  // on its socket, since it retires
  Timer pause_;
  Timer farewell_;
  uint64_t last_warning_ = 0;
};

}  // namespace sallyport::net
