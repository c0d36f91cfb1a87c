// What the loop does with streams that are ready all at once, see net/socket_batch.h.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/loop_for_test.h"

namespace sallyport::net {
namespace {

using ACrowd = OnBothBackends;

INSTANTIATE_TEST_SUITE_P(Backends, ACrowd,
                         testing::Values(BackendChoice::io_uring, BackendChoice::epoll),
                         [](const auto& info) { return std::string(name(info.param)); });

// Enough for batches, and for more than one.
constexpr int kCrowd = 40;

Detached echo(Stream& stream) {
  for (;;) {
    Received received = co_await stream.receive(0);
    if (received.status != IoStatus::ok) co_return;
    stream.queue(std::move(received.block));
    stream.flush();
  }
}

TEST_P(ACrowd, IsAnsweredRoundAfterRound) {
  std::vector<StreamPtr> streams;
  std::vector<int> peers(kCrowd);
  for (int& peer : peers) {
    streams.push_back(pair(peer));
    echo(*streams.back());
  }
  for (int round = 0; round < 20; ++round) {
    // Some in some rounds, so that the batches differ.
    std::vector<int> asked;
    for (int i = 0; i < kCrowd; i += 1 + round % 12) asked.push_back(i);
    auto text = [&](int i) {
      return std::string(1 + (i * 37 + round * 501) % 3'000, char('a' + i));
    };
    for (int i : asked) ASSERT_GT(::write(peers[i], text(i).data(), text(i).size()), 0);
    for (int i = 0; i < 5; ++i) loop->turn(1);
    for (int i : asked) {
      std::string got(4'096, 0);
      const ssize_t n = ::recv(peers[i], got.data(), got.size(), MSG_DONTWAIT);
      ASSERT_EQ(got.substr(0, static_cast<size_t>(std::max<ssize_t>(n, 0))), text(i)) << i;
    }
  }
  for (StreamPtr& stream : streams) stream->cancel_receive();
  for (int peer : peers) ::close(peer);
}

// The first one that is woken does something to all the others, whose bytes may have been read.
Detached when_first(std::vector<StreamPtr>& streams, size_t own, bool& first,
                    void (*act)(StreamPtr&)) {
  const Received received = co_await streams[own]->receive(0);
  if (received.status != IoStatus::ok || !std::exchange(first, false)) co_return;
  for (size_t i = 0; i < streams.size(); ++i) {
    if (i != own) act(streams[i]);
  }
}

TEST_P(ACrowd, HasOneThatClosesTheOthers) {
  std::vector<StreamPtr> streams;
  std::vector<int> peers(kCrowd);
  bool first = true;
  for (int& peer : peers) streams.push_back(pair(peer));
  for (size_t i = 0; i < streams.size(); ++i) {
    when_first(streams, i, first, [](StreamPtr& stream) {
      stream->cancel_receive();
      stream.reset();
    });
  }
  loop->turn(0);
  for (int peer : peers) ASSERT_EQ(::write(peer, "bye", 3), 3);
  EXPECT_TRUE(run_until(
      [&] { return std::ranges::count_if(streams, [](auto& s) { return !s; }) == kCrowd - 1; }));
  for (int i = 0; i < 5; ++i) loop->turn(1);
  for (int i = 0; i < kCrowd; ++i) {
    char byte = 0;
    if (streams[i] == nullptr) EXPECT_LE(::recv(peers[i], &byte, 1, 0), 0);
    ::close(peers[i]);
  }
}

TEST_P(ACrowd, HasOneThatKeepsTheOthersFromReceiving) {
  std::vector<StreamPtr> streams;
  std::vector<int> peers(kCrowd);
  bool first = true;
  for (int& peer : peers) streams.push_back(pair(peer));
  for (size_t i = 0; i < streams.size(); ++i) {
    when_first(streams, i, first, [](StreamPtr& stream) { stream->cancel_receive(); });
  }
  loop->turn(0);
  for (int peer : peers) ASSERT_EQ(::write(peer, "kept", 4), 4);
  EXPECT_TRUE(run_until([&] { return !first; }));
  std::vector<Log> logs(kCrowd);
  for (int i = 0; i < kCrowd; ++i) {
    ASSERT_EQ(::write(peers[i], "+", 1), 1);
    read_all(*streams[i], 0, logs[i]);
  }
  EXPECT_TRUE(run_until([&] {
    const auto all = [](const Log& log) { return log.text == "kept+"; };
    return std::ranges::count_if(logs, all) == kCrowd - 1;
  })) << "one has had its own bytes already";
  for (int i = 0; i < kCrowd; ++i) {
    streams[i]->cancel_receive();
    ::close(peers[i]);
  }
}

TEST_P(ACrowd, GetsBytesAndTheEndAfterThem) {
  std::vector<StreamPtr> streams;
  std::vector<int> peers(kCrowd);
  std::vector<Log> logs(kCrowd);
  for (int i = 0; i < kCrowd; ++i) {
    streams.push_back(pair(peers[i]));
    read_all(*streams[i], 0, logs[i]);
  }
  loop->turn(0);
  const std::string text(kBlockSize + 100, 'x');  // more than one read takes
  for (int peer : peers) {
    ASSERT_EQ(::write(peer, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  loop->turn(1);
  for (int peer : peers) ::close(peer);
  EXPECT_TRUE(run_until([&] { return std::ranges::all_of(logs, &Log::done); }));
  for (const Log& log : logs) {
    EXPECT_EQ(log.text, text);
    EXPECT_EQ(log.status, IoStatus::eof);
  }
}

TEST_P(ACrowd, OfSlowReadersGetsEverything) {
  constexpr size_t kBlocks = 60;
  std::vector<StreamPtr> streams;
  std::vector<int> peers(kCrowd);
  std::vector<Log> logs(kCrowd);
  std::vector<size_t> got(kCrowd, 0);
  for (int i = 0; i < kCrowd; ++i) {
    streams.push_back(pair(peers[i]));
    send_all(*streams[i], kBlocks, logs[i]);
  }
  EXPECT_TRUE(run_until(
      [&] {
        std::string buffer(48'000, 0);
        for (int i = 0; i < kCrowd; ++i) {
          const ssize_t n = ::recv(peers[i], buffer.data(), buffer.size(), MSG_DONTWAIT);
          for (ssize_t at = 0; at < n; ++at) {
            if (buffer[at] != static_cast<char>('a' + got[i]++ / kBlockSize % 26)) return true;
          }
        }
        return std::ranges::all_of(got, [](size_t n) { return n == kBlocks * kBlockSize; });
      },
      20'000));
  for (int i = 0; i < kCrowd; ++i) {
    EXPECT_EQ(got[i], kBlocks * kBlockSize);
    EXPECT_TRUE(run_until([&] { return logs[i].done; }));
    EXPECT_EQ(logs[i].status, IoStatus::ok);
    ::close(peers[i]);
  }
}

TEST_P(ACrowd, SendingToClosedPeersFails) {
  std::vector<StreamPtr> streams;
  std::vector<int> peers(kCrowd);
  std::vector<Log> logs(kCrowd);
  for (int i = 0; i < kCrowd; ++i) {
    streams.push_back(pair(peers[i]));
    ::close(peers[i]);
    send_all(*streams[i], 8, logs[i]);
  }
  EXPECT_TRUE(run_until([&] { return std::ranges::all_of(logs, &Log::done); }));
  for (const Log& log : logs) EXPECT_EQ(log.status, IoStatus::failed);
}

}  // namespace
}  // namespace sallyport::net
