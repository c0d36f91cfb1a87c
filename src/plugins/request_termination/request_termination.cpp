#include "plugins/request_termination/request_termination.h"

#include "base/json.h"
#include "model/row_reader.h"
#include "plugin/query.h"

namespace sallyport::plugins::request_termination {
namespace {

using plugin::Exchange;
using plugin::Response;
using plugin::Step;

std::string_view default_message(int status) {
  switch (status) {
    case 401:
      return "Unauthorized";
    case 404:
      return "Not found";
    case 405:
      return "Method not allowed";
    case 500:
      return "An unexpected error occurred";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service unavailable";
    default:
      return "";
  }
}

// What `echo` tells: enough to see what the gateway made of a request.
Json request_data(const Exchange& exchange) {
  Json headers = Json::object();
  for (const char* name : {"host", "user-agent", "accept", "content-type"}) {
    if (auto value = exchange.headers.get(name)) headers[name] = std::string(*value);
  }
  Json out = {{"scheme", std::string(exchange.scheme)}, {"host", std::string(exchange.host)},
              {"method", std::string(exchange.method)}, {"path", std::string(exchange.raw_path)},
              {"query", std::string(exchange.query)},   {"headers", headers}};
  out["raw_body"] = exchange.body.value_or("");
  return out;
}

class RequestTermination final : public plugin::Plugin {
 public:
  explicit RequestTermination(model::RowReader& config) {
    config.integer("status_code", status_);
    config.text("message", message_);
    config.text("content_type", content_type_);
    config.text("body", body_);
    has_body_ = config.get("body") != nullptr;
    config.flag("echo", echo_);
    config.text("trigger", trigger_);
  }

  plugin::Phases phases() const override { return {.access = true}; }

  Step access(Exchange& exchange) const override {
    if (!trigger_.empty() && !exchange.headers.get(trigger_) &&
        !plugin::Query(exchange.query).has(trigger_)) {
      return Step::next();
    }
    if (has_body_ && !echo_) {
      return Step::respond({.status = status_, .body = body_, .content_type = content_type_});
    }
    const std::string text = message_.empty() ? std::string(default_message(status_)) : message_;
    if (!echo_) {
      if (text.empty()) return Step::respond({.status = status_});
      return Step::respond(plugin::message(status_, text));
    }
    Json body = {{"message", text}, {"request", request_data(exchange)}};
    if (exchange.route != nullptr) body["matched_route"] = {{"id", exchange.route->id}};
    if (exchange.service != nullptr) body["matched_service"] = {{"id", exchange.service->id}};
    return Step::respond({.status = status_, .body = to_text(body)});
  }

 private:
  int status_ = 503;
  std::string message_, content_type_, body_, trigger_;
  bool has_body_ = false;
  bool echo_ = false;
};

}  // namespace

Result<std::unique_ptr<const plugin::Plugin>> make(const plugin::Instance& instance) {
  model::RowReader config(instance.config);
  auto made = std::make_unique<const RequestTermination>(config);
  if (auto sound = config.verdict("plugins", std::string(instance.id)); !sound) {
    return fail(sound.error());
  }
  return made;
}

}  // namespace sallyport::plugins::request_termination
