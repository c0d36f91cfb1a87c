// Forward's second half: the request's body, and the answer.
#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "base/log.h"
#include "http/h1_writer.h"
#include "http/headers.h"
#include "net/splice.h"
#include "proxy/error_body.h"
#include "proxy/forward.h"
#include "proxy/grpc.h"
#include "proxy/plugin_run.h"
#include "proxy/request_body.h"
#include "proxy/worker.h"

namespace sallyport::proxy {
namespace {

// RFC 9110 section 6.5.1: over HTTP/1.1 only whoever says so.
bool takes_trailers(const http::RequestHead& request) {
  if (request.http2) return true;
  const http::Header* te = request.find(http::HeaderId::te);
  return te != nullptr && http::list_contains(te->value, "trailers");
}

}  // namespace

void Forward::start_upload() {
  upload_fault_ = AttemptFault::none;
  send_continue(session_, exchange_);
  upload_.emplace(upload());
  upload_->start();
}

Task<void> Forward::upload() {
  const Options& options = session_.worker().options();
  const http::RequestHead& request = exchange_.request;
  BodyReader reader(request.framing, request.content_length);
  BodyWriter writer(upstream(), request.framing == http::BodyFraming::chunked);
  const uint64_t most = body_limit(session_, exchange_);
  while (!reader.complete()) {
    if (upstream().unsent() > kHighWater) {
      const net::IoStatus status = co_await upstream().drained(kLowWater);
      if (status == net::IoStatus::cancelled) co_return;
      if (status != net::IoStatus::ok) co_return end_upload(send_fault());
    }
    if (reader.left() >= net::kSpliceFrom && request.content_length <= most) {
      if (net::PipePtr pipe = net::pipe_between(client(), upstream())) {
        co_return co_await splice_upload(reader, std::move(pipe));
      }
    }
    net::Received received =
        co_await client().receive(static_cast<uint32_t>(options.body_timeout.count()));
    if (received.status == net::IoStatus::cancelled) co_return;
    if (received.status == net::IoStatus::timed_out) {
      co_return end_upload(AttemptFault::client_timeout);
    }
    if (received.status != net::IoStatus::ok) co_return end_upload(AttemptFault::client);
    record(received.block->view());
    if (!transfer(reader, writer, received.block, options.limits, true)) {
      co_return end_upload(AttemptFault::client);
    }
    if (reader.received() > most) {
      co_return end_upload(AttemptFault::too_large);
    }
    if (received.block != nullptr) client().unread(std::move(received.block));
    upstream().flush();
    if (upstream().send_failed()) co_return end_upload(send_fault());
  }
  exchange_.body_pending = false;
  end_upload(AttemptFault::none);
}

// The rest of the body, past the process.
Task<void> Forward::splice_upload(BodyReader& reader, net::PipePtr pipe) {
  using enum net::IoStatus;
  body_touched_ = true;
  replay_ = {};
  const auto timeout = static_cast<uint32_t>(session_.worker().options().body_timeout.count());
  const net::Spliced moved = co_await net::splice(client(), upstream(), std::move(pipe),
                                                  reader.left(), net::Behind::anything, timeout);
  reader.take(moved.bytes);
  if (moved.receive == cancelled || moved.send == cancelled) co_return;
  if (moved.receive == timed_out) co_return end_upload(AttemptFault::client_timeout);
  if (moved.receive != ok) co_return end_upload(AttemptFault::client);
  if (moved.send != ok) co_return end_upload(send_fault());
  exchange_.body_pending = false;
  end_upload(AttemptFault::none);
}

// Calls over HTTP/2 are refused in the normal course of things, when a connection is about to end:
// what has left for it is kept, up to a size, and goes to another. A stream of a client has nothing
// behind its body that could be kept by mistake.
void Forward::record(std::string_view received) {
  constexpr size_t kMostKept = 64 * 1024;
  const bool keep = !body_touched_ && connection_->pool.http2() && session_.over_http2() &&
                    exchange_.status == 0 && replay_.size() + received.size() <= kMostKept;
  if (keep) {
    replay_ += received;
  } else {
    body_touched_ = true;
    replay_ = {};
  }
}

void Forward::rewind_body() {
  if (replay_.empty()) return;
  net::BlockPtr block = session_.worker().loop().blocks().take(replay_.size());
  block->append(std::exchange(replay_, {}));
  client().unread(std::move(block));
  exchange_.body_pending = true;
}

// An upstream that hangs up may have answered before; one that takes nothing has not.
AttemptFault Forward::send_fault() const {
  return upstream().error() == ETIMEDOUT ? AttemptFault::write_timeout : AttemptFault::none;
}

void Forward::end_upload(AttemptFault fault) {
  upload_fault_ = fault;
  if (fault == AttemptFault::none) {
    upstream().rearm_receive(read_timeout());
  } else {
    upstream().cancel_receive();
  }
}

Task<void> Forward::stop_upload() {
  if (uploading()) {
    // It waits for one of the two.
    client().cancel_receive();
    if (uploading()) upstream().cancel_drain();
  }
  co_await upload_->join();
  upload_.reset();
}

// For `plugin`, which changes bodies.
Task<AttemptFault> Forward::read_whole(std::string_view plugin, std::string& body) {
  const http::Limits& limits = session_.worker().options().limits;
  BodyReader reader(exchange_.response.framing, exchange_.response.content_length);
  net::BlockPtr block = session_.worker().loop().blocks().take(received_->size());
  block->append(received_->view().substr(exchange_.response.size));
  for (;;) {
    while (!reader.complete() && block != nullptr && block->size() > 0) {
      std::string_view piece;
      if (reader.plain()) {
        piece = block->view().substr(0, reader.take(block->size()));
        block->begin += static_cast<uint32_t>(piece.size());
      } else if (!reader.next(*block, limits, piece)) {
        co_return AttemptFault::bad_response;
      }
      body += piece;
      if (std::max(exchange_.response.content_length, uint64_t{body.size()}) > kMostForPlugins) {
        log::error(
            "service {}: an answer is longer than the {} MiB that the plugin {} changes; set the "
            "plugin up without changes of bodies, or on other routes",
            exchange_.target->log_name(), kMostForPlugins >> 20, plugin);
        co_return AttemptFault::bad_response;
      }
    }
    if (reader.complete()) {
      const bool too_long = block != nullptr && block->size() > 0;
      co_return too_long ? AttemptFault::bad_response : AttemptFault::none;
    }
    net::Received received = co_await upstream().receive(read_timeout());
    if (received.status == net::IoStatus::eof && said_goodbye() && reader.end_of_input()) {
      used_up_ = true;
      co_return AttemptFault::none;
    }
    if (received.status != net::IoStatus::ok) co_return AttemptFault::closed;
    block = std::move(received.block);
  }
}

// What the route's plugins make of the answer.
Task<AttemptFault> Forward::filter_response() {
  const http::ResponseHead& response = exchange_.response;
  const bool has_body =
      response.framing != http::BodyFraming::none &&
      exchange_.request.method != http::Method::head &&
      !(response.framing == http::BodyFraming::length && response.content_length == 0);
  const std::string_view filter = exchange_.plugins->filter_head();
  // A stream of messages is not held back.
  if (!has_body || filter.empty() || is_grpc(exchange_.request)) {
    const bool sound = exchange_.plugins->filter_proxied(received_, nullptr);
    co_return sound ? AttemptFault::none : AttemptFault::plugins;
  }
  std::string body;
  const AttemptFault fault = co_await read_whole(filter, body);
  if (fault != AttemptFault::none) co_return fault;
  const bool sound = exchange_.plugins->filter_proxied(received_, &body);
  co_return sound ? AttemptFault::none : AttemptFault::plugins;
}

Task<bool> Forward::respond() {
  upstream().receive_small(false);
  if (exchange_.response.status == 101) co_return co_await tunnel();
  exchange_.upstream_answered = session_.worker().loop().now();
  exchange_.status = exchange_.response.status;
  if (route_ != nullptr) {
    const uint64_t now = exchange_.upstream_answered;
    balancer::note_latency(*route_->peer, now - attempt_started_, now);
    exchange_.target->balanced()->report_status(*route_->peer, exchange_.status);
  }
  if (!body_begins_soundly()) fault_ = AttemptFault::bad_response;
  if (fault_ == AttemptFault::none && exchange_.plugins != nullptr) {
    fault_ = co_await filter_response();
  }
  if (fault_ != AttemptFault::none) {
    if (upload_) co_await stop_upload();
    connection_.reset();
    co_return co_await give_up();
  }
  BodyReader reader(exchange_.response.framing, exchange_.response.content_length);
  net::BlockPtr head = begin_response();
  BodyWriter writer(client(), framing_ == ClientFraming::chunked, std::move(head));
  AttemptFault fault = AttemptFault::none;
  if (reader.complete() || take_body(reader, writer, fault)) {
    writer.push();
  } else if (fault == AttemptFault::none) {
    fault = co_await pump_response(reader, writer);
  }
  if (fault != AttemptFault::none && fault != AttemptFault::client && is_grpc(exchange_.request)) {
    writer.finish(grpc_fields(grpc_status(status_of(fault)), error_message(status_of(fault))));
  }
  exchange_.body_sent = reader.received();
  const bool bytes_left = received_ != nullptr && received_->size() > 0;
  if (bytes_left && reader.framing() != http::BodyFraming::none && fault == AttemptFault::none) {
    // Two answers in one, or a length that is wrong: the end of it is not sent.
    fault = AttemptFault::bad_response;
    client().reset_on_close();
    client().fail(EPROTO);
  }
  client().flush();
  if (upload_) co_await stop_upload();
  // An answer before the end of the request: the rest of the body has no reader any more, and must
  // never be read as the next request.
  if (exchange_.body_pending) keep_client_ = false;
  co_return finish_response(fault, bytes_left || used_up_);
}

// What has come with the head is looked at before the client hears of the answer: broken chunks, or
// more than the body. The chunks of an HTTP/2 upstream are our own.
bool Forward::body_begins_soundly() const {
  const http::ResponseHead& response = exchange_.response;
  const std::string_view begun = received_->view().substr(response.size);
  http::ParseFault fault;
  std::optional<size_t> behind = 0;
  if (response.framing == http::BodyFraming::length) {
    behind = begun.size() - std::min<uint64_t>(begun.size(), response.content_length);
  } else if (response.framing == http::BodyFraming::chunked && !connection_->pool.http2()) {
    behind = http::bytes_behind_chunks(begun, session_.worker().options().limits, fault);
  }
  if (behind == 0) return true;
  if (behind) fault.reason = "bytes behind its end";
  log::error("service {}: invalid response from {}: {}", exchange_.target->log_name(),
             exchange_.target->log_address(connection_->pool, route_), fault.reason);
  return false;
}

// The head for the client.
net::BlockPtr Forward::begin_response() {
  Worker& worker = session_.worker();
  const http::ResponseHead& response = exchange_.response;
  const http::RequestHead& request = exchange_.request;
  if (response.framing == http::BodyFraming::chunked ||
      response.framing == http::BodyFraming::until_close) {
    framing_ = request.minor_version > 0 ? ClientFraming::chunked : ClientFraming::until_close;
  }
  keep_client_ = session_.may_keep_alive(exchange_) && framing_ != ClientFraming::until_close &&
                 !exchange_.body_pending;
  const ClientHeadContext context{.wanted = worker.options().headers,
                                  .request_id = exchange_.id(),
                                  .date = worker.date(),
                                  .client_minor_version = request.minor_version,
                                  .keep_alive = keep_client_,
                                  .debug = exchange_.show_debug ? &exchange_.debug : nullptr,
                                  .added_fields = exchange_.added_fields};
  const ProxiedHead head{
      .context = context,
      .response = response,
      .response_end = received_->bytes() + received_->begin + response.size,
      .framing = framing_,
      .upstream_latency_ms = exchange_.upstream_answered - exchange_.upstream_started,
      .proxy_latency_ms = exchange_.upstream_started - exchange_.started,
      .http2 = connection_->pool.http2(),
      .upgrade = response.status == 101 ? "websocket" : ""};
  net::BlockPtr block = worker.loop().blocks().take(proxied_head_room(head));
  http::HeadWriter out({block->bytes(), block->capacity});
  write_proxied_head(out, head);
  block->end = static_cast<uint32_t>(out.size());
  received_->begin += response.size;
  return block;
}

// Moves the part of the body that is here. True when that was the rest of it.
bool Forward::take_body(BodyReader& reader, BodyWriter& writer, AttemptFault& fault) {
  if (received_ != nullptr && received_->size() > 0 &&
      !transfer(reader, writer, received_, session_.worker().options().limits,
                takes_trailers(exchange_.request))) {
    fault = AttemptFault::bad_response;
  }
  return reader.complete();
}

// Over TLS an end that the upstream has not announced may be anybody's who can send a FIN (RFC 9112
// section 9.8).
bool Forward::said_goodbye() const {
  const net::TlsFilter* tls = upstream().tls();
  return tls == nullptr || tls->peer_finished();
}

AttemptFault Forward::body_fault(net::IoStatus status) const {
  if (status == net::IoStatus::cancelled && upload_fault_ == AttemptFault::none) {
    return AttemptFault::client;
  }
  if (status != net::IoStatus::timed_out) return AttemptFault::closed;
  return client().gone() ? AttemptFault::client : AttemptFault::read_timeout;
}

Task<AttemptFault> Forward::pump_response(BodyReader& reader, BodyWriter& writer) {
  writer.push();
  for (;;) {
    if (reader.left() >= net::kSpliceFrom && !uploading()) {
      if (net::PipePtr pipe = net::pipe_between(upstream(), client())) {
        co_return co_await splice_response(reader, std::move(pipe));
      }
    }
    client().flush();
    if (client().unsent() > kHighWater) {
      if (co_await client().drained(kLowWater) != net::IoStatus::ok) co_return AttemptFault::client;
    }
    if (client().send_failed()) co_return AttemptFault::client;
    net::Received received = co_await upstream().receive(patience(read_timeout()));
    client().unwatch();
    if (received.status == net::IoStatus::eof && said_goodbye() && reader.end_of_input()) {
      writer.finish();
      co_return AttemptFault::none;
    }
    if (received.status != net::IoStatus::ok) co_return body_fault(received.status);
    received_ = std::move(received.block);
    AttemptFault fault = AttemptFault::none;
    if (take_body(reader, writer, fault) || fault != AttemptFault::none) co_return fault;
  }
}

// The rest of the body past the process. The end of an answer that is too long is not sent.
Task<AttemptFault> Forward::splice_response(BodyReader& reader, net::PipePtr pipe) {
  const net::Spliced moved = co_await net::splice(
      upstream(), client(), std::move(pipe), reader.left(), net::Behind::nothing, read_timeout());
  reader.take(moved.bytes);
  used_up_ = moved.more;
  if (reader.complete()) co_return AttemptFault::none;
  if (moved.more) co_return AttemptFault::bad_response;
  if (moved.send != net::IoStatus::ok) co_return AttemptFault::client;
  if (moved.receive == net::IoStatus::timed_out) co_return AttemptFault::read_timeout;
  co_return AttemptFault::closed;
}

// Decides what becomes of both connections.
bool Forward::finish_response(AttemptFault fault, bool bytes_left) {
  const http::ResponseHead& response = exchange_.response;
  const bool reusable = fault == AttemptFault::none && response.keep_alive && !bytes_left &&
                        !used_up_ && response.framing != http::BodyFraming::until_close &&
                        !exchange_.body_pending && !upstream().send_failed();
  if (fault != AttemptFault::none && fault != AttemptFault::client) {
    const Target& target = *exchange_.target;
    log::error("service {}: {} {}", target.log_name(),
               target.log_address(connection_->pool, route_),
               bytes_left ? "sent more than its answer" : "broke off its answer");
  }
  if (reusable) {
    // What an upstream has answered is what it will answer: the next body is left to splice(), too.
    upstream().receive_small(response.framing == http::BodyFraming::length &&
                             response.content_length >= net::kSpliceFrom);
    connection_->pool.give_back(std::move(connection_));
  } else {
    connection_.reset();
  }
  if (fault == AttemptFault::none) {
    // A client that did not want the end may have sent its next request already.
    exchange_.linger = exchange_.body_pending || (!keep_client_ && exchange_.request.keep_alive);
    return keep_client_;
  }
  // Where only the end of the connection ends the body, the client must not take a cut answer for a
  // whole one; with a length or chunks it sees the difference.
  if (framing_ == ClientFraming::until_close) client().reset_on_close();
  return false;
}

}  // namespace sallyport::proxy
