// From a client's body to a stored row: shorthands, references by name, defaults, validation, and
// the write itself. One per AdminApi; control thread.
#pragma once

#include <expected>
#include <optional>
#include <string>

#include "admin/answer.h"
#include "base/json_fwd.h"
#include "model/schema.h"
#include "model/store.h"

namespace sallyport::admin {

class EntityWriter {
 public:
  explicit EntityWriter(model::Store& store) : store_(store) {}

  // The stored row, or the answer that says why not.
  std::expected<Json, Answer> create(const model::EntitySchema& entity, Json input);
  // `existing` is the row that is replaced, when there is one.
  std::expected<Json, Answer> upsert(const model::EntitySchema& entity, Json input,
                                     const std::optional<Json>& existing);
  // Nothing when the row is gone by now.
  std::expected<std::optional<Json>, Answer> update(const model::EntitySchema& entity,
                                                    const Json& existing, Json patch);
  // The faults that a creation would have; null when there are none. Writes nothing and resolves
  // no references.
  static Json check(const model::EntitySchema& entity, Json input);

 private:
  // Replaces {"name": …} by {"id": …} where it names a row.
  std::expected<void, Answer> resolve_references(const model::EntitySchema& entity, Json& input);
  std::expected<void, Answer> resolve(const model::Field& field, Json& reference);

  model::Store& store_;
};

}  // namespace sallyport::admin
