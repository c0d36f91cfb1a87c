#include "model/complete.h"

#include <cmath>
#include <cstdint>
#include <set>

#include <fmt/format.h>
#include <sys/random.h>

#include "base/json.h"
#include "base/uuid.h"
#include "model/paths.h"
#include "model/validate.h"

namespace sallyport::model {
namespace {

Json complete_shape(const Shape& shape, const Shape* sub, const Json& input, double now);

// 32 letters and digits from the kernel's generator: keys and secrets nobody gave.
std::string random_token() {
  static constexpr char kAlphabet[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  std::string token;
  while (token.size() < 32) {
    uint8_t bytes[32];
    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes) std::abort();
    for (uint8_t byte : bytes) {
      if ((byte & 63) < 62 && token.size() < 32) token += kAlphabet[byte & 63];
    }
  }
  return token;
}

Json timestamp(const Field& field, double now) {
  if (field.type == FieldType::integer) return static_cast<int64_t>(now);
  return std::round(now * 1000) / 1000;
}

Json automatic_value(const Field& field, double now) {
  if (field.timestamp) return timestamp(field, now);
  if (field.uuid) return new_uuid();
  return field.type == FieldType::string ? Json(random_token()) : Json(nullptr);
}

Json without_repetitions(const Json& list) {
  Json kept = Json::array();
  std::set<std::string> seen;
  for (const Json& value : list) {
    if (seen.insert(to_text(value)).second) kept.push_back(value);
  }
  return kept;
}

Json complete_map(const Field& field, const Json& map, double now) {
  const Field& values = field.values();
  if (values.type != FieldType::record) return map;
  Json out = Json::object();
  for (const auto& [key, value] : map.items()) {
    out[key] = value.is_object() ? complete_shape(*values.shape, nullptr, value, now) : value;
  }
  return out;
}

Json complete_list(const Field& field, const Json& list, double now) {
  const Field& elements = field.elements();
  Json out = Json::array();
  for (const Json& value : list) {
    bool record = elements.type == FieldType::record && value.is_object();
    out.push_back(record ? complete_shape(*elements.shape, nullptr, value, now) : value);
  }
  return field.type == FieldType::set ? without_repetitions(out) : out;
}

// A value that was given, in its canonical form.
Json complete_value(const Field& field, const Json& value, double now) {
  switch (field.type) {
    case FieldType::string:
      if (!field.canonical || !value.is_string()) return value;
      return field.canonical(value.get_ref<const std::string&>());
    case FieldType::integer:
      if (value.is_number_float()) {
        double number = value.get<double>();
        if (std::nearbyint(number) == number && std::abs(number) < 9e15) {
          return static_cast<int64_t>(number);
        }
      }
      return value;
    case FieldType::array:
    case FieldType::set:
      return value.is_array() ? complete_list(field, value, now) : value;
    case FieldType::map:
      return value.is_object() ? complete_map(field, value, now) : value;
    case FieldType::record:
      if (field.abstract || !value.is_object()) return value;
      return complete_shape(*field.shape, nullptr, value, now);
    case FieldType::foreign: {
      if (!value.is_object()) return value;
      auto id = value.find("id");
      bool sound = id != value.end() && id->is_string() && is_uuid(id->get<std::string>());
      return sound ? Json{{"id", *id}} : value;
    }
    default:
      return value;
  }
}

Json absent_value(const Field& field, double now) {
  if (field.defaults.has_value()) return complete_value(field, field.defaults.value(), now);
  if (field.automatic) return automatic_value(field, now);
  if (field.type == FieldType::record && field.required) {
    return complete_shape(*field.shape, nullptr, Json::object(), now);  // {} when abstract
  }
  return nullptr;
}

Json complete_shape(const Shape& shape, const Shape* sub, const Json& input, double now) {
  Json row = Json::object();
  for (const Field& declared : shape.fields) {
    const Field* over = sub == nullptr ? nullptr : sub->find(declared.name);
    const Field& field = over == nullptr ? declared : *over;
    auto given = input.find(field.name);
    bool filled = field.automatic || field.null_is_default;
    bool absent = given == input.end() || (given->is_null() && filled);
    row[field.name] = absent ? absent_value(field, now) : complete_value(field, *given, now);
  }
  for (const auto& [key, value] : input.items()) {
    if (!row.contains(key)) row[key] = value;
  }
  return row;
}

// The default of the field that chooses the sub-schema must be known before the others are.
const Shape* subschema_for(const EntitySchema& entity, const Json& input) {
  if (!entity.subschema) return nullptr;
  if (input.contains(entity.subschema_key)) return subschema_of(entity, input);
  const Field* key = entity.find(entity.subschema_key);
  if (key == nullptr || !key->defaults.has_value()) return nullptr;
  return subschema_of(entity, Json{{entity.subschema_key, key->defaults.value()}});
}

Json merge_shape(const Shape& shape, const Json& row, const Json& patch) {
  Json merged = row;
  for (const auto& [key, value] : patch.items()) {
    const Field* field = shape.find(key);
    auto old = row.find(key);
    bool record = field != nullptr && field->type == FieldType::record && value.is_object() &&
                  old != row.end() && old->is_object();
    if (!record) {
      merged[key] = value;
    } else if (field->abstract || field->shape == nullptr) {
      merged[key] = *old;
      merged[key].update(value);
    } else {
      merged[key] = merge_shape(*field->shape, *old, value);
    }
  }
  return merged;
}

}  // namespace

namespace {

std::string bare(const Json& value) {
  return value.is_string() ? value.get<std::string>() : to_text(value);
}

// An old name that is given with its new one must not say something else.
std::string mismatch(const Shorthand& shorthand, const Json& value, const Json& input) {
  if (shorthand.replaced_by.empty()) return {};
  const Json* other = get_path(input, shorthand.replaced_by);
  if (other == nullptr || other->is_null() || *other == value) return {};
  return fmt::format(
      "both deprecated and new field are used but their values mismatch: {} = {} vs {} = {}",
      shorthand.field.name, bare(value), shorthand.replaced_by, bare(*other));
}

// The fault of one shorthand, which is gone from `input` then, unless it is a field as well.
Json expand_one(const Shape& shape, const Shorthand& shorthand, Json& input) {
  auto given = input.find(shorthand.field.name);
  if (given == input.end()) return nullptr;
  Json value = *given;
  if (shape.find(shorthand.field.name) == nullptr) input.erase(given);
  if (value.is_null()) return nullptr;
  Json fault = validate_value(shorthand.field, value);
  if (!fault.is_null()) return fault;
  if (std::string text = mismatch(shorthand, value, input); !text.empty()) return text;
  shorthand.expand(value, input);
  return nullptr;
}

void show_shorthands(const Shape& shape, Json& record) {
  for (const Field& field : shape.fields) {
    auto inside = record.find(field.name);
    bool within = field.type == FieldType::record && !field.abstract && field.shape != nullptr &&
                  inside != record.end() && inside->is_object();
    if (within) show_shorthands(*field.shape, *inside);
  }
  for (const Shorthand& shorthand : shape.shorthands) {
    if (shorthand.replaced_by.empty()) continue;
    const Json* value = get_path(record, shorthand.replaced_by);
    record[shorthand.field.name] = value == nullptr ? Json(nullptr) : Json(*value);
  }
}

}  // namespace

Json expand_shorthands(const Shape& shape, const Shape* sub, Json& input) {
  Json faults = Json::object();
  for (const Field& declared : shape.fields) {
    const Field* over = sub == nullptr ? nullptr : sub->find(declared.name);
    const Field& field = over == nullptr ? declared : *over;
    auto inside = input.find(field.name);
    bool within = field.type == FieldType::record && !field.abstract && field.shape != nullptr &&
                  inside != input.end() && inside->is_object();
    if (!within) continue;
    Json fault = expand_shorthands(*field.shape, nullptr, *inside);
    if (!fault.is_null()) faults[field.name] = std::move(fault);
  }
  for (const Shorthand& shorthand : shape.shorthands) {
    Json fault = expand_one(shape, shorthand, input);
    if (!fault.is_null()) faults[shorthand.field.name] = std::move(fault);
  }
  return faults.empty() ? Json(nullptr) : faults;
}

Json complete(const EntitySchema& entity, const Json& input, double now) {
  Json row = complete_shape(entity, subschema_for(entity, input), input, now);
  if (const Field* updated = entity.find("updated_at"))
    row["updated_at"] = timestamp(*updated, now);
  return row;
}

Json merge(const EntitySchema& entity, const Json& row, const Json& patch) {
  const Shape* sub = subschema_of(entity, row);
  Json merged = merge_shape(entity, row, patch);
  if (sub == nullptr) return merged;
  for (const Field& field : sub->fields) {  // records whose shape comes from the sub-schema
    bool record = field.type == FieldType::record && field.shape != nullptr;
    if (record && patch.contains(field.name) && patch[field.name].is_object() &&
        row.contains(field.name) && row[field.name].is_object()) {
      merged[field.name] = merge_shape(*field.shape, row[field.name], patch[field.name]);
    }
  }
  return merged;
}

Json stored_row(const EntitySchema& entity, Json row) {
  for (const Field& field : entity.fields) {
    auto value = row.find(field.name);
    if (value == row.end()) {
      row[field.name] = nullptr;
      value = row.find(field.name);
    }
    if (value->is_null() && field.required && field.defaults.has_value()) {
      *value = field.defaults.value();
    }
  }
  return row;
}

Json shown_row(const EntitySchema& entity, Json row) {
  row = stored_row(entity, std::move(row));
  if (const Shape* sub = subschema_of(entity, row)) show_shorthands(*sub, row);
  return row;
}

}  // namespace sallyport::model
