#include "net/splice.h"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "net/loop.h"

namespace sallyport::net {
namespace {

constexpr unsigned kFlags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;
constexpr size_t kMostAtOnce = 1 << 20;
// Moves in a row before the other streams have their turn.
constexpr int kTurn = 8;

ssize_t move(int from, int to, size_t bytes) {
  ssize_t moved = 0;
  do {
    moved = ::splice(from, nullptr, to, nullptr, bytes, kFlags);
  } while (moved < 0 && errno == EINTR);
  return moved;
}

// What is in the pipe goes to the socket.
Task<IoStatus> empty(Pipe& pipe, Stream& to, Spliced& done) {
  while (pipe.bytes > 0) {
    const ssize_t sent = move(pipe.read, to.fd(), pipe.bytes);
    if (sent > 0) {
      pipe.bytes -= static_cast<size_t>(sent);
      done.bytes += static_cast<uint64_t>(sent);
      continue;
    }
    if (sent < 0 && errno != EAGAIN) {
      to.on_send_error(errno);
      co_return IoStatus::failed;
    }
    const IoStatus status = co_await to.writable();
    if (status != IoStatus::ok) co_return status;
  }
  co_return IoStatus::ok;
}

size_t waiting_in(const Stream& from) {
  int bytes = 0;
  return ::ioctl(from.fd(), FIONREAD, &bytes) == 0 ? static_cast<size_t>(bytes) : 0;
}

struct Loan {
  explicit Loan(Stream& stream) : stream(stream) { stream.lend(true); }
  Loan(const Loan&) = delete;
  Loan& operator=(const Loan&) = delete;
  ~Loan() { stream.lend(false); }
  Stream& stream;
};

}  // namespace

PipePtr pipe_between(Stream& from, Stream& to) {
  const bool plain = from.fd() >= 0 && to.fd() >= 0 && from.tls() == nullptr && to.tls() == nullptr;
  const bool received = from.receive_ready() || from.kernel.receive_armed || from.kernel.read_ahead;
  if (!plain || received || to.error() != 0) return nullptr;
  Loop& loop = from.loop();
  return loop.pipes().take(loop.descriptors(), loop.now());
}

Task<Spliced> splice(Stream& from, Stream& to, PipePtr pipe, uint64_t bytes, Behind behind,
                     uint32_t timeout_ms) {
  Spliced done;
  const Loan loan(from);
  to.flush();
  done.send = co_await to.drained(0);
  if (done.send != IoStatus::ok) co_return done;
  from.make_nonblocking();
  to.make_nonblocking();
  int left = kTurn;
  while (done.bytes < bytes) {
    const size_t wanted = std::min<uint64_t>(bytes - done.bytes, kMostAtOnce);
    const bool last = behind == Behind::nothing && wanted == bytes - done.bytes;
    const size_t waiting = last ? waiting_in(from) : 0;
    if (waiting > wanted) {
      done.more = true;
      break;
    }
    const ssize_t got = move(from.fd(), pipe->write, wanted);
    if (got == 0) {
      from.on_end();
      done.receive = IoStatus::eof;
      break;
    }
    if (got < 0 && errno != EAGAIN) {
      from.on_receive_error(errno);
      done.receive = IoStatus::failed;
      break;
    }
    if (got > 0) {
      pipe->bytes = static_cast<size_t>(got);
      done.send = co_await empty(*pipe, to, done);
      if (done.send != IoStatus::ok) break;
      // The end of the stream may have come with them, and is no edge of its own.
      if (waiting == wanted && done.bytes == bytes) from.kernel.readable = from.kernel.hung_up;
      if (--left > 0 || done.bytes == bytes) continue;
    } else {
      from.kernel.readable = false;
    }
    left = kTurn;
    done.receive = co_await from.readable(timeout_ms);
    if (done.receive != IoStatus::ok) break;
  }
  co_return done;
}

}  // namespace sallyport::net
