// From a client's body to a stored row: shorthands, references by name, defaults, validation, and
// the write itself. One per AdminApi; control thread.
#pragma once

#include <expected>
#include <optional>
#include <string>

#include "admin/answer.h"
#include "admin/certificate_names.h"
#include "base/json_fwd.h"
#include "model/schema.h"
#include "model/store.h"

namespace sallyport::admin {

class EntityWriter {
 public:
  explicit EntityWriter(model::Store& store) : store_(store), names_(store) {}

  // The stored row, or the answer that says why not.
  std::expected<Json, Answer> create(const model::EntitySchema& entity, Json input);
  // `existing` is the row that is replaced, when there is one.
  std::expected<Json, Answer> upsert(const model::EntitySchema& entity, Json input,
                                     const std::optional<Json>& existing);
  // Nothing when the row is gone by now.
  std::expected<std::optional<Json>, Answer> update(const model::EntitySchema& entity,
                                                    const Json& existing, Json patch);
  // Null, or the answer that says why not.
  std::expected<void, Answer> remove(const model::EntitySchema& entity, const std::string& id);
  // The faults that a creation would have; null when there are none. Writes nothing and resolves
  // no references.
  static Json check(const model::EntitySchema& entity, Json input);

 private:
  // Replaces {"name": …} by {"id": …} where it names a row.
  std::expected<void, Answer> resolve_references(const model::EntitySchema& entity, Json& input);
  std::expected<void, Answer> resolve(const model::Field& field, Json& reference);

  // Everything up to the complete, checked row.
  std::expected<Json, Answer> prepared(const model::EntitySchema& entity, Json input);
  // Stores `row` through `store`, with the names of a certificate beside it in one transaction.
  template <typename Store>
  std::expected<std::optional<Json>, Answer> write(const model::EntitySchema& entity, Json row,
                                                   const Store& store);

  model::Store& store_;
  CertificateNames names_;
};

}  // namespace sallyport::admin
