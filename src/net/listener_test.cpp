#include "net/listener.h"

#include <cerrno>
#include <memory>
#include <vector>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/loop_for_test.h"

namespace sallyport::net {
namespace {

// Blocking clients of this thread: the kernel ends their handshakes whatever the loop does.
class Clients {
 public:
  explicit Clients(const SocketAddress& address) : address_(address) {}
  ~Clients() {
    for (int fd : fds_) ::close(fd);
  }
  // 0 or errno.
  int connect() {
    const int fd = ::socket(address_.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
    fds_.push_back(fd);
    return ::connect(fd, address_.data(), address_.size()) == 0 ? 0 : errno;
  }
  size_t broken() const {
    size_t count = 0;
    for (int fd : fds_) {
      pollfd state{.fd = fd, .events = POLLIN | POLLRDHUP, .revents = 0};
      ::poll(&state, 1, 0);
      if (state.revents != 0) ++count;
    }
    return count;
  }

 private:
  const SocketAddress address_;
  std::vector<int> fds_;
};

// Whoever accepts, and whether the listener has closed.
struct Server {
  std::vector<StreamPtr> accepted;
  Loop* loop = nullptr;
  int closed = 0;

  static void on_accepted(void* owner, Listener&, int fd) {
    auto* self = static_cast<Server*>(owner);
    self->accepted.push_back(self->loop->adopt(fd));
  }
  static void on_closed(void* owner) { ++static_cast<Server*>(owner)->closed; }
};

class ListenerOnBothBackends : public OnBothBackends {
 protected:
  void SetUp() override {
    OnBothBackends::SetUp();
    if (loop == nullptr) return;  // skipped
    server.loop = loop.get();
    auto opened = Listener::open(*SocketAddress::parse("127.0.0.1", 0), {});
    ASSERT_TRUE(opened) << opened.error().text();
    listener = std::move(*opened);
  }
  void TearDown() override {
    if (loop == nullptr) return;
    if (listener != nullptr) listener->stop();
    server.accepted.clear();
    loop.reset();
  }
  void start(Listener& which) {
    which.start(*loop, &Server::on_accepted, &server);
    loop->turn(0);
  }
  std::unique_ptr<Listener> listener;  // outlives the loop
  Server server;
};

INSTANTIATE_TEST_SUITE_P(Backends, ListenerOnBothBackends,
                         testing::Values(BackendChoice::io_uring, BackendChoice::epoll),
                         [](const auto& info) { return std::string(name(info.param)); });

TEST_P(ListenerOnBothBackends, WhoIsInTheQueueIsAccepted) {
  Clients clients(listener->address());
  start(*listener);
  for (int i = 0; i < 20; ++i) ASSERT_EQ(clients.connect(), 0);
  listener->retire(&Server::on_closed, &server);
  EXPECT_TRUE(run_until([&] { return server.closed == 1; }));
  EXPECT_EQ(server.accepted.size(), 20U);
  EXPECT_EQ(clients.broken(), 0U);
  EXPECT_EQ(clients.connect(), ECONNREFUSED);
}

TEST_P(ListenerOnBothBackends, WhoComesWhileItRetiresIsAcceptedByTheOther) {
  Clients clients(listener->address());
  auto other = listener->share();
  ASSERT_TRUE(other);
  start(*listener);
  for (int i = 0; i < 10; ++i) ASSERT_EQ(clients.connect(), 0);
  listener->retire(&Server::on_closed, &server);
  // Before the kernel has heard of it, and after.
  for (int i = 0; i < 10; ++i) ASSERT_EQ(clients.connect(), 0);
  EXPECT_TRUE(run_until([&] { return server.closed == 1; }, 100));
  for (int i = 0; i < 10; ++i) ASSERT_EQ(clients.connect(), 0);
  start(**other);
  EXPECT_TRUE(run_until([&] { return server.accepted.size() == 30; }));
  EXPECT_EQ(clients.broken(), 0U);
  (*other)->stop();
  loop->turn(0);
}

TEST_P(ListenerOnBothBackends, AHandshakeThatWouldBeginGetsNoAnswer) {
  Clients clients(listener->address());
  start(*listener);
  listener->retire(&Server::on_closed, &server);
  const int late = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const SocketAddress address = listener->address();
  ASSERT_NE(::connect(late, address.data(), address.size()), 0);
  EXPECT_EQ(errno, EINPROGRESS);
  EXPECT_TRUE(run_until([&] { return server.closed == 1; }));
  EXPECT_TRUE(server.accepted.empty());
  // It asks again after a second, and hears then that nobody listens.
  pollfd state{.fd = late, .events = POLLOUT, .revents = 0};
  EXPECT_EQ(::poll(&state, 1, 10'000), 1);
  int error = 0;
  socklen_t size = sizeof(error);
  ::getsockopt(late, SOL_SOCKET, SO_ERROR, &error, &size);
  EXPECT_EQ(error, ECONNREFUSED);
  ::close(late);
}

TEST_P(ListenerOnBothBackends, OneThatIsStoppedWhileItRetiresCloses) {
  start(*listener);
  listener->retire(&Server::on_closed, &server);
  listener->stop();
  Clients clients(listener->address());
  loop->turn(0);
  EXPECT_EQ(clients.connect(), ECONNREFUSED);
  EXPECT_EQ(server.closed, 0);
}

TEST(Listener, NobodyConnectsBeforeItListens) {
  auto bound = Listener::bind(*SocketAddress::parse("127.0.0.1", 0), {});
  ASSERT_TRUE(bound);
  Clients clients((*bound)->address());
  EXPECT_EQ(clients.connect(), ECONNREFUSED);
  ASSERT_TRUE((*bound)->listen(10));
  EXPECT_EQ(clients.connect(), 0);
}

}  // namespace
}  // namespace sallyport::net
