#include "proxy/h2_pipe.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/log.h"
#include "http/h1_writer.h"
#include "net/loop.h"
#include "proxy/h2_transport.h"

namespace sallyport::proxy {

using http::BodyFraming;
using http::ParseStatus;

net::StreamPtr H2Pipe::make_pipe() {
  net::StreamPtr made = transport_.loop().make_stream(*this);
  pipe_ = made.get();
  return made;
}

void H2Pipe::take_body(std::string_view payload) {
  if (pipe_ == nullptr || closed_) return transport_.session().consume(id_, payload.size());
  unread_ += static_cast<uint32_t>(payload.size());
  arrived_ = true;
  if (chunked_) {
    std::array<char, http::kMaxChunkHead> head;
    pipe_->on_bytes({head.data(), http::write_chunk_head(head, payload.size())});
  }
  pipe_->on_bytes(payload);
  if (chunked_) pipe_->on_bytes(http::kChunkEnd);
  transport_.settle_later(*this);
}

void H2Pipe::end_body(std::string_view trailers) {
  complete_ = true;
  if (pipe_ == nullptr) return;
  if (chunked_) {
    pipe_->on_bytes("0\r\n");
    pipe_->on_bytes(trailers);
    pipe_->on_bytes("\r\n");
  }
  pipe_->on_end();
  arrived_ = true;
  transport_.settle_later(*this);
}

void H2Pipe::on_sent() {
  sent_ = true;
  if (!complete_) transport_.settle_later(*this);
}

void H2Pipe::on_closed(http::H2Error why) {
  closed_ = true;
  why_ = why;
  transport_.settle_later(*this);
}

void H2Pipe::settle() {
  start();
  if (pipe_ != nullptr && std::exchange(arrived_, false)) pipe_->wake_receiver();
  if (const size_t sent = scanned_ - rest_.size(); pipe_ != nullptr && sent > 0) {
    scanned_ = rest_.size();
    if (!pipe_->send_failed()) pipe_->on_sent(sent);
  }
  if (pipe_ != nullptr && !closed_) {
    take_output();
    if (scanned_ > rest_.size()) transport_.settle_later(*this);  // a head has left at once
  }
  // RFC 9113 section 8.1: whoever has its whole answer need not send the rest of its request.
  if (sent_ && !complete_ && !closed_) transport_.session().reset(id_, http::H2Error::none);
  if (pipe_ != nullptr && closed_ && !std::exchange(told_, true)) {
    if (const int error = error_of(why_); error != 0) return pipe_->fail(error);
    pipe_->on_end();
    pipe_->wake_receiver();
  }
}

void H2Pipe::fail() {
  closed_ = told_ = true;
  if (why_ == http::H2Error::none) why_ = http::H2Error::internal;
  if (pipe_ != nullptr) pipe_->fail(error_of_broken_connection());
}

int H2Pipe::error_of_broken_connection() const {
  return ECONNRESET;
}

// The holder has read all there was: the peer may send as much again.
bool H2Pipe::receive(net::Stream&) {
  if (unread_ > 0) {
    transport_.session().consume(id_, std::exchange(unread_, 0));
    transport_.pump_soon();
  }
  return false;
}

void H2Pipe::send(net::Stream&) {
  if (closed_) return;
  take_output();
  transport_.settle_later(*this);
  transport_.pump_soon();
}

void H2Pipe::close(net::Stream& pipe) {
  pipe_ = nullptr;
  rest_ = {};
  if (unread_ > 0) transport_.session().consume(id_, std::exchange(unread_, 0));
  if (!closed_) on_dropped();
  transport_.loop().retire(&pipe);
  transport_.on_pipe_closed(*this);
}

// Looks at what the holder has written: heads go at once, payload when it is asked for.
void H2Pipe::take_output() {
  while (phase_ == Phase::head && !unscanned().empty()) {
    const size_t size = take_head(unscanned());
    if (size == 0) break;
    scanned_ += size;
  }
  if (phase_ == Phase::body && deferred_ && !unscanned().empty()) {
    deferred_ = false;
    transport_.session().resume(id_);
  }
}

std::string_view H2Pipe::unscanned() const {
  size_t skip = scanned_;
  for (const net::Block* block = pipe_->output().front(); block != nullptr; block = block->next) {
    if (skip < block->size()) return block->view().substr(skip);
    skip -= block->size();
  }
  return {};
}

void H2Pipe::begin_body(BodyFraming framing, uint64_t length) {
  framing_ = framing;
  left_ = length;
  const bool last = framing == BodyFraming::none || (framing == BodyFraming::length && length == 0);
  phase_ = last ? Phase::done : Phase::body;
}

// A message that HTTP/2 has no form for.
size_t H2Pipe::refuse_output(std::string_view what) {
  log::error("{} cannot be sent as HTTP/2", what);
  if (id_ > 0) transport_.session().reset(id_, http::H2Error::internal);
  phase_ = Phase::done;
  return 0;
}

http::H2Owner::Ready H2Pipe::ready_body(size_t most) {
  H2Pieces& pieces = transport_.pieces();
  pieces.count = 0;
  // A pipe that failed has thrown its blocks away.
  if (pipe_ == nullptr || pipe_->send_failed()) return {};
  size_t size = 0;
  auto take = [this, &pieces, &size, most] {
    const size_t part = std::min(rest_.size(), most - size);
    if (part == 0) return;
    pieces.all[pieces.count++] = rest_.substr(0, part);
    rest_.remove_prefix(part);
    size += part;
  };
  take();
  while (rest_.empty() && pieces.count < pieces.all.size() && phase_ == Phase::body &&
         next_piece()) {
    take();
  }
  const bool last = phase_ == Phase::done && rest_.empty();
  deferred_ = size == 0 && !last;
  return {size, last, last ? chunks_.trailers() : std::string_view{}};
}

// Looks at more of the output: payload in it becomes `rest_`. False when there is no more now.
bool H2Pipe::next_piece() {
  const std::string_view bytes = unscanned();
  if (bytes.empty()) return false;
  if (framing_ == BodyFraming::length) {
    rest_ = bytes.substr(0, left_);
    left_ -= rest_.size();
    scanned_ += rest_.size();
    if (left_ == 0) phase_ = Phase::done;
    return true;
  }
  http::ParseFault fault;
  const http::ChunkedReader::Step step = chunks_.next(bytes, {}, fault);
  if (step.status == ParseStatus::error) {
    refuse_output("a body");
    return false;
  }
  scanned_ += step.consumed;
  rest_ = step.data;
  if (step.status == ParseStatus::complete) phase_ = Phase::done;
  return true;
}

void H2Pipe::write_body() {
  const H2Pieces& pieces = transport_.pieces();
  for (size_t i = 0; i < pieces.count; ++i) transport_.put(pieces.all[i]);
  transport_.settle_later(*this);
}

}  // namespace sallyport::proxy
