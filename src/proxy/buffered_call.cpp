#include "proxy/buffered_call.h"

#include <string>
#include <utility>

#include "http/h1_writer.h"
#include "proxy/answer.h"
#include "proxy/request_body.h"
#include "proxy/worker.h"

namespace sallyport::proxy {
namespace {

http::BufferedResponse plain_error(int status, std::string_view message) {
  http::BufferedResponse response;
  response.status = status;
  response.headers = {{"Content-Type", "application/json; charset=utf-8"}};
  response.body = "{\"message\":\"" + std::string(message) + "\"}";
  return response;
}

// Carries the one reply home. When the last copy of the handler's Reply dies unused, so does this,
// and the client gets a 500 instead of silence.
class ReplyBox {
 public:
  ReplyBox(std::shared_ptr<net::Mailbox> mailbox, std::weak_ptr<PendingReply> pending)
      : mailbox_(std::move(mailbox)), pending_(std::move(pending)) {}
  ReplyBox(const ReplyBox&) = delete;
  ReplyBox& operator=(const ReplyBox&) = delete;
  ~ReplyBox() { send(plain_error(500, "An unexpected error occurred")); }

  void send(http::BufferedResponse response) {
    if (sent_.exchange(true)) return;
    mailbox_->post([pending = pending_, response = std::move(response)]() mutable {
      if (auto waiting = pending.lock()) waiting->complete(std::move(response));
    });
  }

 private:
  std::shared_ptr<net::Mailbox> mailbox_;
  std::weak_ptr<PendingReply> pending_;
  std::atomic<bool> sent_{false};
};

http::BufferedRequest buffer(const Exchange& exchange, std::string body) {
  const http::RequestHead& head = exchange.request;
  const http::RequestTarget& target = exchange.target_parts;
  http::BufferedRequest request;
  request.method = head.method_text;
  request.target = target.path.empty() ? "/" : target.path;
  if (target.has_query) request.target += "?" + std::string(target.query);
  for (const http::Header& field : head.fields()) {
    request.headers.emplace_back(field.name, field.value);
  }
  request.body = std::move(body);
  request.client_ip = exchange.client_ip;
  return request;
}

Task<http::BufferedResponse> call(Session& session, http::BufferedRequest request) {
  Worker& worker = session.worker();
  const Handler& handler =
      session.listener().role == Role::admin ? worker.options().admin : worker.options().status;
  if (worker.stopping()) co_return plain_error(503, "The gateway is stopping");
  auto pending = std::make_shared<PendingReply>();
  worker.add(*pending);
  auto box = std::make_shared<ReplyBox>(worker.loop().mailbox(), pending);
  handler(std::move(request), [box = std::move(box)](http::BufferedResponse response) {
    box->send(std::move(response));
  });
  http::BufferedResponse response = co_await *pending;
  worker.remove(*pending);
  co_return response;
}

std::string field_lines(const http::BufferedResponse& response, std::string& content_type) {
  std::string out;
  for (const auto& [name, value] : response.headers) {
    if (!http::valid_field_name(name) || !http::valid_field_value(value)) continue;
    out += name + ": " + value + "\r\n";
  }
  content_type.clear();  // it is among them
  return out;
}

Task<bool> send(Session& session, Exchange& exchange, const http::BufferedResponse& response) {
  std::string content_type;
  const std::string fields = field_lines(response, content_type);
  co_return co_await answer(session, exchange,
                            {.status = response.status,
                             .content_type = content_type,
                             .body = response.body,
                             .extra_fields = fields,
                             .admin = true});
}

}  // namespace

void PendingReply::complete(http::BufferedResponse response) {
  if (response_) return;
  response_ = std::move(response);
  if (waiting_) std::exchange(waiting_, nullptr).resume();
}

Task<bool> serve_buffered(Session& session, Exchange& exchange) {
  const Options& options = session.worker().options();
  if (session.listener().role == Role::admin && options.admin_gate) {
    const auto refusal = options.admin_gate(buffer(exchange, ""));
    if (refusal) co_return co_await send(session, exchange, *refusal);
  }
  std::string body;
  const BodyOutcome outcome = co_await read_body(session, exchange, options.admin_max_body, body);
  if (outcome != BodyOutcome::complete) {
    co_return co_await answer_bad_body(session, exchange, outcome);
  }
  const http::BufferedResponse response = co_await call(session, buffer(exchange, std::move(body)));
  co_return co_await send(session, exchange, response);
}

}  // namespace sallyport::proxy
