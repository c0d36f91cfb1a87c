// One stream of an HTTP/2 connection, whichever side of it we are. To what is behind it, it is a
// connection that carries one HTTP/1.1 message each way (net::Stream, moved by this in place of a
// socket); to the HTTP/2 session it is fields and payload. The worker's thread; owned by its
// H2Transport.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/frame_pool.h"
#include "http/h2_session.h"
#include "net/backend.h"
#include "net/stream.h"

namespace sallyport::proxy {

class H2Transport;

class H2Pipe : public net::StreamBackend, public Pooled {
 public:
  H2Pipe(const H2Pipe&) = delete;
  H2Pipe& operator=(const H2Pipe&) = delete;
  virtual ~H2Pipe() = default;

  // What the HTTP/2 session says, from inside its calls: noted, and told by settle().
  void take_body(std::string_view payload);
  void end_body(std::string_view trailers);
  void on_sent();
  void on_closed(http::H2Error why);
  http::H2Owner::Ready ready_body(size_t most);
  void write_body();

  // Tells whoever holds the pipe what has happened. Outside the HTTP/2 session's calls.
  void settle();
  // The connection is gone.
  virtual void fail();
  // Nobody refers to it any more.
  bool over() const { return pipe_ == nullptr && closed_; }
  bool open() const { return pipe_ != nullptr; }
  int32_t id() const { return id_; }

  // net::StreamBackend: what the pipe's holder asks for.
  bool receive(net::Stream& pipe) override;
  void send(net::Stream& pipe) override;
  void close(net::Stream& pipe) override;

 protected:
  enum class Phase : uint8_t { head, body, done };

  H2Pipe(H2Transport& transport, int32_t id) : transport_(transport), id_(id) {}
  // The holder's end; once.
  net::StreamPtr make_pipe();

  // Reads a head at the front of `bytes` and gives it to the HTTP/2 session; how much it took, 0
  // for none. An interim one leaves the phase as it is, see begin_body().
  virtual size_t take_head(std::string_view bytes) = 0;
  virtual void start() {}
  // The holder has closed the pipe before the stream was over.
  virtual void on_dropped() = 0;
  // errno for a stream that ended with `why`; 0: its messages are whole.
  virtual int error_of(http::H2Error why) const = 0;
  virtual int error_of_broken_connection() const;

  void begin_body(http::BodyFraming framing, uint64_t length);
  size_t refuse_output(std::string_view what);
  net::Stream* pipe() const { return pipe_; }

  H2Transport& transport_;
  int32_t id_;

  // The peer's message.
  bool chunked_ = false;   // framed for the holder's reader
  bool complete_ = false;  // no more of it comes
  bool arrived_ = false;   // the holder does not know yet

  // Ours.
  Phase phase_ = Phase::head;

  bool closed_ = false;  // by the HTTP/2 session

 private:
  friend class H2Transport;
  void take_output();
  std::string_view unscanned() const;
  bool next_piece();

  net::Stream* pipe_ = nullptr;
  uint32_t unread_ = 0;  // payload that the holder has not taken

  http::BodyFraming framing_ = http::BodyFraming::none;
  bool deferred_ = false;  // the HTTP/2 session waits for more
  http::ChunkedReader chunks_;
  uint64_t left_ = 0;      // of a body with a length
  size_t scanned_ = 0;     // bytes of the pipe's output that have been looked at
  std::string_view rest_;  // payload at their end that did not fit into a frame

  bool sent_ =
      false;  // the HTTP/2 session has written the last of ours, and needs no more of theirs
  bool told_ = false;  // the holder knows that it is closed
  http::H2Error why_ = http::H2Error::none;

  H2Pipe* next_ = nullptr;  // in the connection's list
  H2Pipe** prev_ = nullptr;
  H2Pipe* next_unsettled_ = nullptr;
  bool unsettled_ = false;
};

}  // namespace sallyport::proxy
