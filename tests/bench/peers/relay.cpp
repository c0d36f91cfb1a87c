// The floor under every proxy: copies bytes between a client and one connection to the upstream,
// and looks at none of them.
//
//   relay epoll|io_uring LISTEN_PORT UPSTREAM_PORT
//
// One thread; loopback only; ends on SIGTERM. What a socket does not take at once stops the reading
// of its peer (epoll) or is sent before the next read (io_uring).
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <fcntl.h>
#include <liburing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

struct Side {
  int fd = -1;
  Side* peer = nullptr;
  size_t filled = 0;
  size_t sent = 0;
  bool closed = false;
  char buffer[16 << 10];  // what has been read here and goes to the peer
};

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void no_delay(int fd) {
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

int listen_on(int port, int flags) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
  int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address = loopback(port);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) die("bind");
  if (listen(fd, 4096) != 0) die("listen");
  return fd;
}

// The client's side; null when the upstream does not answer. Waits for the upstream: it is near.
Side* make_pair_for(int client, int upstream_port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(upstream_port);
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    close(fd);
    close(client);
    return nullptr;
  }
  no_delay(client);
  no_delay(fd);
  auto* here = new Side;
  auto* there = new Side;
  here->fd = client;
  there->fd = fd;
  here->peer = there;
  there->peer = here;
  return here;
}

// --- epoll ---------------------------------------------------------------------------------------

class EpollRelay {
 public:
  EpollRelay(int port, int upstream) : listener_(listen_on(port, SOCK_NONBLOCK)), port_(upstream) {
    watch(listener_, EPOLLIN, nullptr);
  }

  [[noreturn]] void run() {
    epoll_event events[512];
    for (;;) {
      const int count = epoll_wait(epoll_, events, 512, -1);
      for (int i = 0; i < count; ++i) {
        if (events[i].data.ptr == nullptr) {
          accept_all();
        } else {
          handle(*static_cast<Side*>(events[i].data.ptr));
        }
      }
      for (int i = 0; i < count; ++i) {  // both sides may stand in one batch
        auto* side = static_cast<Side*>(events[i].data.ptr);
        if (side != nullptr && side->closed) bury(i, count, events);
      }
    }
  }

 private:
  void watch(int fd, uint32_t what, void* data) const {
    epoll_event event{};
    event.events = what;
    event.data.ptr = data;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }

  void accept_all() const {
    for (;;) {
      const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (client < 0) return;
      Side* here = make_pair_for(client, port_);
      if (here == nullptr) continue;
      for (Side* side : {here, here->peer}) {
        fcntl(side->fd, F_SETFL, O_NONBLOCK);
        watch(side->fd, EPOLLIN | EPOLLOUT | EPOLLET, side);
      }
    }
  }

  static void close_both(Side& side) {
    if (side.closed) return;
    for (Side* each : {&side, side.peer}) {
      each->closed = true;
      close(each->fd);
    }
  }

  // Frees the pair and takes it out of the rest of the batch.
  static void bury(int at, int count, epoll_event* events) {
    auto* side = static_cast<Side*>(events[at].data.ptr);
    Side* peer = side->peer;
    for (int i = at; i < count; ++i) {
      if (events[i].data.ptr == side || events[i].data.ptr == peer) events[i].data.ptr = nullptr;
    }
    delete side;
    delete peer;
  }

  // False when it has to wait for the peer.
  static bool flush(Side& side) {
    while (side.sent < side.filled) {
      const ssize_t sent =
          send(side.peer->fd, side.buffer + side.sent, side.filled - side.sent, MSG_NOSIGNAL);
      if (sent < 0) {
        if (errno != EAGAIN) close_both(side);
        return false;
      }
      side.sent += static_cast<size_t>(sent);
    }
    side.sent = side.filled = 0;
    return true;
  }

  static void pump(Side& side) {
    while (!side.closed && flush(side)) {
      const ssize_t got = recv(side.fd, side.buffer, sizeof side.buffer, 0);
      if (got < 0 && errno == EAGAIN) return;
      if (got <= 0) return close_both(side);
      side.filled = static_cast<size_t>(got);
      // A short read has emptied the socket: the next edge tells of more.
      if (side.filled < sizeof side.buffer) {
        flush(side);
        return;
      }
    }
  }

  static void handle(Side& side) {
    if (side.closed) return;
    pump(side);
    if (!side.closed && side.peer->filled != 0) pump(*side.peer);
  }

  int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  int listener_;
  int port_;
};

// --- io_uring ------------------------------------------------------------------------------------

class UringRelay {
 public:
  UringRelay(int port, int upstream) : listener_(listen_on(port, 0)), port_(upstream) {
    const unsigned flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
    if (io_uring_queue_init(4096, &ring_, flags) != 0) die("io_uring_queue_init");
    io_uring_prep_multishot_accept(get(0), listener_, nullptr, nullptr, 0);
  }

  [[noreturn]] void run() {
    for (;;) {
      io_uring_submit_and_wait(&ring_, 1);
      io_uring_cqe* entry;
      unsigned head;
      unsigned seen = 0;
      io_uring_for_each_cqe(&ring_, head, entry) {
        ++seen;
        handle(entry->user_data, entry->res);
      }
      io_uring_cq_advance(&ring_, seen);
    }
  }

 private:
  io_uring_sqe* get(uint64_t tag) {
    io_uring_sqe* entry = io_uring_get_sqe(&ring_);
    if (entry == nullptr) {
      io_uring_submit(&ring_);
      entry = io_uring_get_sqe(&ring_);
    }
    io_uring_sqe_set_data64(entry, tag);
    return entry;
  }

  void read(Side& side) {
    io_uring_prep_recv(get(reinterpret_cast<uint64_t>(&side)), side.fd, side.buffer,
                       sizeof side.buffer, 0);
  }
  void write(Side& side) {
    io_uring_prep_send(get(reinterpret_cast<uint64_t>(&side) | 1), side.peer->fd,
                       side.buffer + side.sent, side.filled - side.sent, MSG_NOSIGNAL);
  }

  void handle(uint64_t tag, int result) {
    if (tag == 0) {
      if (result < 0) die("accept");
      Side* here = make_pair_for(result, port_);
      if (here == nullptr) return;
      read(*here);
      read(*here->peer);
      return;
    }
    auto& side = *reinterpret_cast<Side*>(tag & ~uint64_t{1});
    if (result <= 0 || side.closed) return end(side);
    if ((tag & 1) == 0) {
      side.filled = static_cast<size_t>(result);
      side.sent = 0;
      return write(side);
    }
    side.sent += static_cast<size_t>(result);
    if (side.sent < side.filled) return write(side);
    read(side);
  }

  // Each side has one operation under way; the later of the two frees both.
  static void end(Side& side) {
    if (!side.closed) shutdown(side.peer->fd, SHUT_RDWR);
    side.closed = true;
    if (!side.peer->closed) {
      shutdown(side.fd, SHUT_RDWR);
      return;
    }
    Side* peer = side.peer;
    close(side.fd);
    close(peer->fd);
    delete peer;
    delete &side;
  }

  io_uring ring_{};
  int listener_;
  int port_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc == 4 && std::string_view(argv[1]) == "epoll") {
    EpollRelay(std::atoi(argv[2]), std::atoi(argv[3])).run();
  }
  if (argc == 4 && std::string_view(argv[1]) == "io_uring") {
    UringRelay(std::atoi(argv[2]), std::atoi(argv[3])).run();
  }
  std::fprintf(stderr, "relay epoll|io_uring LISTEN_PORT UPSTREAM_PORT\n");
  return 2;
}
