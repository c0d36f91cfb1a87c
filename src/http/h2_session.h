// One HTTP/2 connection (RFC 9113), either side of it: bytes in, bytes out, no socket. nghttp2 does
// frames, HPACK and flow control; every stream becomes one HTTP/1.1 message each way, so that
// nothing behind this file knows two protocols. The thread that owns the connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "http/h1_reader.h"
#include "http/h2_peer_streams.h"
#include "http/h2_request.h"
#include "http/h2_response.h"

struct nghttp2_session;

namespace sallyport::http {

// nginx's words in parentheses.
struct H2Limits {
  uint32_t max_streams = 128;                    // (http2_max_concurrent_streams)
  uint32_t stream_window = 64 * 1024;            // body ahead of its reader
                                                 // (http2_body_preread_size)
  uint32_t connection_window = 2 * 1024 * 1024;  // the same for all streams together
  uint32_t max_head = 32768;                     // (large_client_header_buffers)
  uint32_t max_field_line = 8192;                // of a request (one of these buffers)
};

// A head as HTTP/1.1 text, not judged yet, so that the one strict reader does that.
struct H2Head {
  std::string_view text;
  Method method = Method::other;  // of a request
  bool complete = false;          // no body follows
  bool chunked = false;           // a request's body of unknown length follows
  // Of a response, whose text lacks its framing and the blank line: that needs the request.
  int status = 0;
  std::string_view length = {};  // the value of Content-Length; "" for none
};

// The protocol's numbers; a peer may send others.
enum class H2Error : uint32_t { none = 0, protocol = 1, internal = 2, refused = 7, cancel = 8 };

// Whom the session tells. Calls come from inside receive() and send(); none may call these two.
class H2Owner {
 public:
  // To a server: a request. Returns what further calls name the stream by, or null to refuse it.
  virtual void* on_request(int32_t id, const H2Head& head) = 0;
  // To a client: a response's head; interim ones (1xx) come first.
  virtual void on_response(void* stream, const H2Head& head) = 0;
  // To a client: the peer will not see the request.
  virtual void on_unsent(int32_t id) = 0;
  // Payload of the peer's message, then its end. `trailers`: whole lines, ends included.
  virtual void on_body(void* stream, std::string_view payload) = 0;
  virtual void on_body_end(void* stream, std::string_view trailers) = 0;
  // The last of our message has been written.
  virtual void on_sent(void* stream) = 0;
  // The stream is no more. Another reason than `none` when it was reset; `refused` when the peer
  // has done nothing for it.
  virtual void on_closed(void* stream, H2Error why) = 0;

  // Payload of our message that is ready, up to `most` bytes. The next call is write_body() for the
  // same stream, which puts them into the output.
  struct Ready {
    size_t size = 0;
    bool last = false;               // nothing follows but
    std::string_view trailers = {};  // whole lines, with `last`
  };
  virtual Ready ready_body(void* stream, size_t most) = 0;
  virtual void write_body(void* stream) = 0;
  // Bytes for the peer.
  virtual void write(std::string_view bytes) = 0;
  // Whether more is to be written now.
  virtual bool may_write() const = 0;

 protected:
  ~H2Owner() = default;
};

class H2Session {
 public:
  enum class Role : uint8_t { server, client };

  // Null when memory is short. `owner` outlives it.
  static std::unique_ptr<H2Session> create(const H2Limits& limits, H2Owner& owner,
                                           Role role = Role::server);
  H2Session(const H2Session&) = delete;
  H2Session& operator=(const H2Session&) = delete;
  ~H2Session();

  // What the peer sent, from its first byte on. `now`: milliseconds of a steady clock. False when
  // the connection cannot go on: what send() still has to say goes out, then it is closed.
  bool receive(std::string_view bytes, uint64_t now);
  // Writes what is to be said while the owner takes it. False when the connection cannot go on.
  bool send();
  bool has_output() const;
  // Both sides have said goodbye and no stream is open.
  bool finished() const;

  // --- A server.
  // A response's head. `last`: no body follows. Interim ones (1xx) come first. False when the
  // stream cannot take it.
  bool respond(int32_t id, const ResponseHead& head, bool last);

  // --- A client.
  // A request's head. `last`: no body follows. Returns the stream's number; -1 when the connection
  // takes no more.
  int32_t request(const RequestHead& head, std::string_view scheme, bool last, void* stream);
  // Whether the peer has said goodbye, or the numbers of streams are used up.
  bool takes_requests() const;
  // How many streams the peer lets be open at once.
  uint32_t most_streams() const;

  // --- Both.
  // There is more body than ready_body() had to give.
  void resume(int32_t id);
  // The reader has taken `bytes` of the peer's message: the peer may send as many again.
  void consume(int32_t id, size_t bytes);
  // The same for a stream that is no more.
  void consume_rest(size_t bytes);
  void reset(int32_t id, H2Error why);

  // GOAWAY in two steps (RFC 9113 section 6.8): streams on their way are still taken after the
  // first, none after the second.
  void announce_end();
  void end();

 private:
  struct Callbacks;
  H2Session(const H2Limits& limits, H2Owner& owner, Role role)
      : limits_(limits), owner_(owner), role_(role) {}
  bool start();
  void write_settings(std::string_view frame);
  bool add_field(std::string_view name, std::string_view value, uint64_t& list_size);
  int take_request(int32_t id, bool complete);
  void take_response(int32_t id, void* stream, bool complete);
  bool pay(uint64_t price);
  bool pay_reset();
  void earn(uint64_t amount);
  void refill(uint64_t now);
  void give_up();
  void break_off(uint32_t error);

  H2Limits limits_;
  H2Owner& owner_;
  Role role_;
  nghttp2_session* session_ = nullptr;
  // Of which one is coming in; heads do not interleave.
  H2Request request_;
  H2Response response_;
  bool in_request_ = false;
  bool begun_ = false;    // the first frame has been written
  bool goodbye_ = false;  // the peer's
  bool over_ = false;

  uint32_t streams_ = 0;  // that the owner knows
  H2PeerStreams peer_streams_;

  // What frames cost that bring nothing along: see pay().
  uint64_t credit_;
  uint64_t resets_left_;  // in thousandths
  uint64_t refilled_ = 0;
};

}  // namespace sallyport::http
