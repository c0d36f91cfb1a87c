// Moving a message body from one connection to the other, block by block, never more than fits into
// the blocks at hand: length and until-close bodies as the blocks they came in, chunked ones taken
// apart and framed anew, so that nothing of one hop's framing reaches the next.
#pragma once

#include <cstdint>
#include <string_view>

#include "http/h1_reader.h"
#include "net/block.h"
#include "net/stream.h"

namespace sallyport::proxy {

// Takes a body out of received blocks.
class BodyReader {
 public:
  BodyReader() = default;
  BodyReader(http::BodyFraming framing, uint64_t content_length);

  bool complete() const { return complete_; }
  http::BodyFraming framing() const { return framing_; }
  // Bytes to come of a body of known length; 0 for others.
  uint64_t left() const { return framing_ == http::BodyFraming::length ? left_ : 0; }
  uint64_t received() const { return received_; }  // payload bytes so far
  // Of a complete body: whole lines, ends included; "" for none.
  std::string_view trailers() const { return chunks_.trailers(); }

  // Whole blocks are payload: length and until-close bodies.
  bool plain() const { return framing_ != http::BodyFraming::chunked; }

  // The next piece of payload at the front of `block`, which is taken off it; empty when the block
  // is used up or the body complete. What is behind the body stays in the block. False on a broken
  // chunk.
  bool next(net::Block& block, const http::Limits& limits, std::string_view& piece);

  // plain(): how many of `available` bytes belong to the body; they count as received.
  uint64_t take(uint64_t available);

  // The connection ended. True when that is how this body ends.
  bool end_of_input();

 private:
  http::BodyFraming framing_ = http::BodyFraming::none;
  bool complete_ = true;
  uint64_t left_ = 0;
  uint64_t received_ = 0;
  http::ChunkedReader chunks_;
};

// Writes a body into a stream's output, without flushing. Small pieces are gathered.
class BodyWriter {
 public:
  // `head`: a block that goes first, behind whose bytes there may be room; null for none.
  BodyWriter(net::Stream& to, bool chunked, net::BlockPtr head = nullptr)
      : to_(to), chunked_(chunked), gathered_(std::move(head)) {}

  // Payload by copy.
  void write(std::string_view payload);
  // Payload as a block, which is not copied unless it is small.
  void write(net::BlockPtr payload);
  // What has been gathered goes into the stream's output.
  void push();
  // The end of a chunked body. `trailers`: whole lines, ends included.
  void finish(std::string_view trailers = {});

 private:
  net::Block& room_for(size_t bytes);

  net::Stream& to_;
  bool chunked_;
  net::BlockPtr gathered_;
};

// Moves what `block` holds of the body. On return `block` is null, or holds what is behind the
// body. False on a broken chunk. `with_trailers`: those that may pass go too.
bool transfer(BodyReader& reader, BodyWriter& writer, net::BlockPtr& block,
              const http::Limits& limits, bool with_trailers);

}  // namespace sallyport::proxy
