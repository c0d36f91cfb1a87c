#include "proxy/h2_upstream_pipe.h"

#include <cerrno>
#include <string>

#include "net/loop.h"
#include "proxy/h2_upstream.h"

namespace sallyport::proxy {
namespace {

// A connection on which nothing came for this long while a request waited, until whoever asked gave
// up, is taken for dead. Less, and clients that change their mind at once would cost connections.
constexpr uint64_t kSilentMs = 1'000;

bool has_body(http::Method method, int status) {
  return method != http::Method::head && status >= 200 && status != 204 && status != 304;
}

}  // namespace

H2UpstreamPipe::H2UpstreamPipe(H2Upstream& connection)
    : H2Pipe(connection, 0), connection_(connection), started_(connection.loop().now()) {}

size_t H2UpstreamPipe::take_head(std::string_view bytes) {
  // Large, and its contents are used up before anybody else can want it.
  static thread_local http::RequestHead head;
  uint32_t scanned = 0;
  http::ParseFault fault;
  if (http::read_request(bytes, kOurOwnHeads, scanned, head, fault) !=
      http::ParseStatus::complete) {
    closed_ = true;
    return refuse_output("a request");
  }
  method_ = head.method;
  begin_body(head.framing, head.content_length);
  id_ = transport_.session().request(head, connection_.tls_ ? "https" : "http",
                                     phase_ == Phase::done, static_cast<H2Pipe*>(this));
  if (id_ > 0) return head.size;
  id_ = 0;
  on_unsent();
  return 0;
}

void H2UpstreamPipe::on_unsent() {
  phase_ = Phase::done;
  on_closed(http::H2Error::refused);
}

void H2UpstreamPipe::take_response(const http::H2Head& head) {
  if (pipe() == nullptr) return;
  std::string framing;
  if (!head.complete && has_body(method_, head.status)) {
    chunked_ = true;
    framing = "transfer-encoding: chunked\r\n";
  } else if (!head.length.empty()) {
    framing.append("content-length: ").append(head.length).append("\r\n");
  } else if (has_body(method_, head.status)) {
    framing = "content-length: 0\r\n";
  }
  pipe()->on_bytes(head.text);
  pipe()->on_bytes(framing + "\r\n");
  arrived_ = true;
  if (head.complete) {
    complete_ = true;
    pipe()->on_end();
  }
  transport_.settle_later(*this);
}

void H2UpstreamPipe::on_dropped() {
  if (id_ == 0) {
    closed_ = true;
    return;
  }
  transport_.session().reset(id_, complete_ ? http::H2Error::none : http::H2Error::cancel);
  const uint64_t now = transport_.loop().now();
  const bool silent = connection_.heard_ < started_ && now >= started_ + kSilentMs;
  if (!complete_ && silent) connection_.retire();
}

int H2UpstreamPipe::error_of(http::H2Error why) const {
  if (why == http::H2Error::refused) return ECONNREFUSED;
  return why == http::H2Error::none && complete_ ? 0 : ECONNRESET;
}

// Before a handshake is over, nothing of any request has left.
int H2UpstreamPipe::error_of_broken_connection() const {
  return connection_.handshake_over() ? ECONNRESET : ENOTCONN;
}

}  // namespace sallyport::proxy
