#include "net/splice.h"

#include <string>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/loop_for_test.h"

namespace sallyport::net {
namespace {

constexpr size_t kLarge = 8 << 20;

std::string numbered(size_t size) {
  std::string text;
  for (size_t i = 0; text.size() < size; ++i) text += std::to_string(i) + ' ';
  text.resize(size);
  return text;
}

class SpliceOnBothBackends : public OnBothBackends {
 protected:
  // One end on the loop, the other a plain descriptor.
  struct Ends {
    StreamPtr stream;
    int peer = -1;
  };

  void SetUp() override {
    OnBothBackends::SetUp();
    if (loop == nullptr) return;  // skipped
    from = connected();
    to = connected();
  }
  void TearDown() override {
    for (int peer : {from.peer, to.peer}) {
      if (peer >= 0) ::close(peer);
    }
  }

  Ends connected() {
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* where = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(listener, where, size), 0);
    EXPECT_EQ(::listen(listener, 1), 0);
    EXPECT_EQ(::getsockname(listener, where, &size), 0);
    Ends ends;
    ends.peer = ::socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_EQ(::connect(ends.peer, where, size), 0);
    ends.stream =
        loop->adopt(::accept4(listener, nullptr, nullptr, loop->backend().socket_flags()));
    ::close(listener);
    return ends;
  }
  template <typename Done>
  bool run_until(Done done) {
    for (int i = 0; i < 5'000 && !done(); ++i) loop->turn(1);
    return done();
  }
  std::string read_from(int peer, size_t size) {
    std::string text(size, 0);
    size_t got = 0;
    while (got < size) {
      const ssize_t n = ::read(peer, text.data() + got, size - got);
      if (n <= 0) break;
      got += static_cast<size_t>(n);
    }
    text.resize(got);
    return text;
  }
  static void write_to(int peer, std::string_view text) {
    while (!text.empty()) {
      const ssize_t n = ::send(peer, text.data(), text.size(), MSG_NOSIGNAL);
      if (n <= 0) return;
      text.remove_prefix(static_cast<size_t>(n));
    }
  }

  Ends from;
  Ends to;
};

INSTANTIATE_TEST_SUITE_P(Backends, SpliceOnBothBackends,
                         testing::Values(BackendChoice::io_uring, BackendChoice::epoll),
                         [](const auto& info) { return std::string(name(info.param)); });

struct Outcome {
  Spliced moved;
  bool had_pipe = false;
  bool done = false;
};

Detached move(Stream& from, Stream& to, uint64_t bytes, uint32_t timeout_ms, Outcome& outcome,
              Behind behind = Behind::anything) {
  PipePtr pipe = pipe_between(from, to);
  outcome.had_pipe = pipe != nullptr;
  if (pipe != nullptr) {
    outcome.moved = co_await splice(from, to, std::move(pipe), bytes, behind, timeout_ms);
  }
  outcome.done = true;
}

Detached take(Stream& stream, std::string& text) {
  const Received received = co_await stream.receive(0);
  if (received.status == IoStatus::ok) text = received.block->view();
}

TEST_P(SpliceOnBothBackends, MovesAllAndLeavesWhatIsBehind) {
  const std::string body = numbered(kLarge);
  std::thread writer([&] { write_to(from.peer, body + "behind"); });
  std::string arrived;
  std::thread reader([&] { arrived = read_from(to.peer, kLarge); });
  Outcome outcome;
  move(*from.stream, *to.stream, kLarge, 5'000, outcome);
  EXPECT_TRUE(run_until([&] { return outcome.done; }));
  reader.join();
  writer.join();
  EXPECT_EQ(outcome.moved.bytes, kLarge);
  EXPECT_TRUE(arrived == body);
  std::string behind;
  take(*from.stream, behind);
  EXPECT_TRUE(run_until([&] { return !behind.empty(); }));
  EXPECT_EQ(behind, "behind");
}

TEST_P(SpliceOnBothBackends, WaitsForASlowReader) {
  const std::string body = numbered(kLarge);
  std::thread writer([&] { write_to(from.peer, body); });
  Outcome outcome;
  move(*from.stream, *to.stream, kLarge, 5'000, outcome);
  for (int i = 0; i < 100; ++i) loop->turn(1);
  EXPECT_FALSE(outcome.done);  // more than sockets and pipe hold
  std::string arrived;
  std::thread reader([&] { arrived = read_from(to.peer, kLarge); });
  EXPECT_TRUE(run_until([&] { return outcome.done; }));
  reader.join();
  writer.join();
  EXPECT_TRUE(arrived == body);
}

TEST_P(SpliceOnBothBackends, TellsOfAnEarlyEnd) {
  Outcome outcome;
  move(*from.stream, *to.stream, 100'000, 5'000, outcome);
  loop->turn(1);
  write_to(from.peer, numbered(50'000));
  loop->turn(10);
  ::shutdown(from.peer, SHUT_WR);
  EXPECT_TRUE(run_until([&] { return outcome.done; }));
  EXPECT_EQ(outcome.moved.receive, IoStatus::eof);
  EXPECT_EQ(outcome.moved.send, IoStatus::ok);
  EXPECT_EQ(outcome.moved.bytes, 50'000U);
  EXPECT_EQ(read_from(to.peer, 50'000), numbered(50'000));
}

TEST_P(SpliceOnBothBackends, ASilentSenderTimesOut) {
  Outcome outcome;
  move(*from.stream, *to.stream, 100'000, 30, outcome);
  EXPECT_TRUE(run_until([&] { return outcome.done; }));
  EXPECT_EQ(outcome.moved.receive, IoStatus::timed_out);
  EXPECT_EQ(outcome.moved.bytes, 0U);
  // The poll that was under way tells nobody any more; the stream lives on.
  std::string text;
  take(*from.stream, text);
  write_to(from.peer, "late");
  EXPECT_TRUE(run_until([&] { return text == "late"; }));
}

TEST_P(SpliceOnBothBackends, AReaderThatTakesNothingTimesOut) {
  to.stream->set_send_timeout(50);
  std::thread writer([&] { write_to(from.peer, numbered(2 * kLarge)); });
  Outcome outcome;
  move(*from.stream, *to.stream, 2 * kLarge, 5'000, outcome);
  EXPECT_TRUE(run_until([&] { return outcome.done; }));
  EXPECT_EQ(outcome.moved.send, IoStatus::timed_out);
  EXPECT_EQ(to.stream->error(), ETIMEDOUT);
  from.stream.reset();
  for (int i = 0; i < 5; ++i) loop->turn(1);
  writer.join();
}

TEST_P(SpliceOnBothBackends, AReaderThatIsGoneIsAFailure) {
  std::thread writer([&] { write_to(from.peer, numbered(2 * kLarge)); });
  Outcome outcome;
  move(*from.stream, *to.stream, 2 * kLarge, 5'000, outcome);
  for (int i = 0; i < 20; ++i) loop->turn(1);
  ::close(std::exchange(to.peer, -1));
  EXPECT_TRUE(run_until([&] { return outcome.done; }));
  EXPECT_EQ(outcome.moved.send, IoStatus::failed);
  from.stream.reset();
  for (int i = 0; i < 5; ++i) loop->turn(1);
  writer.join();
}

TEST_P(SpliceOnBothBackends, CancellingEndsIt) {
  Outcome outcome;
  move(*from.stream, *to.stream, 100'000, 0, outcome);
  loop->turn(1);
  from.stream->cancel_receive();
  EXPECT_TRUE(outcome.done);
  EXPECT_EQ(outcome.moved.receive, IoStatus::cancelled);
}

TEST_P(SpliceOnBothBackends, AWatchTakesNothingMeanwhile) {
  Outcome outcome;
  move(*from.stream, *to.stream, 60'000, 0, outcome);
  bool noticed = false;
  from.stream->watch_any([](void* seen) { *static_cast<bool*>(seen) = true; }, &noticed);
  loop->turn(1);
  write_to(from.peer, numbered(60'000));
  EXPECT_TRUE(run_until([&] { return outcome.done; }));
  EXPECT_EQ(outcome.moved.bytes, 60'000U);
  EXPECT_EQ(read_from(to.peer, 60'000), numbered(60'000));
  write_to(from.peer, "more");
  EXPECT_TRUE(run_until([&] { return noticed; }));
}

TEST_P(SpliceOnBothBackends, KeepsTheEndBackWhenNothingMayFollow) {
  write_to(from.peer, numbered(60'000) + "more");
  loop->turn(10);
  Outcome outcome;
  move(*from.stream, *to.stream, 60'000, 0, outcome, Behind::nothing);
  EXPECT_TRUE(run_until([&] { return outcome.done; }));
  EXPECT_TRUE(outcome.moved.more);
  EXPECT_LT(outcome.moved.bytes, 60'000U);
}

TEST_P(SpliceOnBothBackends, NotPastBytesThatAreHere) {
  std::string text;
  take(*from.stream, text);
  write_to(from.peer, "head");
  EXPECT_TRUE(run_until([&] { return text == "head"; }));
  from.stream->unread([&] {
    BlockPtr block = loop->blocks().take();
    block->append("body");
    return block;
  }());
  EXPECT_EQ(pipe_between(*from.stream, *to.stream), nullptr);
}

TEST_P(SpliceOnBothBackends, ASmallReceiveLeavesTheRest) {
  std::string text;
  take(*from.stream, text);  // io_uring: takes more, and goes on to
  write_to(from.peer, "first");
  EXPECT_TRUE(run_until([&] { return text == "first"; }));
  from.stream->receive_small(true);
  for (int i = 0; i < 3; ++i) loop->turn(1);
  const std::string body = numbered(100'000);
  text.clear();
  take(*from.stream, text);
  loop->turn(1);
  write_to(from.peer, body);
  EXPECT_TRUE(run_until([&] { return !text.empty(); }));
  EXPECT_EQ(text, body.substr(0, kSmallReceive));
  Outcome outcome;
  move(*from.stream, *to.stream, body.size() - kSmallReceive, 5'000, outcome);
  EXPECT_TRUE(outcome.had_pipe);
  EXPECT_TRUE(run_until([&] { return outcome.done; }));
  EXPECT_EQ(read_from(to.peer, body.size() - kSmallReceive), body.substr(kSmallReceive));
}

TEST_P(SpliceOnBothBackends, PipesComeBackEmptyOrNotAtAll) {
  PipePtr first = loop->pipes().take(loop->descriptors(), loop->now());
  const int end = first->read;
  first.reset();
  PipePtr again = loop->pipes().take(loop->descriptors(), loop->now());
  EXPECT_EQ(again->read, end);
  again->bytes = 1;
  again.reset();
  EXPECT_EQ(::fcntl(end, F_GETFD), -1);
}

}  // namespace
}  // namespace sallyport::net
