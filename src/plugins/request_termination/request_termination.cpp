#include "plugins/request_termination/request_termination.h"

#include <utility>
#include <vector>

#include "base/json.h"
#include "base/text.h"
#include "http/form.h"
#include "model/protocol_words.h"
#include "model/row_reader.h"
#include "plugin/body_kind.h"
#include "plugin/query.h"

namespace sallyport::plugins::request_termination {
namespace {

using plugin::Exchange;
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

// Of several values a list.
void add(Json& object, const std::string& name, Json value) {
  if (!object.contains(name)) {
    object[name] = std::move(value);
    return;
  }
  Json& there = object[name];
  if (!there.is_array()) there = Json::array({there});
  there.push_back(std::move(value));
}

Json arguments(std::string_view text) {
  Json out = Json::object();
  const auto fields = http::decode_form(text);
  if (!fields) return out;
  for (const http::FormField& field : *fields) {
    add(out, field.name, field.has_value ? Json(field.value) : Json(true));
  }
  return out;
}

Json headers_of(const Exchange& exchange) {
  Json out = Json::object();
  exchange.headers.each([&](std::string_view name, std::string_view value) {
    add(out, text::lower(name), std::string(value));
  });
  return out;
}

// Null: of no kind that can be told.
Json parsed(std::string_view type, const std::string& text) {
  switch (plugin::body_kind(type)) {
    case plugin::BodyKind::json: {
      Json body = parse_json(text);
      return body.is_discarded() ? Json() : body;
    }
    case plugin::BodyKind::form:
      return arguments(text);
    case plugin::BodyKind::multipart: {
      const auto boundary = http::multipart_boundary(type);
      const auto fields = boundary ? http::decode_multipart(text, *boundary) : std::nullopt;
      if (!fields) return {};
      Json out = Json::object();
      for (const http::FormField& field : *fields) add(out, field.name, field.value);
      return out;
    }
    default:
      return {};
  }
}

// By number those without a name, too.
Json captures_of(const Exchange& exchange) {
  Json named = Json::object();
  Json unnamed = Json::array();
  for (const auto& [name, value] : exchange.captures) {
    if (text::to_integer(name)) {
      unnamed.push_back(value);
    } else {
      named[name] = value;
    }
  }
  return {{"named", std::move(named)}, {"unnamed", std::move(unnamed)}};
}

// What `echo` tells: what the gateway made of a request.
Json request_data(const Exchange& exchange) {
  Json out = {{"scheme", std::string(exchange.scheme)},
              {"host", std::string(exchange.host)},
              {"port", nullptr},
              {"method", std::string(exchange.method)},
              {"path", std::string(exchange.raw_path)},
              {"query", arguments(exchange.query)},
              {"headers", headers_of(exchange)},
              {"uri_captures", captures_of(exchange)},
              {"raw_body", exchange.body.value_or("")}};
  if (const auto port = text::to_integer(exchange.port)) out["port"] = *port;
  Json body = parsed(exchange.headers.get("content-type").value_or(""), exchange.body.value_or(""));
  if (!body.is_null()) out["body"] = std::move(body);
  return out;
}

Json or_null(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}

Json or_null(const std::vector<std::string>& texts) {
  return texts.empty() ? Json() : Json(texts);
}

Json route_data(const model::Route& route) {
  Json protocols = Json::array();
  for (model::Protocol protocol : route.protocols) {
    protocols.push_back(model::word_of(protocol));
  }
  Json out = {{"id", route.id},
              {"name", or_null(route.name)},
              {"protocols", std::move(protocols)},
              {"methods", or_null(route.methods)},
              {"hosts", or_null(route.hosts)},
              {"paths", or_null(route.paths)},
              {"snis", or_null(route.snis)},
              {"regex_priority", route.regex_priority},
              {"strip_path", route.strip_path},
              {"preserve_host", route.preserve_host}};
  out["service"] = route.service_id.empty() ? Json() : Json{{"id", route.service_id}};
  return out;
}

Json service_data(const model::Service& service) {
  return {{"id", service.id},
          {"name", or_null(service.name)},
          {"protocol", model::word_of(service.protocol)},
          {"host", service.host},
          {"port", service.port},
          {"path", or_null(service.path)}};
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

  bool reads_body(const Exchange& exchange) const override { return echo_ && triggered(exchange); }

  Step access(Exchange& exchange) const override {
    if (!triggered(exchange)) return Step::next();
    if (has_body_ && !echo_) {
      return Step::respond({.status = status_, .body = body_, .content_type = content_type_});
    }
    const std::string text = message_.empty() ? std::string(default_message(status_)) : message_;
    if (!echo_) {
      if (text.empty()) return Step::respond({.status = status_});
      return Step::respond(plugin::message(status_, text));
    }
    Json body = {{"message", text}, {"request", request_data(exchange)}};
    if (exchange.route != nullptr) body["matched_route"] = route_data(*exchange.route);
    if (exchange.service != nullptr) body["matched_service"] = service_data(*exchange.service);
    return Step::respond({.status = status_, .body = to_text(body)});
  }

 private:
  bool triggered(const Exchange& exchange) const {
    return trigger_.empty() || exchange.headers.get(trigger_) ||
           plugin::Query(exchange.query).has(trigger_);
  }

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
