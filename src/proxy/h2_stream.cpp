#include "proxy/h2_stream.h"

#include <cerrno>
#include <utility>

#include "proxy/h2_connection.h"
#include "proxy/session.h"

namespace sallyport::proxy {

using http::BodyFraming;

H2Stream::H2Stream(H2Connection& connection, int32_t id, const http::H2Head& head)
    : H2Pipe(connection, id),
      connection_(connection),
      method_(head.method),
      starting_(make_pipe()) {
  chunked_ = head.chunked;
  complete_ = head.complete;
  pipe()->on_bytes(head.text);
  if (complete_) pipe()->on_end();
}

void H2Stream::start() {
  if (starting_ == nullptr) return;
  // One that was taken back at once has cost nothing.
  if (closed_) return starting_.reset();
  Session::serve_stream(connection_, std::move(starting_));
}

void H2Stream::fail() {
  H2Pipe::fail();
  starting_.reset();
}

size_t H2Stream::take_head(std::string_view bytes) {
  // Large, and its contents are used up before anybody else can want it.
  static thread_local http::ResponseHead head;
  uint32_t scanned = 0;
  http::ParseFault fault;
  if (http::read_response(bytes, kOurOwnHeads, method_, scanned, head, fault) !=
          http::ParseStatus::complete ||
      head.status == 101 || head.framing == BodyFraming::until_close) {
    return refuse_output("an answer");
  }
  if (head.status >= 200) begin_body(head.framing, head.content_length);
  if (transport_.session().respond(id_, head, phase_ == Phase::done)) return head.size;
  return refuse_output("an answer");
}

void H2Stream::on_dropped() {
  if (phase_ != Phase::done) transport_.session().reset(id_, http::H2Error::internal);
}

int H2Stream::error_of(http::H2Error why) const {
  return why == http::H2Error::none ? 0 : ECONNRESET;
}

}  // namespace sallyport::proxy
