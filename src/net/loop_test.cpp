#include "net/loop.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/listener.h"
#include "net/loop_for_test.h"

namespace sallyport::net {
namespace {

INSTANTIATE_TEST_SUITE_P(Backends, OnBothBackends,
                         testing::Values(BackendChoice::io_uring, BackendChoice::epoll),
                         [](const auto& info) { return std::string(name(info.param)); });

TEST_P(OnBothBackends, ReceivesUntilTheEnd) {
  int peer = -1;
  StreamPtr stream = pair(peer);
  Log log;
  read_all(*stream, 0, log);
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(::write(peer, "hello ", 6), 6);
    loop->turn(1);
  }
  EXPECT_TRUE(run_until([&] { return log.text.size() == 600; }));
  ::close(peer);
  EXPECT_TRUE(run_until([&] { return log.done; }));
  EXPECT_EQ(log.status, IoStatus::eof);
}

TEST_P(OnBothBackends, AReceiveTimesOutAndTheStreamLivesOn) {
  int peer = -1;
  StreamPtr stream = pair(peer);
  Log first;
  read_all(*stream, 20, first);
  EXPECT_TRUE(run_until([&] { return first.done; }));
  EXPECT_EQ(first.status, IoStatus::timed_out);
  Log second;
  read_all(*stream, 1'000, second);
  ASSERT_EQ(::write(peer, "late", 4), 4);
  EXPECT_TRUE(run_until([&] { return second.text == "late"; }));
  stream->cancel_receive();
  EXPECT_EQ(second.status, IoStatus::cancelled);
  ::close(peer);
}

TEST_P(OnBothBackends, BytesThatNobodyAsksForAreBounded) {
  int peer = -1;
  StreamPtr stream = pair(peer);
  Log log;
  read_all(*stream, 0, log);
  loop->turn(0);
  stream->cancel_receive();
  std::thread writer([peer] {
    const std::string chunk(64 * 1024, 'x');
    for (size_t left = 4 << 20; left > 0;) {
      const ssize_t n = ::write(peer, chunk.data(), std::min(left, chunk.size()));
      if (n <= 0) return;
      left -= static_cast<size_t>(n);
    }
  });
  for (int i = 0; i < 50; ++i) loop->turn(1);
  EXPECT_LE(stream->received_bytes(), 2 * kReceiveWindow);
  Log rest;
  read_all(*stream, 0, rest);
  EXPECT_TRUE(run_until([&] { return rest.text.size() + log.text.size() == 4 << 20; }));
  stream->cancel_receive();
  writer.join();
  ::close(peer);
}

void send_blocks(Stream& stream, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    BlockPtr block = stream.loop().blocks().take();
    block->append(std::string(kBlockSize, 'x'));
    stream.queue(std::move(block));
    stream.flush();
  }
}

// Nothing else happens on the loop, and nobody waits for the output: it goes on all the same when
// the socket has been full.
TEST_P(OnBothBackends, OutputThatNobodyAwaitsIsSent) {
  int peer = -1;
  StreamPtr stream = pair(peer);
  constexpr size_t kBlocks = 256;
  send_blocks(*stream, kBlocks);
  size_t arrived = 0;
  std::thread reader([&] {
    std::string room(64 * 1024, ' ');
    while (arrived < kBlocks * kBlockSize) {
      const ssize_t count = ::read(peer, room.data(), room.size());
      if (count <= 0) return;
      arrived += static_cast<size_t>(count);
    }
  });
  const auto begin = std::chrono::steady_clock::now();
  while (stream->unsent() > 0) loop->turn(1'000);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(3));
  reader.join();
  EXPECT_EQ(arrived, kBlocks * kBlockSize);
  ::close(peer);
}

// A message of several blocks, of which the socket takes one or all, and its answer: none waits for
// company.
TEST_P(OnBothBackends, MessagesThatNobodyAwaitsAreSentWithoutDelay) {
  for (const int room : {0, 16 * 1024}) {
    int peer = -1;
    StreamPtr stream = pair(peer);
    if (room > 0) ::setsockopt(stream->fd(), SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
    constexpr size_t kMessages = 200;
    constexpr size_t kBlocks = 3;
    std::thread reader([&] {
      std::string bytes(kBlocks * kBlockSize, ' ');
      for (size_t i = 0; i < kMessages; ++i) {
        if (::recv(peer, bytes.data(), bytes.size(), MSG_WAITALL) <= 0) return;
        if (::write(peer, "x", 1) != 1) return;
      }
    });
    Log answers;
    read_all(*stream, 0, answers);
    const auto begin = std::chrono::steady_clock::now();
    for (size_t i = 0; i < kMessages; ++i) {
      send_blocks(*stream, kBlocks);
      while (answers.text.size() <= i && !answers.done) loop->turn(1'000);
    }
    reader.join();
    stream->cancel_receive();
    // With 5 ms for each it would be a second.
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(500)) << room;
    ::close(peer);
  }
}

// What is queued in one round goes by one send, and goes even if the stream is given up in it.
TEST_P(OnBothBackends, WhatIsFlushedBeforeTheEndArrives) {
  int peer = -1;
  StreamPtr stream = pair(peer);
  send_blocks(*stream, 2);
  stream.reset();
  std::string bytes(size_t{2} * kBlockSize, ' ');
  for (int i = 0; i < 3; ++i) loop->turn(1);
  EXPECT_EQ(::recv(peer, bytes.data(), bytes.size(), MSG_WAITALL), ssize_t{2} * kBlockSize);
  EXPECT_EQ(::recv(peer, bytes.data(), bytes.size(), 0), 0);
  ::close(peer);
}

Detached send_then_wait(Stream& stream, Timer& timer) {
  BlockPtr block = stream.loop().blocks().take();
  block->append("x");
  stream.queue(std::move(block));
  stream.flush();
  co_await stream.drained(0);
  stream.loop().timers().schedule(timer, stream.loop().now());
}

TEST_P(OnBothBackends, ATimerOfWhoHasWaitedForASendIsNotLate) {
  int peer = -1;
  StreamPtr stream = pair(peer);
  Timer stop([](void* self) { static_cast<Loop*>(self)->stop(); }, loop.get());
  Timer late([](void* self) { static_cast<Loop*>(self)->stop(); }, loop.get());
  const uint64_t began = loop->now();
  loop->timers().schedule(late, began + 5'000);
  send_then_wait(*stream, stop);
  loop->run();
  EXPECT_LT(loop->now(), began + 2'000);
  loop->timers().cancel(late);
  ::close(peer);
}

TEST_P(OnBothBackends, SendsInOrderAgainstASlowReader) {
  int peer = -1;
  StreamPtr stream = pair(peer);
  Log log;
  constexpr size_t kBlocks = 200;
  send_all(*stream, kBlocks, log);
  std::string got;
  std::string buffer(3'000, '\0');
  while (got.size() < kBlocks * kBlockSize) {
    const ssize_t n = ::recv(peer, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n > 0) got.append(buffer.data(), static_cast<size_t>(n));
    EXPECT_LE(stream->unsent(), 3 * kBlockSize);
    loop->turn(0);
  }
  EXPECT_TRUE(run_until([&] { return log.done; }));
  EXPECT_EQ(log.status, IoStatus::ok);
  for (size_t i = 0; i < kBlocks; ++i) {
    ASSERT_EQ(got[i * kBlockSize], static_cast<char>('a' + i % 26));
    ASSERT_EQ(got[(i + 1) * kBlockSize - 1], static_cast<char>('a' + i % 26));
  }
  ::close(peer);
}

TEST_P(OnBothBackends, ASendThatMakesNoProgressTimesOut) {
  int peer = -1;
  StreamPtr stream = pair(peer);
  stream->set_send_timeout(30);
  Log log;
  send_all(*stream, 1'000, log);
  EXPECT_TRUE(run_until([&] { return log.done; }));
  EXPECT_EQ(log.status, IoStatus::timed_out);
  ::close(peer);
}

TEST_P(OnBothBackends, SendingToAClosedPeerFails) {
  int peer = -1;
  StreamPtr stream = pair(peer);
  ::close(peer);
  Log log;
  send_all(*stream, 1'000, log);
  EXPECT_TRUE(run_until([&] { return log.done; }));
  EXPECT_EQ(log.status, IoStatus::failed);
  EXPECT_EQ(stream->error(), EPIPE);
}

TEST_P(OnBothBackends, ClosingInTheMiddleLeavesNothingBehind) {
  for (int i = 0; i < 50; ++i) {
    int peer = -1;
    StreamPtr stream = pair(peer);
    Log received;
    Log sent;
    read_all(*stream, 1'000, received);
    send_all(*stream, 1'000, sent);
    if (i % 2) loop->turn(0);
    stream->cancel_receive();
    stream->cancel_drain();
    stream.reset();
    ::close(peer);
  }
  EXPECT_FALSE(loop->has_streams());
}

TEST_P(OnBothBackends, FailingAllStreamsWakesEverybody) {
  int peers[3];
  StreamPtr streams[3];
  Log logs[3];
  for (int i = 0; i < 3; ++i) {
    streams[i] = pair(peers[i]);
    read_all(*streams[i], 0, logs[i]);
  }
  loop->turn(0);
  loop->fail_streams(ECANCELED);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(logs[i].done);
    EXPECT_EQ(logs[i].status, IoStatus::failed);
    ::close(peers[i]);
  }
}

TEST_P(OnBothBackends, AnIdleStreamNoticesBytesAndTheEnd) {
  int peer = -1;
  StreamPtr stream = pair(peer);
  int noticed = 0;
  auto notice = [](void* owner) { ++*static_cast<int*>(owner); };
  stream->watch_any(notice, &noticed);
  loop->turn(0);
  EXPECT_EQ(noticed, 0);
  ASSERT_EQ(::write(peer, "x", 1), 1);
  EXPECT_TRUE(run_until([&] { return noticed == 1; }));
  EXPECT_EQ(stream->try_receive()->view(), "x");
  stream->watch_any(notice, &noticed);
  ::close(peer);
  EXPECT_TRUE(run_until([&] { return noticed == 2; }));
}

struct Server {
  std::vector<StreamPtr> accepted;
  static void on_accept(void* owner, Listener& listener, int fd) {
    auto* self = static_cast<Server*>(owner);
    self->accepted.push_back(self->loop->adopt(fd));
    (void)listener;
  }
  Loop* loop = nullptr;
};

Detached connect_to(Loop& loop, const SocketAddress& address, uint32_t timeout_ms, Connected& out,
                    bool& done) {
  out = co_await loop.connect(address, timeout_ms);
  done = true;
}

TEST_P(OnBothBackends, AcceptsAndConnects) {
  for (const char* where : {"127.0.0.1", "::1"}) {
    auto address = SocketAddress::parse(where, 0);
    ASSERT_TRUE(address);
    auto listener = Listener::open(*address, {});
    if (!listener) continue;  // no IPv6 here
    Server server{.accepted = {}, .loop = loop.get()};
    (*listener)->start(*loop, &Server::on_accept, &server);
    Connected out[20];
    bool done[20] = {};
    for (int i = 0; i < 20; ++i) {
      connect_to(*loop, (*listener)->address(), 1'000, out[i], done[i]);
    }
    EXPECT_TRUE(run_until([&] { return server.accepted.size() == 20; }));
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(done[i] && out[i].stream) << out[i].error;
    (*listener)->stop();
    loop->turn(0);
  }
}

TEST_P(OnBothBackends, ARefusedConnectSaysSo) {
  auto listener = Listener::open(*SocketAddress::parse("127.0.0.1", 0), {});
  ASSERT_TRUE(listener);
  const SocketAddress address = (*listener)->address();
  listener->reset();
  Connected out;
  bool done = false;
  connect_to(*loop, address, 1'000, out, done);
  EXPECT_TRUE(run_until([&] { return done; }));
  EXPECT_EQ(out.error, ECONNREFUSED);
}

TEST_P(OnBothBackends, AConnectTimesOut) {
  // A listener that never accepts and whose queue is full drops SYNs.
  auto listener = Listener::open(*SocketAddress::parse("127.0.0.1", 0), {.backlog = 0});
  ASSERT_TRUE(listener);
  Connected out[8];
  bool done[8] = {};
  for (int i = 0; i < 8; ++i) connect_to(*loop, (*listener)->address(), 100, out[i], done[i]);
  EXPECT_TRUE(run_until([&] { return std::ranges::all_of(done, [](bool d) { return d; }); }));
  EXPECT_EQ(out[7].error, ETIMEDOUT);
}

TEST_P(OnBothBackends, OutOfDescriptorsItWaitsInsteadOfSpinning) {
  auto listener = Listener::open(*SocketAddress::parse("127.0.0.1", 0), {});
  ASSERT_TRUE(listener);
  Server server{.accepted = {}, .loop = loop.get()};
  const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  rlimit old{};
  ::getrlimit(RLIMIT_NOFILE, &old);
  const rlimit low{.rlim_cur = 1, .rlim_max = old.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  (*listener)->start(*loop, &Server::on_accept, &server);
  loop->turn(0);
  const SocketAddress address = (*listener)->address();
  ASSERT_EQ(::connect(client, address.data(), address.size()), 0);
  int rounds = 0;
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(250);
  for (; std::chrono::steady_clock::now() < end; ++rounds) loop->turn(50);
  EXPECT_LT(rounds, 30);
  EXPECT_TRUE(server.accepted.empty());
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &old), 0);
  EXPECT_TRUE(run_until([&] { return server.accepted.size() == 1; }));
  ::close(client);
  (*listener)->stop();
  loop->turn(0);
}

TEST_P(OnBothBackends, MessagesFromOtherThreadsArriveInOrder) {
  std::vector<int> got;
  std::thread poster([&] {
    for (int i = 0; i < 1'000; ++i) {
      loop->mailbox()->post([&got, i] { got.push_back(i); });
    }
    loop->mailbox()->post([this] { loop->stop(); });
  });
  loop->run();
  poster.join();
  ASSERT_EQ(got.size(), 1'000U);
  EXPECT_TRUE(std::ranges::is_sorted(got));
  auto mailbox = loop->mailbox();
  loop.reset();
  EXPECT_FALSE(mailbox->post([] {}));
}

TEST_P(OnBothBackends, ManyStreamsAtOnceNeedMoreBuffersThanTheRingHas) {
  constexpr int kStreams = 600;
  std::vector<StreamPtr> streams;
  std::vector<int> peers(kStreams);
  std::vector<Log> logs(kStreams);
  for (int i = 0; i < kStreams; ++i) {
    streams.push_back(pair(peers[i]));
    read_all(*streams[i], 0, logs[i]);
  }
  loop->turn(0);
  for (int peer : peers) ASSERT_EQ(::write(peer, "ping", 4), 4);
  EXPECT_TRUE(run_until([&] {
    return std::ranges::all_of(logs, [](const Log& log) { return log.text == "ping"; });
  }));
  for (int i = 0; i < kStreams; ++i) {
    streams[i]->cancel_receive();
    ::close(peers[i]);
  }
}

TEST(Loop, DemandedBackendIsUsed) {
  auto loop = Loop::create(BackendChoice::epoll);
  ASSERT_TRUE(loop);
  EXPECT_EQ((*loop)->backend().name(), "epoll");
  std::string why;
  auto any = Loop::create(BackendChoice::automatic, &why);
  ASSERT_TRUE(any);
  EXPECT_EQ(why.empty(), (*any)->backend().name() == "io_uring");
}

}  // namespace
}  // namespace sallyport::net
