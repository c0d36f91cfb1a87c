// How rows of each entity get into the Model: one line per entity that the data plane reads
// (row_table.cpp). For the Builder.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <unordered_set>

#include "base/error.h"
#include "base/json_fwd.h"
#include "model/model.h"
#include "model/schema.h"

namespace sallyport::runtime {

struct RowTable {
  const model::EntitySchema* entity;
  // Decodes the row and puts it in. False when it is what was there already.
  Result<bool> (*take)(model::Model& model, const std::string& id, const Json& row);
  // True when it was there.
  bool (*erase)(model::Model& model, const std::string& id);
  // Erases everything whose id is not among `present`. True when there was something.
  bool (*keep_only)(model::Model& model, const std::unordered_set<std::string_view>& present);
};

std::span<const RowTable> row_tables();

// Null for entities that the data plane does not read.
const RowTable* row_table(const model::EntitySchema* entity);

}  // namespace sallyport::runtime
