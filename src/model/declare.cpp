#include "model/declare.h"

#include "base/json.h"
#include "model/formats.h"
#include "model/rules.h"

namespace sallyport::model::declare {

namespace {

Field make(std::string name, FieldType type, Attributes attributes) {
  Field field;
  static_cast<Attributes&>(field) = std::move(attributes);
  field.name = std::move(name);
  field.type = type;
  return with_ordered_rules(std::move(field));
}

}  // namespace

Field with_ordered_rules(Field field) {
  order_rules(field.rules);
  return field;
}

Field string(std::string name, Attributes attributes) {
  return make(std::move(name), FieldType::string, std::move(attributes));
}
Field integer(std::string name, Attributes attributes) {
  return make(std::move(name), FieldType::integer, std::move(attributes));
}
Field number(std::string name, Attributes attributes) {
  return make(std::move(name), FieldType::number, std::move(attributes));
}
Field boolean(std::string name, Attributes attributes) {
  return make(std::move(name), FieldType::boolean, std::move(attributes));
}
Field json(std::string name, Attributes attributes) {
  return make(std::move(name), FieldType::json, std::move(attributes));
}

Field array(std::string name, Field elements, Attributes attributes) {
  Field field = make(std::move(name), FieldType::array, std::move(attributes));
  field.parts.push_back(std::move(elements));
  return field;
}

Field set(std::string name, Field elements, Attributes attributes) {
  Field field = make(std::move(name), FieldType::set, std::move(attributes));
  field.parts.push_back(std::move(elements));
  return field;
}

Field map(std::string name, Field keys, Field values, Attributes attributes) {
  Field field = make(std::move(name), FieldType::map, std::move(attributes));
  field.parts.push_back(std::move(keys));
  field.parts.push_back(std::move(values));
  return field;
}

Field record(std::string name, Shape shape, Attributes attributes) {
  Field field = make(std::move(name), FieldType::record, std::move(attributes));
  field.shape = std::make_shared<const Shape>(std::move(shape));
  return field;
}

Field foreign(std::string name, std::string entity, Attributes attributes) {
  Field field = make(std::move(name), FieldType::foreign, std::move(attributes));
  field.reference = std::move(entity);
  return field;
}

Field id() {
  return string("id", {.automatic = true, .uuid = true});
}

Field created_at() {
  return integer("created_at", {.automatic = true, .timestamp = true});
}

Field updated_at() {
  return integer("updated_at", {.automatic = true, .timestamp = true});
}

Field timestamp_ms(std::string name) {
  return number(std::move(name), {.automatic = true, .timestamp = true});
}

Field tags() {
  return set("tags", string("", {.required = true, .rules = {custom_text(formats::tag)}}));
}

}  // namespace sallyport::model::declare
