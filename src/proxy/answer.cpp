#include "proxy/answer.h"

#include <optional>

#include "http/accept.h"
#include "proxy/body.h"
#include "proxy/error_body.h"
#include "proxy/grpc.h"
#include "proxy/plugin_run.h"
#include "proxy/worker.h"

namespace sallyport::proxy {
namespace {

// A request body up to this size is read and dropped to keep the connection.
constexpr uint64_t kDiscardLimit = 64 * 1024;

bool worth_discarding(const Exchange& exchange) {
  const http::RequestHead& request = exchange.request;
  // Whoever expects 100-continue and gets an error instead may or may not send the body.
  return !request.expect_continue && request.framing == http::BodyFraming::length &&
         request.content_length <= kDiscardLimit;
}

Task<bool> discard_body(Session& session, Exchange& exchange) {
  BodyReader reader(exchange.request.framing, exchange.request.content_length);
  const Options& options = session.worker().options();
  const auto timeout = static_cast<uint32_t>(options.body_timeout.count());
  while (!reader.complete()) {
    net::Received received = co_await session.stream().receive(timeout);
    if (received.status != net::IoStatus::ok) co_return false;
    received.block->begin += static_cast<uint32_t>(reader.take(received.block->size()));
    if (received.block->size() > 0) session.stream().unread(std::move(received.block));
  }
  exchange.body_pending = false;
  co_return true;
}

void write_head(Session& session, Exchange& exchange, const Answer& what, bool keep_alive) {
  Worker& worker = session.worker();
  const uint64_t now = worker.loop().now();
  ResponseHeaders wanted = worker.options().headers;
  if (what.admin) wanted.server = wanted.response_latency = wanted.request_id = false;
  const ClientHeadContext context{.wanted = wanted,
                                  .request_id = exchange.id(),
                                  .date = worker.date(),
                                  .client_minor_version = exchange.request.minor_version,
                                  .keep_alive = keep_alive,
                                  .debug = exchange.show_debug ? &exchange.debug : nullptr,
                                  .added_fields = exchange.added_fields};
  OwnHead head{.context = context,
               // A status of its own is what gRPC clients look at, and only behind a 200.
               .status = is_grpc(exchange.request) ? 200 : what.status,
               .content_type = what.content_type,
               .content_length = what.body.size(),
               .extra_fields = what.extra_fields,
               .latency_ms = now - exchange.started};
  if (exchange.upstream_started != 0) {
    head.upstream_failed = true;
    if (what.status == 502 || what.status == 504) head.upstream_status = what.status;
    head.latency_ms = exchange.upstream_started - exchange.started;
    head.upstream_latency_ms = now - exchange.upstream_started;
  }
  const size_t body = exchange.request.method == http::Method::head ? 0 : what.body.size();
  const size_t debug = exchange.show_debug ? exchange.debug.size() : 0;
  net::BlockPtr block = worker.loop().blocks().take(kOwnHeadRoom + what.extra_fields.size() +
                                                    exchange.added_fields.size() + debug + body);
  http::HeadWriter out({block->bytes(), block->capacity});
  write_own_head(out, head);
  out.append(what.body.substr(0, body));
  block->end = static_cast<uint32_t>(out.size());
  exchange.status = what.status;
  exchange.body_sent = body;
  session.stream().queue(std::move(block));
  session.stream().flush();
}

// What the client says that it reads, or for an error of the handler's what it writes itself.
http::BodyFormat error_format(const Options& options, const http::RequestHead& request,
                              ErrorSource source) {
  const http::Header* wanted = request.find(http::HeaderId::accept);
  if (wanted == nullptr && source == ErrorSource::handler) {
    wanted = request.find(http::HeaderId::content_type);
    if (wanted == nullptr) {
      return http::format_of(options.error_default_type).value_or(http::BodyFormat::text);
    }
  }
  constexpr auto kAny = http::BodyFormat::json;
  return wanted != nullptr ? http::choose_format(wanted->value, kAny).value_or(kAny) : kAny;
}

}  // namespace

Task<bool> answer(Session& session, Exchange& exchange, const Answer& given) {
  Answer what = given;
  std::string content_type, fields, for_grpc;
  if (is_grpc(exchange.request)) {
    for_grpc.append(what.extra_fields);
    for_grpc += grpc_fields(what.grpc_status >= 0 ? what.grpc_status : grpc_status(what.status),
                            grpc_message(what.body));
    what.content_type = "application/grpc";
    what.extra_fields = for_grpc;
    what.body = {};
  }
  if (exchange.plugins != nullptr) {
    content_type = what.content_type;
    fields = what.extra_fields;
    if (!exchange.plugins->filter_own(what.status, content_type, fields)) {
      co_return co_await answer_error(session, exchange, 500, "", ErrorSource::gateway, what.close);
    }
    what.content_type = content_type;
    what.extra_fields = fields;
  }
  bool keep = !what.close && session.may_keep_alive(exchange);
  if (exchange.body_pending && !worth_discarding(exchange)) keep = false;
  write_head(session, exchange, what, keep);
  if (keep && exchange.body_pending) keep = co_await discard_body(session, exchange);
  if (!keep) exchange.linger = true;
  co_return keep;
}

Task<bool> answer_error(Session& session, Exchange& exchange, int status, std::string_view message,
                        ErrorSource source, bool close) {
  const Options& options = session.worker().options();
  const http::BodyFormat format = error_format(options, exchange.request, source);
  const std::string sentence = message.empty() ? error_message(status) : std::string(message);
  const auto own = options.error_templates.find(format);
  const std::string body = is_grpc(exchange.request) ? sentence
                           : own != options.error_templates.end()
                               ? own->second.fill(sentence, exchange.id())
                               : error_body(format, sentence, exchange.id());
  co_return co_await answer(
      session, exchange,
      {.status = status, .content_type = http::content_type(format), .body = body, .close = close});
}

}  // namespace sallyport::proxy
