// Reads HTTP/1.0 and 1.1 messages from bytes: strict, zero-copy, no socket, no allocation (RFC
// 9112). Anything whose framing two implementations could read differently is refused. One per
// connection direction; the thread that owns the connection.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "http/limits.h"
#include "http/message.h"

namespace sallyport::http {

enum class ParseStatus : uint8_t { complete, need_more, error };

// Why a head was refused; the status that a server answers with.
struct ParseFault {
  int status = 400;         // 400, 414, 431 (Kong: 494), 501, 505
  std::string_view reason;  // a literal: "two Content-Length values"
};

// The fault of a connection that starts to speak HTTP/2 without being asked.
inline constexpr std::string_view kHttp2Preface = "the HTTP/2 preface";

// Hard room. Limits::max_headers is smaller for what others send, so that what plugins and the
// gateway add has its place.
inline constexpr size_t kMaxHeaders = 160;
inline constexpr size_t kOwnFields = 16;  // the most that the gateway adds to a head

struct RequestHead {
  Method method = Method::other;
  std::string_view method_text;
  std::string_view target;  // as received
  uint8_t minor_version = 1;
  bool http2 = false;  // came as HTTP/2 and was made into HTTP/1.1; the caller's to set
  uint16_t header_count = 0;
  std::array<uint8_t, kHeaderIds> first{};  // by HeaderId: 1 + index in headers, 0 for none
  std::string_view host;  // the Host value, or the authority of an absolute-form target; valid
  BodyFraming framing = BodyFraming::none;
  uint64_t content_length = 0;
  bool keep_alive = true;
  bool expect_continue = false;
  bool upgrade = false;         // "Connection: upgrade" together with an Upgrade header
  uint32_t size = 0;            // bytes of the head, blank line included
  Header headers[kMaxHeaders];  // last, so that all else is near to each other

  std::span<const Header> fields() const { return {headers, header_count}; }
  // The first such field, or null. `id` is not HeaderId::other.
  const Header* find(HeaderId id) const {
    uint8_t index = first[static_cast<size_t>(id)];
    return index == 0 ? nullptr : &headers[index - 1];
  }
};

struct ResponseHead {
  uint16_t status = 0;
  uint8_t minor_version = 1;
  std::string_view reason;
  uint16_t header_count = 0;
  std::array<uint8_t, kHeaderIds> first{};
  BodyFraming framing = BodyFraming::none;
  uint64_t content_length = 0;
  bool keep_alive = true;
  uint32_t size = 0;
  Header headers[kMaxHeaders];

  std::span<const Header> fields() const { return {headers, header_count}; }
  // The first such field, or null. `id` is not HeaderId::other.
  const Header* find(HeaderId id) const {
    uint8_t index = first[static_cast<size_t>(id)];
    return index == 0 ? nullptr : &headers[index - 1];
  }
};

// Both look at `bytes` from the first byte of the message on; with need_more call again with the
// same bytes and further ones behind them, which may have moved. `scanned` starts at 0 and is kept
// by the caller between calls (its value is ours: flags and a position), so that a head that drips
// in costs linear time. A head gets the same verdict however it was cut. `head` is filled only with
// complete; reuse one, it is large. Faults of a response have status 502.
ParseStatus read_request(std::string_view bytes, const Limits& limits, uint32_t& scanned,
                         RequestHead& head, ParseFault& fault);

// `request_method` decides whether there can be a body (HEAD, CONNECT).
ParseStatus read_response(std::string_view bytes, const Limits& limits, Method request_method,
                          uint32_t& scanned, ResponseHead& head, ParseFault& fault);

// Takes a chunked body apart, across any cut of the input.
class ChunkedReader {
 public:
  struct Step {
    ParseStatus status = ParseStatus::need_more;  // complete: the last chunk and trailers are read
    size_t consumed = 0;                          // bytes of `bytes` that are done with
    std::string_view data;                        // payload among them; may be empty
  };
  // At most one piece of payload per call; call again while need_more and consumed < bytes.size().
  // Extensions are checked and dropped (RFC 9112 section 7.1), trailer fields checked and kept.
  Step next(std::string_view bytes, const Limits& limits, ParseFault& fault);
  // With `complete`: the trailer fields, whole lines, ends included; "" for none.
  std::string_view trailers() const { return trailers_; }

 private:
  enum class State : uint8_t {
    size,
    extension,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer,
    trailer_lf,
    done
  };
  // Each takes one byte and returns the reason for refusing it, or "".
  std::string_view take(char c, const Limits& limits);
  std::string_view take_size(char c);
  std::string_view take_trailer(char c, const Limits& limits);

  State state_ = State::size;
  uint64_t left_ = 0;
  uint32_t line_ = 0;  // bytes of the current size line or of all trailers
  uint8_t digits_ = 0;
  bool line_start_ = true;
  bool colon_ = false;
  std::string trailers_;
};

// Looks ahead at the beginning of a chunked body. Nothing when `bytes` cannot be one; else how many
// of them lie behind its end, 0 as well when the end is still to come.
std::optional<size_t> bytes_behind_chunks(std::string_view bytes, const Limits& limits,
                                          ParseFault& fault);

}  // namespace sallyport::http
