#include "proxy/body.h"

#include <algorithm>
#include <utility>

#include "http/h1_writer.h"
#include "http/trailers.h"
#include "net/loop.h"

namespace sallyport::proxy {

using http::BodyFraming;

namespace {
// One send of a copy is cheaper than a vector of two blocks, up to about this size. Inside another
// connection blocks are put together anyhow.
constexpr size_t kCopyLimit = 4096;
}  // namespace

BodyReader::BodyReader(BodyFraming framing, uint64_t content_length)
    : framing_(framing),
      complete_(framing == BodyFraming::none ||
                (framing == BodyFraming::length && content_length == 0)),
      left_(content_length) {}

bool BodyReader::next(net::Block& block, const http::Limits& limits, std::string_view& piece) {
  piece = {};
  if (plain()) {
    const auto size = static_cast<uint32_t>(take(block.size()));
    piece = block.view().substr(0, size);
    block.begin += size;
    return true;
  }
  http::ParseFault fault;
  while (!complete_ && block.size() > 0 && piece.empty()) {
    const http::ChunkedReader::Step step = chunks_.next(block.view(), limits, fault);
    if (step.status == http::ParseStatus::error) return false;
    block.begin += static_cast<uint32_t>(step.consumed);
    piece = step.data;
    complete_ = step.status == http::ParseStatus::complete;
  }
  received_ += piece.size();
  return true;
}

uint64_t BodyReader::take(uint64_t available) {
  if (complete_) return 0;
  const uint64_t mine = framing_ == BodyFraming::length ? std::min(available, left_) : available;
  received_ += mine;
  left_ -= std::min(left_, mine);
  if (framing_ == BodyFraming::length && left_ == 0) complete_ = true;
  return mine;
}

bool BodyReader::end_of_input() {
  if (framing_ != BodyFraming::until_close) return complete_;
  complete_ = true;
  return true;
}

net::Block& BodyWriter::room_for(size_t bytes) {
  if (gathered_ != nullptr && gathered_->room() < bytes) push();
  if (gathered_ == nullptr) gathered_ = to_.loop().blocks().take();
  return *gathered_;
}

void BodyWriter::write(std::string_view payload) {
  constexpr size_t kOverhead = http::kMaxChunkHead + http::kChunkEnd.size();
  while (!payload.empty()) {
    net::Block& block = room_for(chunked_ ? kOverhead + 1 : 1);
    if (!chunked_) {
      payload.remove_prefix(block.append(payload));
      continue;
    }
    const size_t size = std::min<size_t>(payload.size(), block.room() - kOverhead);
    std::span<char, http::kMaxChunkHead> head(block.bytes() + block.end, http::kMaxChunkHead);
    block.end += static_cast<uint32_t>(http::write_chunk_head(head, size));
    block.append(payload.substr(0, size));
    block.append(http::kChunkEnd);
    payload.remove_prefix(size);
  }
}

void BodyWriter::write(net::BlockPtr payload) {
  const bool small = to_.fd() >= 0 && gathered_ != nullptr && payload->size() <= kCopyLimit &&
                     payload->size() <= gathered_->room();
  if (chunked_ || small) return write(payload->view());
  push();
  to_.queue(std::move(payload));
}

void BodyWriter::push() {
  if (gathered_ != nullptr) to_.queue(std::move(gathered_));
}

void BodyWriter::finish(std::string_view trailers) {
  if (chunked_ && !trailers.empty()) {
    room_for(trailers.size() + http::kLastChunk.size()).append("0\r\n");
    gathered_->append(trailers);
    gathered_->append("\r\n");
  } else if (chunked_) {
    room_for(http::kLastChunk.size()).append(http::kLastChunk);
  }
  push();
}

bool transfer(BodyReader& reader, BodyWriter& writer, net::BlockPtr& block,
              const http::Limits& limits, bool with_trailers) {
  if (reader.plain()) {
    const uint64_t size = reader.take(block->size());
    if (size == block->size()) {
      if (size > 0) writer.write(std::exchange(block, nullptr));
    } else {
      writer.write(block->view().substr(0, size));
      block->begin += static_cast<uint32_t>(size);
    }
  } else {
    std::string_view piece;
    do {
      if (!reader.next(*block, limits, piece)) return false;
      writer.write(piece);
    } while (!piece.empty());
  }
  if (block != nullptr && block->size() == 0) block.reset();
  if (reader.complete()) {
    writer.finish(with_trailers ? http::passable_trailers(reader.trailers()) : std::string());
  } else {
    writer.push();
  }
  return true;
}

}  // namespace sallyport::proxy
