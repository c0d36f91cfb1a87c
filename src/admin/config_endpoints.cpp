#include "admin/config_endpoints.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "admin/request_body.h"
#include "base/json.h"
#include "base/text.h"
#include "model/complete.h"
#include "model/declarative_document.h"
#include "model/declarative_ids.h"

namespace sallyport::admin {
namespace {

Answer needs_no_database() {
  return message_answer(
      400, "this endpoint is only available when Kong is configured to not use a database");
}

std::optional<std::string> config_field(const std::vector<http::FormField>& fields) {
  auto found = std::ranges::find(fields, std::string("config"), &http::FormField::name);
  if (found == fields.end()) return std::nullopt;
  return std::string(found->value);
}

// {"config": "<text>"}; anything else in JSON is the configuration itself.
std::optional<std::string> wrapped_in_json(std::string_view body) {
  std::string_view start = body.substr(0, 200);
  if (!start.contains("\"config\"")) return std::nullopt;
  auto value = model::read_document(body);
  if (!value || !value->is_object() || !value->contains("config")) return std::nullopt;
  if (!(*value)["config"].is_string()) return std::nullopt;
  return (*value)["config"].get<std::string>();
}

bool asked(const Request& request, std::string_view name) {
  auto value = request.argument(name);
  return value && (*value == "1" || *value == "true");
}

// As Kong prints a table: {services={[2]={host="…"}}}.
std::string printed(const Json& faults) {
  if (faults.is_string()) return fmt::format("\"{}\"", faults.get<std::string>());
  if (!faults.is_structured()) return to_text(faults);
  std::vector<std::string> parts;
  bool holes = std::ranges::any_of(faults, [](const Json& value) { return value.is_null(); });
  for (const auto& [key, fault] : faults.items()) {
    if (fault.is_null()) continue;
    bool word = std::ranges::all_of(
        key, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; });
    std::string label = word ? key + "=" : fmt::format("[\"{}\"]=", key);
    if (faults.is_array()) label = holes ? fmt::format("[{}]=", std::stoul(key) + 1) : "";
    parts.push_back(label + printed(fault));
  }
  if (faults.is_object()) std::ranges::sort(parts);
  return fmt::format("{{{}}}", fmt::join(parts, ","));
}

Answer refused(const model::DeclarationFaults& faults, bool flatten) {
  const Json& fields = flatten ? faults.outside() : faults.fields();
  Json body{{"code", 14},
            {"name", "invalid declarative configuration"},
            {"message", "declarative config is invalid: " + printed(fields)},
            {"fields", fields}};
  if (!faults.syntax().empty()) {
    body["fields"] =
        Json{{"error", "failed parsing declarative configuration: " + faults.syntax()}};
    body["message"] = "declarative config is invalid: " + printed(body["fields"]);
  }
  if (flatten) body["flattened_errors"] = faults.flattened();
  return json_answer(400, body);
}

// {"services": {"<id>": row}}
Json by_id(const model::Declaration& declaration) {
  Json out = Json::object();
  for (const model::Declaration::Rows& rows : declaration.entities) {
    // Members are appended, for looking for each among many thousands takes long.
    Json::object_t table;
    table.reserve(rows.rows.size());
    for (const Json& row : rows.rows) {
      table.emplace_back(row.at("id").get<std::string>(), model::shown_row(*rows.entity, row));
    }
    out[rows.entity->name] = std::move(table);
  }
  return out;
}

Answer load(DeclaredNode& node, const Request& request) {
  auto text = declared_text(request);
  if (!text) return std::move(text.error());
  if (asked(request, "check_hash") && model::md5(*text) == node.configuration_hash()) {
    return Answer{.status = 304};
  }
  double now =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  auto declaration = model::read_declaration(*text, now);
  if (!declaration) return refused(declaration.error(), asked(request, "flatten_errors"));
  if (auto applied = node.apply(*std::move(declaration), *text); !applied) {
    return message_answer(500, applied.error().text());
  }
  return json_answer(201, by_id(node.declaration()));
}

}  // namespace

std::expected<std::string, Answer> declared_text(const Request& request) {
  if (auto refused = refuse_coding(request)) return std::unexpected(*std::move(refused));
  const std::string& body = request.raw.body;
  std::string_view type = request.header("content-type").value_or("");
  std::string word = text::lower(text::trim(type.substr(0, type.find(';'))));
  std::optional<std::string> config;
  if (word == "multipart/form-data") {
    auto boundary = http::multipart_boundary(type);
    auto fields = boundary ? http::decode_multipart(body, *boundary) : std::nullopt;
    if (fields) config = config_field(*fields);
    if (!config) {
      return std::unexpected(message_answer(400, "expected a declarative configuration"));
    }
  } else if (word == "application/x-www-form-urlencoded" && body.starts_with("config=")) {
    if (auto fields = http::decode_form(body)) config = config_field(*fields);
  } else if (word == "application/json") {
    config = wrapped_in_json(body);
  }
  if (!config) config = body;
  if (text::trim(*config).empty()) {
    return std::unexpected(message_answer(400, "expected a declarative configuration"));
  }
  return *std::move(config);
}

void add_config_endpoints(Endpoints& endpoints, DeclaredNode* node) {
  endpoints.add("/config", "GET", [node](auto&, Keys) {
    if (node == nullptr) return needs_no_database();
    Json document = model::declaration_document(node->declaration());
    return json_answer(200, Json{{"config", model::write_yaml(document)}});
  });
  endpoints.add("/config", "POST", [node](const Request& request, Keys) {
    return node == nullptr ? needs_no_database() : load(*node, request);
  });
}

}  // namespace sallyport::admin
