#include "model/columns.h"

namespace sallyport::model {

std::string_view sql_name(ColumnType type) {
  switch (type) {
    case ColumnType::text:
      return "text";
    case ColumnType::uuid:
      return "uuid";
    case ColumnType::integer:
      return "bigint";
    case ColumnType::number:
      return "double precision";
    case ColumnType::boolean:
      return "boolean";
    case ColumnType::timestamp:
      return "timestamptz";
    case ColumnType::jsonb:
      return "jsonb";
    case ColumnType::text_array:
      return "text[]";
    case ColumnType::uuid_array:
      return "uuid[]";
    case ColumnType::integer_array:
      return "bigint[]";
    case ColumnType::number_array:
      return "double precision[]";
    case ColumnType::boolean_array:
      return "boolean[]";
    case ColumnType::jsonb_array:
      return "jsonb[]";
  }
  return "text";
}

namespace {

ColumnType array_of(const Field& elements) {
  switch (elements.type) {
    case FieldType::string:
      return elements.uuid ? ColumnType::uuid_array : ColumnType::text_array;
    case FieldType::integer:
      return ColumnType::integer_array;
    case FieldType::number:
      return ColumnType::number_array;
    case FieldType::boolean:
      return ColumnType::boolean_array;
    default:
      return ColumnType::jsonb_array;
  }
}

ColumnType type_of(const Field& field) {
  if (field.timestamp) return ColumnType::timestamp;
  switch (field.type) {
    case FieldType::string:
      return field.uuid ? ColumnType::uuid : ColumnType::text;
    case FieldType::integer:
      return ColumnType::integer;
    case FieldType::number:
      return ColumnType::number;
    case FieldType::boolean:
      return ColumnType::boolean;
    case FieldType::array:
    case FieldType::set:
      return array_of(field.elements());
    case FieldType::foreign:
      return ColumnType::uuid;
    case FieldType::map:
    case FieldType::record:
    case FieldType::json:
      return ColumnType::jsonb;
  }
  return ColumnType::text;
}

}  // namespace

Column column(const Field& field) {
  std::string name = field.type == FieldType::foreign ? field.name + "_id" : field.name;
  return {std::move(name), type_of(field), &field};
}

std::vector<Column> columns(const EntitySchema& entity) {
  std::vector<Column> result;
  for (const Field& field : entity.fields) {
    if (!field.transient) result.push_back(column(field));
  }
  return result;
}

}  // namespace sallyport::model
