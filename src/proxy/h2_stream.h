// One stream of an HTTP/2 connection. To its session it is a connection that brings one HTTP/1.1
// request and takes one answer (net::Stream, moved by this in place of a socket); to the HTTP/2
// session it is fields and payload. The worker's thread; owned by its H2Connection.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "http/h2_session.h"
#include "net/backend.h"
#include "net/stream.h"

namespace sallyport::proxy {

class H2Connection;

class H2Stream final : public net::StreamBackend {
 public:
  H2Stream(H2Connection& connection, int32_t id, const http::H2Head& head);
  H2Stream(const H2Stream&) = delete;
  H2Stream& operator=(const H2Stream&) = delete;
  ~H2Stream() = default;

  // What the HTTP/2 session says, from inside its calls: noted, and told by settle().
  void take_body(std::string_view payload);
  void end_body();
  void on_answered();
  void on_closed(bool failed);
  http::H2Owner::Ready ready_body(size_t most);
  void write_body();

  // Tells the stream's session what has happened. Outside the HTTP/2 session's calls.
  void settle();
  // The connection is gone.
  void fail();
  // Nobody refers to it any more.
  bool over() const { return pipe_ == nullptr && closed_; }
  bool open() const { return pipe_ != nullptr; }

  // net::StreamBackend: what the stream's session asks for.
  bool receive(net::Stream& pipe) override;
  void send(net::Stream& pipe) override;
  void close(net::Stream& pipe) override;

 private:
  friend class H2Connection;
  enum class Phase : uint8_t { head, body, done };
  static constexpr size_t kMostPieces = 16;

  void start_session();
  void take_output();
  bool take_head();
  bool refuse_output();
  std::string_view unscanned() const;
  bool next_piece();

  H2Connection& connection_;
  int32_t id_;
  http::Method method_;
  net::StreamPtr starting_;  // until its session takes it
  net::Stream* pipe_;

  // The request's body.
  bool chunked_;          // framed for the session's reader
  bool complete_;         // no more of it comes
  bool arrived_ = false;  // the session does not know yet
  uint32_t unread_ = 0;   // payload that the session has not taken

  // The answer.
  Phase phase_ = Phase::head;
  http::BodyFraming framing_ = http::BodyFraming::none;
  bool deferred_ = false;  // the HTTP/2 session waits for more
  http::ChunkedReader chunks_;
  uint64_t left_ = 0;      // of a body with a length
  size_t scanned_ = 0;     // bytes of the pipe's output that have been looked at
  std::string_view rest_;  // payload at their end that did not fit into a frame
  std::array<std::string_view, kMostPieces> pieces_;
  size_t piece_count_ = 0;

  bool answered_ = false;  // the HTTP/2 session has written the last of it
  bool closed_ = false;    // by the HTTP/2 session
  bool failed_ = false;    // it was reset
  bool told_ = false;      // the session knows that

  H2Stream* next_ = nullptr;  // in the connection's list
  H2Stream** prev_ = nullptr;
  H2Stream* next_unsettled_ = nullptr;
  bool unsettled_ = false;
};

}  // namespace sallyport::proxy
