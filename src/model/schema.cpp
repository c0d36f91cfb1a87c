#include "model/schema.h"

#include <algorithm>

namespace sallyport::model {

std::string_view name(FieldType type) {
  switch (type) {
    case FieldType::string:
      return "string";
    case FieldType::integer:
      return "integer";
    case FieldType::number:
      return "number";
    case FieldType::boolean:
      return "boolean";
    case FieldType::array:
      return "array";
    case FieldType::set:
      return "set";
    case FieldType::map:
      return "map";
    case FieldType::record:
      return "record";
    case FieldType::foreign:
      return "foreign";
    case FieldType::json:
      return "json";
  }
  return "json";
}

const Field* Shape::find(std::string_view field_name) const {
  auto found = std::ranges::find(fields, field_name, &Field::name);
  return found == fields.end() ? nullptr : &*found;
}

}  // namespace sallyport::model
