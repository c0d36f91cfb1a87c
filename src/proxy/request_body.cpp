#include "proxy/request_body.h"

#include <utility>

#include "proxy/answer.h"
#include "proxy/body.h"
#include "proxy/worker.h"

namespace sallyport::proxy {
namespace {

void send_continue(Session& session, const Exchange& exchange) {
  if (!exchange.request.expect_continue || exchange.request.minor_version == 0) return;
  net::BlockPtr block = session.worker().loop().blocks().take();
  block->append("HTTP/1.1 100 Continue\r\n\r\n");
  session.stream().queue(std::move(block));
  session.stream().flush();
}

}  // namespace

Task<BodyOutcome> read_body(Session& session, Exchange& exchange, uint64_t limit,
                            std::string& out) {
  const Options& options = session.worker().options();
  const http::RequestHead& request = exchange.request;
  if (request.content_length > limit) co_return BodyOutcome::too_large;
  out = exchange.body;
  if (!exchange.body_pending) co_return BodyOutcome::complete;
  send_continue(session, exchange);
  BodyReader reader(request.framing, request.content_length);
  while (!reader.complete()) {
    net::Received received =
        co_await session.stream().receive(static_cast<uint32_t>(options.body_timeout.count()));
    if (received.status == net::IoStatus::timed_out) co_return BodyOutcome::timed_out;
    if (received.status != net::IoStatus::ok) co_return BodyOutcome::gone;
    std::string_view piece;
    do {
      if (!reader.next(*received.block, options.limits, piece)) co_return BodyOutcome::bad;
      out += piece;
    } while (!piece.empty());
    if (out.size() > limit) co_return BodyOutcome::too_large;
    if (received.block->size() > 0) session.stream().unread(std::move(received.block));
  }
  exchange.body_pending = false;
  co_return BodyOutcome::complete;
}

Task<bool> answer_bad_body(Session& session, Exchange& exchange, BodyOutcome outcome) {
  if (outcome == BodyOutcome::gone) co_return false;
  const int status = outcome == BodyOutcome::too_large ? 413
                     : outcome == BodyOutcome::bad     ? 400
                                                       : 408;
  co_return co_await answer_error(session, exchange, status, "", ErrorSource::gateway, true);
}

}  // namespace sallyport::proxy
