// How the fields of an entity become columns of its table. Follows from the declaration alone:
//   foreign              <name>_id  uuid
//   array, set           text[], uuid[], bigint[], … by their elements; jsonb[] for records
//   map, record, json    jsonb
//   timestamps           timestamptz (rows show Unix seconds)
// Transient fields have none. `ws_id` and `cache_key` are columns but no fields: the store adds
// them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/schema.h"

namespace sallyport::model {

enum class ColumnType : uint8_t {
  text,
  uuid,
  integer,
  number,
  boolean,
  timestamp,
  jsonb,
  text_array,
  uuid_array,
  integer_array,
  number_array,
  boolean_array,
  jsonb_array,
};

// PostgreSQL's name for a cast: "uuid", "text[]", "timestamptz".
std::string_view sql_name(ColumnType type);

struct Column {
  std::string name;
  ColumnType type = ColumnType::text;
  const Field* field = nullptr;  // of the schema, which outlives the program
};

std::vector<Column> columns(const EntitySchema& entity);
Column column(const Field& field);

}  // namespace sallyport::model
