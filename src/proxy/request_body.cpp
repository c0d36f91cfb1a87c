#include "proxy/request_body.h"

#include <algorithm>
#include <utility>

#include "proxy/answer.h"
#include "proxy/body.h"
#include "proxy/plugin_run.h"
#include "proxy/worker.h"

namespace sallyport::proxy {
namespace {

// What has been taken off a stream goes back, in front of all.
void put_back(net::Stream& stream, std::string_view bytes) {
  if (bytes.empty()) return;
  net::BlockPtr block = stream.loop().blocks().take(bytes.size());
  block->append(bytes);
  stream.unread(std::move(block));
}

}  // namespace

void send_continue(Session& session, Exchange& exchange) {
  if (!std::exchange(exchange.request.expect_continue, false)) return;
  if (exchange.request.minor_version == 0) return;
  net::BlockPtr block = session.worker().loop().blocks().take();
  block->append("HTTP/1.1 100 Continue\r\n\r\n");
  session.stream().queue(std::move(block));
  session.stream().flush();
}

uint64_t body_limit(const Session& session, const Exchange& exchange) {
  const uint64_t most = session.worker().options().max_body;
  const uint64_t set = most == 0 ? UINT64_MAX : most;
  if (exchange.plugins == nullptr) return set;
  return std::min(set, exchange.plugins->max_body().value_or(UINT64_MAX));
}

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

Task<BodyOutcome> gather_body(Session& session, Exchange& exchange) {
  const Options& options = session.worker().options();
  http::RequestHead& request = exchange.request;
  const uint64_t most = body_limit(session, exchange);
  send_continue(session, exchange);
  BodyReader reader(request.framing, request.content_length);
  std::string raw;  // of a chunked body: as it came, with what may be much more than its payload
  std::string& body = exchange.body_room;
  while (!reader.complete()) {
    net::Received received =
        co_await session.stream().receive(static_cast<uint32_t>(options.body_timeout.count()));
    if (received.status == net::IoStatus::timed_out) co_return BodyOutcome::timed_out;
    if (received.status != net::IoStatus::ok) co_return BodyOutcome::gone;
    if (!reader.plain()) raw += received.block->view();
    std::string_view piece;
    do {
      if (!reader.next(*received.block, options.limits, piece)) co_return BodyOutcome::bad;
      body += piece;
    } while (!piece.empty());
    if (body.size() > most) co_return BodyOutcome::too_large;
    if (body.size() > kMostGathered || raw.size() > 2 * kMostGathered ||
        !reader.trailers().empty()) {
      body.clear();
      put_back(session.stream(), raw);
      co_return BodyOutcome::complete;
    }
    if (received.block->size() > 0) session.stream().unread(std::move(received.block));
  }
  exchange.body = body;
  exchange.body_pending = false;
  request.framing = http::BodyFraming::length;
  request.content_length = body.size();
  co_return BodyOutcome::complete;
}

Task<bool> answer_bad_body(Session& session, Exchange& exchange, BodyOutcome outcome,
                           ErrorSource source) {
  if (outcome == BodyOutcome::gone) co_return false;
  if (outcome == BodyOutcome::too_large && exchange.plugins != nullptr &&
      exchange.plugins->max_body() == body_limit(session, exchange)) {
    co_return co_await exchange.plugins->answer_too_large();
  }
  const int status = outcome == BodyOutcome::too_large ? 413
                     : outcome == BodyOutcome::bad     ? 400
                                                       : 408;
  co_return co_await answer_error(session, exchange, status, "", source, true);
}

}  // namespace sallyport::proxy
