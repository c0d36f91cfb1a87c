#include "model/validate.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/json.h"
#include "base/text.h"
#include "base/uuid.h"
#include "model/formats.h"
#include "model/paths.h"
#include "model/pem.h"
#include "model/schemas.h"

namespace sallyport::model {
namespace {

constexpr const char* kRequired = "required field missing";

std::string wrong_type(FieldType type) {
  switch (type) {
    case FieldType::integer:
      return "expected an integer";
    case FieldType::array:
      return "expected an array";
    case FieldType::foreign:
      return "expected a reference to another entity, as {\"id\": \"<uuid>\"}";
    default:
      return fmt::format("expected a {}", name(type));
  }
}

// What fits a bigint column and survives every JSON parser on the way.
bool is_integer(const Json& value) {
  if (!value.is_number()) return false;
  double number = value.get<double>();
  return std::nearbyint(number) == number && std::abs(number) <= 9'007'199'254'740'992.0;
}

bool has_type(FieldType type, const Json& value) {
  switch (type) {
    case FieldType::string:
      return value.is_string();
    case FieldType::integer:
      return is_integer(value);
    case FieldType::number:
      return value.is_number();
    case FieldType::boolean:
      return value.is_boolean();
    case FieldType::array:
    case FieldType::set:
      return value.is_array();
    case FieldType::map:
    case FieldType::record:
    case FieldType::foreign:
      return value.is_object();
    case FieldType::json:
      return true;
  }
  return false;
}

Json validate_shape(const Shape& shape, const Shape* sub, const Json& record, const Json* patch);

Json validate_elements(const Field& elements, const Json& list) {
  Json faults = Json::array();
  bool any = false;
  for (const Json& value : list) {
    Json fault = validate_value(elements, value);
    // Nobody could tell what a null among them stands for.
    if (value.is_null() && fault.is_null()) fault = wrong_type(elements.type);
    any |= !fault.is_null();
    faults.push_back(std::move(fault));
  }
  if (!any) return nullptr;
  while (faults.back().is_null()) faults.erase(faults.size() - 1);
  return faults;
}

Json validate_map(const Field& field, const Json& map) {
  Json faults = Json::object();
  for (const auto& [key, value] : map.items()) {
    Json fault = validate_value(field.keys(), Json(key));
    if (fault.is_null()) fault = validate_value(field.values(), value);
    if (!fault.is_null()) faults[key] = std::move(fault);
  }
  return faults.empty() ? Json(nullptr) : faults;
}

// A reference is sound when its primary key is; other fields are looked at for their own faults.
Json validate_foreign(const Field& field, const Json& reference) {
  const EntitySchema* target = find_entity(field.reference);
  Json faults = Json::object();
  for (const auto& [key, value] : reference.items()) {
    const Field* part = target == nullptr ? nullptr : target->find(key);
    if (target == nullptr) {
      if (key == "id" && (!value.is_string() || !is_uuid(value.get<std::string>()))) {
        faults[key] = "expected a valid UUID";
      }
      continue;
    }
    Json fault = part == nullptr ? Json("unknown field") : validate_value(*part, value);
    if (!fault.is_null()) faults[key] = std::move(fault);
  }
  if (!faults.empty()) return faults;
  if (!reference.contains("id") || reference["id"].is_null()) {
    return Json{{"id", "missing primary key"}};
  }
  return nullptr;
}

Json validate_inside(const Field& field, const Json& value) {
  switch (field.type) {
    case FieldType::array:
    case FieldType::set:
      return validate_elements(field.elements(), value);
    case FieldType::map:
      return validate_map(field, value);
    case FieldType::foreign:
      return validate_foreign(field, value);
    case FieldType::record:
      if (field.abstract) return nullptr;
      return validate_shape(*field.shape, nullptr, value, nullptr);
    default:
      return nullptr;
  }
}

constexpr double kLastSecond = 9'224'318'015'999;  // that PostgreSQL can keep

std::string text_fault(const Field& field, const std::string& text) {
  if (field.uuid && !is_uuid(text)) return "expected a valid UUID";
  auto about_length = [](const Rule& rule) { return rule.name.starts_with("len_"); };
  if (text.empty() && std::ranges::none_of(field.rules, about_length)) {
    return "length must be at least 1";
  }
  return formats::storable(text);
}

std::string rule_fault(const Field& field, const Json& value) {
  if (value.is_string()) {
    const std::string& text = value.get_ref<const std::string&>();
    if (field.referenceable && pem::is_vault_reference(text)) return {};
    std::string fault = text_fault(field, text);
    if (!fault.empty()) return fault;
  }
  if (field.timestamp && (value.get<double>() <= 0 || value.get<double>() > kLastSecond)) {
    return "expected a valid timestamp";
  }
  for (const Rule& rule : field.rules) {
    if (std::string fault = rule.check(value); !fault.empty()) return fault;
  }
  return {};
}

bool named_by(const std::string& source, const Json& patch) {
  return patch.contains(source.substr(0, source.find('.')));
}

bool check_applies(const EntityCheck& check, const Json& faults, const Json* patch) {
  if (patch != nullptr && !check.sources.empty() &&
      std::ranges::none_of(check.sources, [&](auto& s) { return named_by(s, *patch); })) {
    return false;
  }
  if (check.run_with_invalid_fields) return true;
  return std::ranges::none_of(check.sources,
                              [&](auto& s) { return get_path(faults, s) != nullptr; });
}

// `shape` with the fields that `sub` replaces, for checks which look fields up.
Shape merged_fields(const Shape& shape, const Shape* sub) {
  Shape merged;
  merged.fields = shape.fields;
  if (sub == nullptr) return merged;
  for (Field& field : merged.fields) {
    if (const Field* other = sub->find(field.name)) field = *other;
  }
  return merged;
}

void run_checks(const Shape& shape, const Shape* sub, const Json& record, const Json* patch,
                Json& faults) {
  std::vector<const EntityCheck*> checks;
  for (const EntityCheck& check : shape.checks) checks.push_back(&check);
  if (sub != nullptr) {
    for (const EntityCheck& check : sub->checks) checks.push_back(&check);
  }
  if (checks.empty()) return;
  const Shape merged = merged_fields(shape, sub);
  Json entity = Json::array();
  for (const EntityCheck* check : checks) {
    if (!check_applies(*check, faults, patch)) continue;
    std::string fault = check->check(record, merged, faults);
    if (!fault.empty()) entity.push_back(std::move(fault));
  }
  if (!entity.empty()) faults["@entity"] = std::move(entity);
}

Json validate_shape(const Shape& shape, const Shape* sub, const Json& record, const Json* patch) {
  Json faults = Json::object();
  for (const Field& declared : shape.fields) {
    if (patch != nullptr && !patch->contains(declared.name)) continue;
    const Field* over = sub == nullptr ? nullptr : sub->find(declared.name);
    const Field& field = over == nullptr ? declared : *over;
    auto value = record.find(field.name);
    Json fault = validate_value(field, value == record.end() ? Json(nullptr) : *value);
    if (!fault.is_null()) faults[field.name] = std::move(fault);
  }
  for (const auto& [key, value] : record.items()) {
    if (shape.find(key) == nullptr) faults[key] = "unknown field";
  }
  run_checks(shape, sub, record, patch, faults);
  return faults.empty() ? Json(nullptr) : faults;
}

// The value that chooses the sub-schema and is known to nobody: a plugin that is not there.
Json unknown_subschema(const EntitySchema& entity, const Json& row) {
  if (entity.subschema_error.empty()) return nullptr;
  auto key = row.find(entity.subschema_key);
  if (key == row.end() || !key->is_string() || subschema_of(entity, row) != nullptr) return nullptr;
  std::string text = entity.subschema_error;
  if (size_t at = text.find("%s"); at != std::string::npos) {
    text.replace(at, 2, key->get<std::string>());
  }
  return text;
}

Json validate_entity(const EntitySchema& entity, const Json& row, const Json* patch) {
  Json faults = validate_shape(entity, subschema_of(entity, row), row, patch);
  Json unknown = unknown_subschema(entity, row);
  if (unknown.is_null()) return faults;
  if (faults.is_null()) faults = Json::object();
  faults[entity.subschema_key] = std::move(unknown);
  return faults;
}

}  // namespace

const Shape* subschema_of(const EntitySchema& entity, const Json& row) {
  if (!entity.subschema) return nullptr;
  auto key = row.find(entity.subschema_key);
  if (key == row.end()) return nullptr;
  if (key->is_string()) return entity.subschema(key->get_ref<const std::string&>());
  if (!key->is_array()) return nullptr;
  for (const Json& word : *key) {
    if (!word.is_string()) continue;
    if (const Shape* found = entity.subschema(word.get_ref<const std::string&>())) return found;
  }
  return nullptr;
}

const Field* field_in_force(const EntitySchema& entity, const Json& row,
                            std::string_view field_name) {
  if (const Shape* sub = subschema_of(entity, row)) {
    if (const Field* field = sub->find(field_name)) return field;
  }
  return entity.find(field_name);
}

Json validate_value(const Field& field, const Json& value) {
  if (value.is_null()) return field.required ? Json(kRequired) : Json(nullptr);
  if (!has_type(field.type, value)) return wrong_type(field.type);
  Json inside = validate_inside(field, value);
  if (!inside.is_null()) return inside;
  std::string fault = rule_fault(field, value);
  if (fault.empty()) return nullptr;
  return field.err.empty() ? Json(fault) : Json(field.err);
}

Json validate(const EntitySchema& entity, const Json& row) {
  return validate_entity(entity, row, nullptr);
}

Json validate_update(const EntitySchema& entity, const Json& patch, const Json& row) {
  return validate_entity(entity, row, &patch);
}

namespace {

void flatten(const std::string& prefix, const Json& faults, std::vector<std::string>& out) {
  if (faults.is_string()) {
    out.push_back(prefix + ": " + faults.get<std::string>());
  } else if (faults.is_array()) {
    for (size_t i = 0; i < faults.size(); ++i) {
      flatten(fmt::format("{}.{}", prefix, i + 1), faults[i], out);
    }
  } else if (faults.is_object()) {
    for (const auto& [key, value] : faults.items()) {
      if (key != "@entity") {
        flatten(prefix + "." + key, value, out);
        continue;
      }
      for (const Json& text : value) out.push_back(prefix + ": " + text.get<std::string>());
    }
  }
}

}  // namespace

std::string fault_message(const Json& faults) {
  // What concerns the whole entity comes first, then the fields by name.
  std::vector<std::string> texts, of_fields;
  for (const auto& [key, value] : faults.items()) {
    if (key != "@entity") {
      flatten(key, value, of_fields);
      continue;
    }
    for (const Json& text : value) texts.push_back(text.get<std::string>());
  }
  std::ranges::sort(of_fields);
  texts.insert(texts.end(), of_fields.begin(), of_fields.end());
  if (texts.size() == 1) return fmt::format("schema violation ({})", texts.front());
  return fmt::format("{} schema violations ({})", texts.size(), text::join(texts, "; "));
}

}  // namespace sallyport::model
