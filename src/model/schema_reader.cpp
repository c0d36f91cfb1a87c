#include "model/schema_reader.h"

#include <algorithm>
#include <cstdlib>

#include <sys/random.h>

#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "model/checks.h"
#include "model/declare.h"
#include "model/named_rules.h"
#include "model/paths.h"
#include "model/rules.h"

namespace sallyport::model {
namespace {

using namespace declare;

[[noreturn]] void broken(std::string_view what, const Json& where) {
  log::error("a declaration holds {}: {}", what, to_text(where));
  std::abort();
}

FieldType type_of(const Json& json) {
  std::string word = json["type"].get<std::string>();
  for (FieldType type : {FieldType::string, FieldType::integer, FieldType::number,
                         FieldType::boolean, FieldType::array, FieldType::set, FieldType::map,
                         FieldType::record, FieldType::foreign, FieldType::json}) {
    if (name(type) == word) return type;
  }
  broken("an unknown type", json);
}

std::vector<Pattern> patterns_of(const Json& list) {
  std::vector<Pattern> out;
  for (const Json& entry : list) {
    out.push_back({entry["pattern"].get<std::string>(), entry.value("err", std::string())});
  }
  return out;
}

// Nothing for what is no rule.
std::vector<Rule> rule(const std::string& word, const Json& value) {
  if (word == "eq") return {equals(Constant(value))};
  if (word == "ne") return {not_equals(Constant(value))};
  if (word == "one_of") return {one_of(Constant(value))};
  if (word == "not_one_of") return {not_one_of(Constant(value))};
  if (word == "gt") return {greater_than(value.get<double>())};
  if (word == "between") return {between(value[0].get<double>(), value[1].get<double>())};
  if (word == "len_eq") return {len_eq(value.get<size_t>())};
  if (word == "len_min") return {len_min(value.get<size_t>())};
  if (word == "len_max") return {len_max(value.get<size_t>())};
  if (word == "starts_with") return {starts_with(value.get<std::string>())};
  if (word == "match") return {match(value.get<std::string>())};
  if (word == "not_match") return {not_match(value.get<std::string>())};
  if (word == "match_all") return {match_all(patterns_of(value))};
  if (word == "match_none") return {match_none(patterns_of(value))};
  if (word == "match_any") {
    return {match_any(value["patterns"].get<std::vector<std::string>>(),
                      value.value("err", std::string()))};
  }
  if (word == "contains") return {contains(Constant(value))};
  if (word == "is_regex") return {regular_expression()};
  if (word == "custom_validator") return {named_rule(value.get<std::string>())};
  return {};
}

std::vector<Rule> rules(const Json& json) {
  std::vector<Rule> out;
  for (const auto& [word, value] : json.items()) {
    for (Rule& one : rule(word, value)) out.push_back(std::move(one));
  }
  return out;
}

// Another one in each process, which reads its declarations once.
Constant random_text(size_t size) {
  std::string bytes(size, '\0');
  if (getrandom(bytes.data(), size, 0) != static_cast<ssize_t>(size)) std::abort();
  return Constant(Json(text::base64(bytes)));
}

Attributes attributes(const Json& json, bool is_record) {
  Attributes out;
  out.required = json.value("required", is_record);
  out.unique = json.value("unique", false);
  out.automatic = json.value("auto", false);
  out.uuid = json.value("uuid", false);
  out.encrypted = json.value("encrypted", false);
  out.referenceable = json.value("referenceable", false);
  out.err = json.value("err", std::string());
  if (json.contains("default")) out.defaults = Constant(json["default"]);
  if (json.contains("default_random")) {
    out.defaults = random_text(json["default_random"].get<size_t>());
  }
  if (json.contains("deprecation")) out.deprecation = Constant(json["deprecation"]);
  out.rules = rules(json);
  return out;
}

Field read_field(const std::string& field_name, const Json& json) {
  FieldType type = type_of(json);
  Attributes with = attributes(json, type == FieldType::record);
  switch (type) {
    case FieldType::array:
      return array(field_name, read_field("", json["elements"]), std::move(with));
    case FieldType::set:
      return set(field_name, read_field("", json["elements"]), std::move(with));
    case FieldType::map:
      return map(field_name, read_field("", json["keys"]), read_field("", json["values"]),
                 std::move(with));
    case FieldType::record:
      return record(field_name, read_shape(json), std::move(with));
    case FieldType::foreign:
      return foreign(field_name, json["reference"].get<std::string>(), std::move(with));
    default:
      break;
  }
  Field field = string(field_name, std::move(with));
  field.type = type;
  return field;
}

Match read_match(const Json& json) {
  Match out{.rules = rules(json), .required = json.value("required", false), .elements = {}};
  if (json.contains("elements")) out.elements = rules(json["elements"]);
  return out;
}

Names names(const Json& list) {
  return list.get<Names>();
}

EntityCheck read_check(const std::string& word, const Json& json) {
  if (word == "at_least_one_of") return at_least_one_of(names(json));
  if (word == "only_one_of") return only_one_of(names(json));
  if (word == "mutually_required") return mutually_required(names(json));
  if (word == "mutually_exclusive") return mutually_exclusive(names(json));
  if (word == "conditional") {
    return conditional(json["if_field"].get<std::string>(), read_match(json["if_match"]),
                       json["then_field"].get<std::string>(), read_match(json["then_match"]),
                       json.value("then_err", std::string()));
  }
  if (word == "conditional_at_least_one_of") {
    return conditional_at_least_one_of(json["if_field"].get<std::string>(),
                                       {.match = read_match(json["if_match"]),
                                        .at_least_one_of = names(json["then_at_least_one_of"]),
                                        .err = json["then_err"].get<std::string>()});
  }
  if (word == "custom_entity_check") {
    return custom_entity_check(names(json["field_sources"]),
                               named_check(json["fn"].get<std::string>()));
  }
  broken("an unknown check", json);
}

// Where the value of a shorthand goes: what replaces it, or "sets"; "" for nowhere.
Shorthand read_shorthand(const std::string& field_name, const Json& json) {
  Shorthand out{.field = read_field(field_name, json), .expand = {}};
  std::string target = json.value("sets", std::string());
  if (json.contains("deprecation") && json["deprecation"].contains("replaced_with")) {
    for (const Json& part : json["deprecation"]["replaced_with"][0]["path"]) {
      out.replaced_by += (out.replaced_by.empty() ? "" : ".") + part.get<std::string>();
    }
    target = out.replaced_by;
  }
  out.expand = [target](const Json& value, Json& fields) {
    if (!target.empty()) set_path(fields, target, value);
  };
  return out;
}

}  // namespace

Shape read_shape(const Json& json) {
  Shape shape;
  for (const Json& entry : json["fields"]) {
    for (const auto& [field_name, field] : entry.items()) {
      shape.fields.push_back(read_field(field_name, field));
    }
  }
  for (const Json& entry : json.value("entity_checks", Json::array())) {
    for (const auto& [word, check] : entry.items()) shape.checks.push_back(read_check(word, check));
  }
  for (const Json& entry : json.value("shorthand_fields", Json::array())) {
    for (const auto& [field_name, field] : entry.items()) {
      shape.shorthands.push_back(read_shorthand(field_name, field));
    }
  }
  return shape;
}

}  // namespace sallyport::model
