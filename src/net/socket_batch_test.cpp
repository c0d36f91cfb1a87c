#include "net/socket_batch.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sallyport::net {
namespace {

class SocketBatchTest : public testing::Test {
 protected:
  void SetUp() override {
    batch = SocketBatch::create();
    if (batch == nullptr) GTEST_SKIP() << "the kernel refuses io_setup";
    for (auto& ends : pairs) {
      ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
    }
  }
  void TearDown() override {
    for (auto& ends : pairs) {
      for (int fd : ends) ::close(fd);
    }
  }
  std::unique_ptr<SocketBatch> batch;
  std::array<std::array<int, 2>, SocketBatch::kMost> pairs{};
};

TEST_F(SocketBatchTest, WritesAndReadsThemAllAgainAndAgain) {
  std::vector<std::array<char, 64>> buffers(pairs.size());
  for (int round = 0; round < 3; ++round) {
    for (size_t i = 0; i < pairs.size(); ++i)
      batch->add_write(pairs[i][0], "0123456789", i % 10 + 1);
    batch->run();
    for (size_t i = 0; i < pairs.size(); ++i) {
      ASSERT_EQ(batch->result(i), static_cast<int64_t>(i % 10 + 1));
      batch->add_read(pairs[i][1], buffers[i].data(), buffers[i].size());
    }
    batch->run();
    for (size_t i = 0; i < pairs.size(); ++i) {
      ASSERT_EQ(batch->result(i), static_cast<int64_t>(i % 10 + 1));
      ASSERT_EQ(std::string(buffers[i].data(), i % 10 + 1),
                std::string("0123456789").substr(0, i % 10 + 1));
    }
  }
}

TEST_F(SocketBatchTest, OneThatFailsDoesNotConcernTheOthers) {
  sigset_t broken_pipe;
  ::sigemptyset(&broken_pipe);
  ::sigaddset(&broken_pipe, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
  std::array<char, 16> buffer{};
  ::close(pairs[3][1]);
  pairs[3][1] = ::open("/dev/null", O_RDONLY);
  ASSERT_EQ(::write(pairs[4][0], "x", 1), 1);
  batch->add_read(-1, buffer.data(), buffer.size());
  batch->add_read(pairs[2][1], buffer.data(), buffer.size());
  batch->add_write(pairs[3][0], "lost", 4);
  batch->add_read(pairs[3][0], buffer.data(), buffer.size());
  batch->add_read(-1, buffer.data(), buffer.size());
  batch->add_read(pairs[4][1], buffer.data(), buffer.size());
  batch->run();
  EXPECT_EQ(batch->result(0), -EBADF);
  EXPECT_EQ(batch->result(1), -EAGAIN);
  EXPECT_EQ(batch->result(2), -EPIPE);
  EXPECT_EQ(batch->result(3), 0);  // its end
  EXPECT_EQ(batch->result(4), -EBADF);
  EXPECT_EQ(batch->result(5), 1);
}

TEST_F(SocketBatchTest, AFullSocketTakesAPart) {
  const std::string much(4 << 20, 'x');
  batch->add_write(pairs[0][0], much.data(), much.size());
  batch->add_write(pairs[0][0], much.data(), much.size());
  batch->run();
  EXPECT_GT(batch->result(0), 0);
  EXPECT_LT(batch->result(0), static_cast<int64_t>(much.size()));
  EXPECT_EQ(batch->result(1), -EAGAIN);
}

}  // namespace
}  // namespace sallyport::net
