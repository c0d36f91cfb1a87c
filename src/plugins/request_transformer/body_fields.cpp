#include "plugins/request_transformer/body_fields.h"

#include "base/json.h"
#include "plugin/query.h"

namespace sallyport::plugins::request_transformer {
namespace {

class JsonFields final : public BodyFields {
 public:
  explicit JsonFields(Json body) : body_(std::move(body)) {}

  bool has(std::string_view name) const override { return body_.contains(name); }
  void remove(std::string_view name) override { body_.erase(std::string(name)); }
  void rename(std::string_view from, std::string_view to) override {
    if (!has(from)) return;
    Json value = body_[std::string(from)];
    remove(from);
    body_[std::string(to)] = std::move(value);
  }
  void set(std::string_view name, std::string_view value) override {
    body_[std::string(name)] = std::string(value);
  }
  void append(std::string_view name, std::string_view value) override {
    if (!has(name)) return set(name, value);
    Json& field = body_[std::string(name)];
    if (!field.is_array()) field = Json::array({field});
    field.push_back(std::string(value));
  }
  std::string text() const override { return to_text(body_); }

 private:
  Json body_;
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
  if (type.find("json") != type.npos) {
    Json json = body.empty() ? Json::object() : parse_json(body);
    if (!json.is_object()) return nullptr;
    return std::make_unique<JsonFields>(std::move(json));
  }
  if (type.starts_with("application/x-www-form-urlencoded")) {
    return std::make_unique<FormFields>(body);
  }
  return nullptr;
}

}  // namespace sallyport::plugins::request_transformer
