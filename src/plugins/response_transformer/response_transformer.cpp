#include "plugins/response_transformer/response_transformer.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/text.h"
#include "model/row_reader.h"
#include "plugin/body_kind.h"
#include "plugin/json_object.h"

namespace sallyport::plugins::response_transformer {
namespace {

using plugin::Exchange;
using plugin::JsonObject;

using Names = std::vector<std::string>;
using Pairs = std::vector<std::pair<std::string, std::string>>;

Names list(const Json& config, const char* action, const char* part) {
  Names out;
  if (!config.contains(action) || !config[action].is_object()) return out;
  model::RowReader(config[action]).texts(part, out);
  return out;
}

Pairs pairs(const Names& texts) {
  Pairs out;
  for (const std::string& text : texts) {
    const size_t colon = std::min(text.find(':'), text.size());
    out.emplace_back(text.substr(0, colon), text.substr(std::min(colon + 1, text.size())));
  }
  return out;
}

// The values are JSON texts. The types go with the values by place; without one a value is a
// string.
Pairs json_pairs(const Json& config, const char* action) {
  const Names types = list(config, action, "json_types");
  Pairs out;
  for (auto& [name, text] : pairs(list(config, action, "json"))) {
    const std::string type = out.size() < types.size() ? types[out.size()] : "string";
    Json value = text;
    if (type == "number") {
      if (const auto whole = text::to_integer(text)) {
        value = *whole;
      } else if (const auto number = text::to_number(text)) {
        value = *number;
      }
    } else if (type == "boolean") {
      value = text == "true";
    }
    out.emplace_back(name, to_text(value));
  }
  return out;
}

class ResponseTransformer final : public plugin::Plugin {
 public:
  explicit ResponseTransformer(const Json& config)
      : remove_headers_(pairs(list(config, "remove", "headers"))),
        rename_headers_(pairs(list(config, "rename", "headers"))),
        replace_headers_(pairs(list(config, "replace", "headers"))),
        add_headers_(pairs(list(config, "add", "headers"))),
        append_headers_(pairs(list(config, "append", "headers"))),
        remove_json_(list(config, "remove", "json")),
        rename_json_(pairs(list(config, "rename", "json"))),
        replace_json_(json_pairs(config, "replace")),
        add_json_(json_pairs(config, "add")),
        append_json_(json_pairs(config, "append")) {}

  plugin::Phases phases() const override {
    return {.header_filter = true, .body_filter = changes_json()};
  }

  void header_filter(Exchange& exchange) const override {
    plugin::Fields& fields = exchange.response_headers;
    // "name" takes all, "name:value" the fields with that value.
    for (const auto& [name, value] : remove_headers_) remove(fields, name, value);
    for (const auto& [from, to] : rename_headers_) fields.rename(from, to);
    for (const auto& [name, value] : replace_headers_) {
      if (fields.get(name)) fields.set(name, value);
    }
    for (const auto& [name, value] : add_headers_) {
      if (!fields.get(name)) fields.add(name, value);
    }
    for (const auto& [name, value] : append_headers_) fields.add(name, value);
  }

  // What is encoded is no JSON until somebody decodes it.
  bool filters_body(const Exchange& exchange) const override {
    const plugin::Fields& fields = exchange.response_headers;
    const std::string_view encoding = fields.get("content-encoding").value_or("identity");
    return text::equals_ignore_case(text::trim(encoding), "identity") &&
           plugin::body_kind(fields.get("content-type").value_or("")) == plugin::BodyKind::json;
  }

  void body_filter(Exchange& exchange) const override {
    std::string& body = *exchange.response_body;
    if (auto object = JsonObject::parse(body)) {
      change(*object);
      body = object->text();
      return;
    }
    const auto elements = plugin::json_elements(body);
    if (!elements) return;
    std::string changed = "[";
    for (std::string_view element : *elements) {
      if (changed.size() > 1) changed += ',';
      auto object = JsonObject::parse(element);
      if (object) change(*object);
      changed += object ? object->text() : element;
    }
    body = changed + ']';
  }

 private:
  bool changes_json() const {
    return !remove_json_.empty() || !rename_json_.empty() || !replace_json_.empty() ||
           !add_json_.empty() || !append_json_.empty();
  }

  static void remove(plugin::Fields& fields, const std::string& name, const std::string& value) {
    if (!fields.get(name)) return;
    Names kept;
    if (!value.empty()) {
      for (std::string_view field : fields.all(name)) {
        if (field != value) kept.emplace_back(field);
      }
    }
    fields.remove(name);
    for (const std::string& field : kept) fields.add(name, field);
  }

  void change(JsonObject& object) const {
    for (const std::string& name : remove_json_) object.remove(name);
    for (const auto& [from, to] : rename_json_) object.rename(from, to);
    for (const auto& [name, value] : replace_json_) {
      if (object.has(name)) object.set(name, value);
    }
    for (const auto& [name, value] : add_json_) {
      if (!object.has(name)) object.set(name, value);
    }
    for (const auto& [name, value] : append_json_) object.append(name, value);
  }

  Pairs remove_headers_, rename_headers_, replace_headers_, add_headers_, append_headers_;
  Names remove_json_;
  Pairs rename_json_, replace_json_, add_json_, append_json_;
};

}  // namespace

Result<std::unique_ptr<const plugin::Plugin>> make(const plugin::Instance& instance) {
  return std::make_unique<const ResponseTransformer>(instance.config);
}

}  // namespace sallyport::plugins::response_transformer
