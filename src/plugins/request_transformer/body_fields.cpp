#include "plugins/request_transformer/body_fields.h"

#include <utility>

#include "base/json.h"
#include "plugin/body_kind.h"
#include "plugin/json_object.h"
#include "plugin/query.h"

namespace sallyport::plugins::request_transformer {
namespace {

class JsonFields final : public BodyFields {
 public:
  explicit JsonFields(plugin::JsonObject body) : body_(std::move(body)) {}

  bool has(std::string_view name) const override { return body_.has(name); }
  void remove(std::string_view name) override { body_.remove(name); }
  void rename(std::string_view from, std::string_view to) override { body_.rename(from, to); }
  void set(std::string_view name, std::string_view value) override {
    body_.set(name, to_text(Json(std::string(value))));
  }
  void append(std::string_view name, std::string_view value) override {
    if (!has(name)) return set(name, value);
    body_.append(name, to_text(Json(std::string(value))));
  }
  std::string text() const override { return body_.text(); }

 private:
  plugin::JsonObject body_;
};

class FormFields final : public BodyFields {
 public:
  explicit FormFields(std::string_view text) : query_(text) {}

  bool has(std::string_view name) const override { return query_.has(name); }
  void remove(std::string_view name) override { query_.remove(name); }
  void rename(std::string_view from, std::string_view to) override { query_.rename(from, to); }
  void set(std::string_view name, std::string_view value) override { query_.set(name, value); }
  void append(std::string_view name, std::string_view value) override { query_.add(name, value); }
  std::string text() const override { return query_.text(); }

 private:
  plugin::Query query_;
};

}  // namespace

std::unique_ptr<BodyFields> BodyFields::of(const plugin::Exchange& exchange) {
  const std::string_view type = exchange.headers.get("content-type").value_or("");
  const std::string& body = *exchange.body;
  switch (plugin::body_kind(type)) {
    case plugin::BodyKind::json: {
      auto object = plugin::JsonObject::parse(body.empty() ? "{}" : body);
      if (!object) return nullptr;
      return std::make_unique<JsonFields>(*std::move(object));
    }
    case plugin::BodyKind::form:
      return std::make_unique<FormFields>(body);
    default:
      return nullptr;
  }
}

}  // namespace sallyport::plugins::request_transformer
