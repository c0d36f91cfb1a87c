// The rows that a transaction has found or written, by id and by endpoint key: a batch names the
// same service a thousand times, and each question costs the server as much as a write. What other
// sessions change meanwhile it does not see; foreign keys and unique indexes refuse what must not
// be. Of one Store; control thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/json.h"
#include "model/schema.h"

namespace sallyport::postgres {

class SeenRows {
 public:
  // Null when it has not been seen under this field.
  const Json* find(const model::EntitySchema& entity, std::string_view field,
                   std::string_view value) const;
  void remember(const model::EntitySchema& entity, const Json& row);
  // Before a row is changed, whatever it was called.
  void forget(const model::EntitySchema& entity, const Json& id);
  void clear() { rows_.clear(); }

 private:
  static constexpr size_t kMost = 20'000;  // names; a transaction of more begins anew

  std::unordered_map<std::string, Json> rows_;
};

}  // namespace sallyport::postgres
