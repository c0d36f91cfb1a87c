#include "model/infer.h"

#include "base/json.h"
#include "base/text.h"
#include "model/schemas.h"
#include "model/validate.h"

namespace sallyport::model {
namespace {

Json infer(const Field& field, const Json& value);

Json infer_text(const Field& field, const std::string& text) {
  if (text.empty() && field.type != FieldType::set && field.type != FieldType::array) {
    return nullptr;
  }
  switch (field.type) {
    case FieldType::integer:
    case FieldType::number:
      if (auto whole = text::to_integer(text)) return *whole;
      if (auto number = text::to_number(text)) return *number;
      return text;
    case FieldType::boolean:
      if (text == "true") return true;
      if (text == "false") return false;
      return text;
    case FieldType::array:
    case FieldType::set:
      if (text.empty()) return nullptr;
      return Json::array({infer(field.elements(), text)});
    default:
      return text;
  }
}

Json infer_record(const Shape& shape, const Json& record) {
  Json out = Json::object();
  for (const auto& [key, value] : record.items()) {
    const Field* field = shape.find(key);
    for (const Shorthand& shorthand : shape.shorthands) {
      if (shorthand.field.name == key) field = &shorthand.field;
    }
    out[key] = field == nullptr ? value : infer(*field, value);
  }
  return out;
}

Json infer(const Field& field, const Json& value) {
  if (value.is_string()) return infer_text(field, value.get_ref<const std::string&>());
  bool list = field.type == FieldType::array || field.type == FieldType::set;
  if (value.is_array() && list) {
    Json out = Json::array();
    for (const Json& element : value) out.push_back(infer(field.elements(), element));
    return out;
  }
  if (!value.is_object()) return value;
  if (field.type == FieldType::record && field.shape) return infer_record(*field.shape, value);
  if (field.type == FieldType::map) {
    Json out = Json::object();
    for (const auto& [key, element] : value.items()) out[key] = infer(field.values(), element);
    return out;
  }
  const EntitySchema* target =
      field.type == FieldType::foreign ? find_entity(field.reference) : nullptr;
  return target == nullptr ? value : infer_record(*target, value);
}

}  // namespace

Json infer_types(const EntitySchema& entity, const Json& form, const Json* row) {
  Json out = Json::object();
  for (const auto& [key, value] : form.items()) {
    bool chosen =
        row == nullptr || entity.subschema_key.empty() || form.contains(entity.subschema_key);
    const Field* field = field_in_force(entity, chosen ? form : *row, key);
    for (const Shorthand& shorthand : entity.shorthands) {
      if (shorthand.field.name == key) field = &shorthand.field;
    }
    out[key] = field == nullptr ? value : infer(*field, value);
  }
  return out;
}

}  // namespace sallyport::model
