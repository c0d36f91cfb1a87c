#include <algorithm>

#include "http/character.h"
#include "http/h1_reader.h"

namespace sallyport::http {
namespace {

constexpr uint8_t kMaxDigits = 15;  // 15 hexadecimal digits fit into 60 bits: no overflow

}  // namespace

// One byte at a time outside of data: sizes, extensions and trailers are short. Blanks around the
// size, signs, "0x" and bare line ends are refused; RFC 9112 section 7.1 allows none of them.
ChunkedReader::Step ChunkedReader::next(std::string_view bytes, const Limits& limits,
                                        ParseFault& fault) {
  Step step;
  while (step.consumed < bytes.size() && state_ != State::done) {
    if (state_ == State::data) {
      size_t size = std::min<uint64_t>(left_, bytes.size() - step.consumed);
      step.data = bytes.substr(step.consumed, size);
      step.consumed += size;
      left_ -= size;
      if (left_ == 0) state_ = State::data_cr;
      return step;
    }
    if (std::string_view reason = take(bytes[step.consumed], limits); !reason.empty()) {
      fault = {.status = 400, .reason = reason};
      step.status = ParseStatus::error;
      return step;
    }
    ++step.consumed;
  }
  if (state_ == State::done) step.status = ParseStatus::complete;
  return step;
}

std::string_view ChunkedReader::take(char c, const Limits& limits) {
  switch (state_) {
    case State::size:
      return take_size(c);
    case State::extension:
      if (++line_ > limits.max_chunk_line) return "a chunk line is too long";
      if (c == '\r') {
        state_ = State::size_lf;
        return {};
      }
      return is(c, kControl) ? "a control character in a chunk extension" : std::string_view{};
    case State::size_lf:
      if (c != '\n') return "CR without LF behind a chunk size";
      state_ = left_ == 0 ? State::trailer : State::data;
      digits_ = 0;
      line_ = 0;
      line_start_ = true;
      return {};
    case State::data_cr:
      state_ = State::data_lf;
      return c == '\r' ? std::string_view{} : "no CR LF behind the data of a chunk";
    case State::data_lf:
      state_ = State::size;
      return c == '\n' ? std::string_view{} : "no CR LF behind the data of a chunk";
    case State::trailer:
      return take_trailer(c, limits);
    case State::trailer_lf:
      if (c != '\n') return "CR without LF in the trailers";
      if (!line_start_) trailers_ += "\r\n";
      state_ = line_start_ ? State::done : State::trailer;
      line_start_ = true;
      return {};
    case State::data:
    case State::done:
      return {};
  }
  return {};
}

std::string_view ChunkedReader::take_size(char c) {
  if (int value = hex_value(c); value >= 0) {
    if (++digits_ > kMaxDigits) return "a chunk size is too large";
    left_ = left_ * 16 + static_cast<uint64_t>(value);
    return {};
  }
  if (digits_ == 0) return "a chunk without size";
  line_ = digits_;
  if (c == '\r') {
    state_ = State::size_lf;
  } else if (c == ';') {
    state_ = State::extension;
  } else {
    return "an invalid chunk size";
  }
  return {};
}

std::string_view ChunkedReader::take_trailer(char c, const Limits& limits) {
  if (++line_ > limits.max_trailers) return "the trailers are too large";
  if (c == '\r') {
    if (!line_start_ && !colon_) return "a trailer line without colon";
    state_ = State::trailer_lf;
    return {};
  }
  trailers_ += c;
  if (line_start_) {
    if (!is(c, kToken)) return "an invalid trailer name";
    line_start_ = false;
    colon_ = false;
    return {};
  }
  if (is(c, kControl)) return "a control character in the trailers";
  if (!colon_) {
    if (c == ':') {
      colon_ = true;
    } else if (!is(c, kToken)) {
      return "an invalid trailer name";
    }
  }
  return {};
}

std::optional<size_t> bytes_behind_chunks(std::string_view bytes, const Limits& limits,
                                          ParseFault& fault) {
  ChunkedReader chunks;
  while (!bytes.empty()) {
    const ChunkedReader::Step step = chunks.next(bytes, limits, fault);
    if (step.status == ParseStatus::error) return std::nullopt;
    bytes.remove_prefix(step.consumed);
    if (step.status == ParseStatus::complete) return bytes.size();
  }
  return 0;
}

}  // namespace sallyport::http
