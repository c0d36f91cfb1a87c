#include "proxy/h2_stream.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/log.h"
#include "http/h1_writer.h"
#include "proxy/h2_connection.h"
#include "proxy/session.h"
#include "proxy/worker.h"

namespace sallyport::proxy {

using http::BodyFraming;
using http::ParseStatus;

H2Stream::H2Stream(H2Connection& connection, int32_t id, const http::H2Head& head)
    : connection_(connection),
      id_(id),
      method_(head.method),
      starting_(connection.worker().loop().make_stream(*this)),
      pipe_(starting_.get()),
      chunked_(head.chunked),
      complete_(head.complete) {
  pipe_->on_bytes(head.text);
  if (complete_) pipe_->on_end();
}

void H2Stream::take_body(std::string_view payload) {
  if (pipe_ == nullptr || closed_) return connection_.session().consume(id_, payload.size());
  unread_ += static_cast<uint32_t>(payload.size());
  arrived_ = true;
  if (chunked_) {
    std::array<char, http::kMaxChunkHead> head;
    pipe_->on_bytes({head.data(), http::write_chunk_head(head, payload.size())});
  }
  pipe_->on_bytes(payload);
  if (chunked_) pipe_->on_bytes(http::kChunkEnd);
  connection_.settle_later(*this);
}

void H2Stream::end_body() {
  complete_ = true;
  if (pipe_ == nullptr) return;
  if (chunked_) pipe_->on_bytes(http::kLastChunk);
  pipe_->on_end();
  arrived_ = true;
  connection_.settle_later(*this);
}

void H2Stream::on_answered() {
  answered_ = true;
  if (!complete_) connection_.settle_later(*this);
}

void H2Stream::on_closed(bool failed) {
  closed_ = true;
  failed_ = failed;
  connection_.settle_later(*this);
}

void H2Stream::settle() {
  if (starting_ != nullptr) start_session();
  if (pipe_ != nullptr && std::exchange(arrived_, false)) pipe_->wake_receiver();
  if (const size_t sent = scanned_ - rest_.size(); pipe_ != nullptr && sent > 0) {
    scanned_ = rest_.size();
    if (!pipe_->send_failed()) pipe_->on_sent(sent);
  }
  if (pipe_ != nullptr && !closed_) take_output();
  // RFC 9113 section 8.1: whoever has its whole answer need not send the rest of its request.
  if (answered_ && !complete_ && !closed_) connection_.session().reset(id_, http::H2Error::none);
  if (pipe_ != nullptr && closed_ && !std::exchange(told_, true)) {
    if (failed_) return pipe_->fail(ECONNRESET);
    pipe_->on_end();
    pipe_->wake_receiver();
  }
}

void H2Stream::start_session() {
  // One that was taken back at once has cost nothing.
  if (closed_) return starting_.reset();
  Session::serve_stream(connection_, std::move(starting_));
}

void H2Stream::fail() {
  closed_ = failed_ = told_ = true;
  if (starting_ != nullptr) return starting_.reset();
  if (pipe_ != nullptr) pipe_->fail(ECONNRESET);
}

// The session has read all there was: the client may send as much again.
bool H2Stream::receive(net::Stream&) {
  if (unread_ > 0) {
    connection_.session().consume(id_, std::exchange(unread_, 0));
    connection_.pump_soon();
  }
  return false;
}

void H2Stream::send(net::Stream&) {
  if (closed_) return;
  take_output();
  connection_.settle_later(*this);
  connection_.pump_soon();
}

void H2Stream::close(net::Stream& pipe) {
  pipe_ = nullptr;
  rest_ = {};
  if (unread_ > 0) connection_.session().consume(id_, std::exchange(unread_, 0));
  if (!closed_ && phase_ != Phase::done) connection_.session().reset(id_, http::H2Error::internal);
  connection_.worker().loop().retire(&pipe);
  connection_.on_pipe_closed(*this);
}

// Looks at what the session has written: heads go at once, payload when it is asked for.
void H2Stream::take_output() {
  while (phase_ == Phase::head && !unscanned().empty() && take_head()) {
  }
  if (phase_ == Phase::body && deferred_ && !unscanned().empty()) {
    deferred_ = false;
    connection_.session().resume(id_);
  }
}

std::string_view H2Stream::unscanned() const {
  size_t skip = scanned_;
  for (const net::Block* block = pipe_->output().front(); block != nullptr; block = block->next) {
    if (skip < block->size()) return block->view().substr(skip);
    skip -= block->size();
  }
  return {};
}

bool H2Stream::take_head() {
  // Large, and its contents are used up before anybody else can want it.
  static thread_local http::ResponseHead head;
  constexpr http::Limits kOurOwn{
      .max_request_line = 1 << 20, .max_head = 1 << 20, .max_headers = http::kMaxHeaders};
  uint32_t scanned = 0;
  http::ParseFault fault;
  if (http::read_response(unscanned(), kOurOwn, method_, scanned, head, fault) !=
          ParseStatus::complete ||
      head.status == 101 || head.framing == BodyFraming::until_close) {
    return refuse_output();
  }
  scanned_ += head.size;
  framing_ = head.framing;
  left_ = head.content_length;
  const bool interim = head.status < 200;
  const bool last =
      framing_ == BodyFraming::none || (framing_ == BodyFraming::length && left_ == 0);
  if (!interim) phase_ = last ? Phase::done : Phase::body;
  return connection_.session().respond(id_, head, last) || refuse_output();
}

// An answer that HTTP/2 has no form for.
bool H2Stream::refuse_output() {
  log::error("an answer cannot be sent as HTTP/2");
  connection_.session().reset(id_, http::H2Error::internal);
  phase_ = Phase::done;
  return false;
}

http::H2Owner::Ready H2Stream::ready_body(size_t most) {
  piece_count_ = 0;
  // A pipe that failed has thrown its blocks away.
  if (pipe_ == nullptr || pipe_->send_failed()) return {};
  size_t size = 0;
  auto take = [this, &size, most] {
    const size_t part = std::min(rest_.size(), most - size);
    if (part == 0) return;
    pieces_[piece_count_++] = rest_.substr(0, part);
    rest_.remove_prefix(part);
    size += part;
  };
  take();
  while (rest_.empty() && piece_count_ < kMostPieces && phase_ == Phase::body && next_piece()) {
    take();
  }
  const bool last = phase_ == Phase::done && rest_.empty();
  deferred_ = size == 0 && !last;
  return {size, last};
}

// Looks at more of the output: payload in it becomes `rest_`. False when there is no more now.
bool H2Stream::next_piece() {
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
  if (step.status == ParseStatus::error) return refuse_output();
  scanned_ += step.consumed;
  rest_ = step.data;
  if (step.status == ParseStatus::complete) phase_ = Phase::done;
  return true;
}

void H2Stream::write_body() {
  for (size_t i = 0; i < piece_count_; ++i) connection_.put(pieces_[i]);
  connection_.settle_later(*this);
}

}  // namespace sallyport::proxy
