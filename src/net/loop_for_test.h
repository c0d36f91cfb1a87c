// For tests of the loop: a loop with each backend, and coroutines that read and write streams.
#pragma once

#include <algorithm>
#include <memory>
#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "net/loop.h"

namespace sallyport::net {

class OnBothBackends : public testing::TestWithParam<BackendChoice> {
 protected:
  void SetUp() override {
    auto made = Loop::create(GetParam());
    if (!made && GetParam() == BackendChoice::io_uring) GTEST_SKIP() << made.error().text();
    ASSERT_TRUE(made) << made.error().text();
    loop = std::move(*made);
  }
  // A stream of the loop and the other end as a plain descriptor.
  StreamPtr pair(int& peer) {
    int fds[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | loop->backend().socket_flags(), 0, fds), 0);
    peer = fds[1];
    ::fcntl(peer, F_SETFL, 0);
    return loop->adopt(fds[0]);
  }
  template <typename Done>
  bool run_until(Done done, int rounds = 2'000) {
    for (int i = 0; i < rounds && !done(); ++i) loop->turn(1);
    return done();
  }
  std::unique_ptr<Loop> loop;
};

struct Log {
  std::string text;
  IoStatus status = IoStatus::ok;
  bool done = false;
};

inline Detached read_all(Stream& stream, uint32_t timeout_ms, Log& log) {
  for (;;) {
    Received received = co_await stream.receive(timeout_ms);
    if (received.status != IoStatus::ok) {
      log.status = received.status;
      log.done = true;
      co_return;
    }
    log.text += received.block->view();
  }
}

inline Detached send_all(Stream& stream, size_t blocks, Log& log) {
  for (size_t i = 0; i < blocks; ++i) {
    BlockPtr block = stream.loop().blocks().take();
    block->append(std::string(kBlockSize, static_cast<char>('a' + i % 26)));
    stream.queue(std::move(block));
    stream.flush();
    log.status = co_await stream.drained(size_t{2} * kBlockSize);
    if (log.status != IoStatus::ok) break;
  }
  if (log.status == IoStatus::ok) log.status = co_await stream.drained(0);
  log.done = true;
}

}  // namespace sallyport::net
