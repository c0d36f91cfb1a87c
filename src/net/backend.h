// What a loop needs of the kernel, completion style: start something, be told when it is done. Two
// implementations: io_uring (uring_backend.h) and epoll (epoll_backend.h). The loop's thread only.
#pragma once

#include <cstdint>
#include <string_view>

namespace sallyport::net {

class Listener;
class SocketAddress;
class Stream;

// A file descriptor that somebody else reads and writes: an eventfd, a resolver's socket.
struct FdWatch {
  using Ready = void (*)(void* owner, uint32_t poll_events);
  int fd = -1;
  uint32_t events = 0;  // POLLIN, POLLOUT
  Ready ready = nullptr;
  void* owner = nullptr;
  bool removed = false;
  bool armed = false;
};

// What one stream needs of whoever moves its bytes: a backend, or a connection that carries many
// streams (HTTP/2).
class StreamBackend {
 public:
  // Makes bytes come: now, then true and the stream has been told of them, of the end or of an
  // error; or later.
  virtual bool receive(Stream& stream) = 0;
  // Sends what the stream has queued; the stream is told of progress.
  virtual void send(Stream& stream) = 0;
  // Closes the descriptor and retires the stream once the kernel has let go of it.
  virtual void close(Stream& stream) = 0;

 protected:
  ~StreamBackend() = default;
};

class Backend : public StreamBackend {
 public:
  virtual ~Backend() = default;

  virtual std::string_view name() const = 0;
  // Flags for socket() and accept4() of sockets that this backend will serve.
  virtual int socket_flags() const = 0;

  // A new stream. False with errno when the kernel refuses to watch it.
  virtual bool add(Stream& stream) = 0;
  virtual void connect(Stream& stream, const SocketAddress& address) = 0;

  // The receive that is under way makes room for one as the stream wants it now.
  virtual void restart_receive(Stream& stream) = 0;

  // Calls stream.on_readable() or stream.on_writable() once, in a later round, when the socket has
  // bytes, an end or an error, or has room again: for whoever moves its bytes without the loop.
  virtual void poll_receive(Stream& stream) = 0;
  virtual void poll_send(Stream& stream) = 0;

  virtual void start_accepting(Listener& listener) = 0;
  virtual void stop_accepting(Listener& listener) = 0;

  // Calls `ready` again and again while the descriptor is ready, until unwatch().
  virtual FdWatch* watch(int fd, uint32_t events, FdWatch::Ready ready, void* owner) = 0;
  virtual void unwatch(FdWatch* watch) = 0;

  // Waits up to `timeout_ms` (-1: for ever), then dispatches what has happened.
  virtual void turn(int timeout_ms) = 0;
  // The end of a round: what it has started and is not on its way yet goes now.
  virtual void submit() = 0;
  // The same before the end of a round, and also what would be on its way with the next turn()
  // only.
  virtual void push() = 0;
};

}  // namespace sallyport::net
