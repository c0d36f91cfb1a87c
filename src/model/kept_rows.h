// The rows as the change feed last saw them, for reading them while the database is away. They are
// kept as texts without the fields that are null, about a quarter of what they take as JSON;
// looking into them is slower than a database and fast enough for an outage. The feed's thread
// writes, the control thread reads.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "model/change.h"
#include "model/store.h"

namespace sallyport::model {

class KeptRows {
 public:
  // Of these entities; they outlive it.
  explicit KeptRows(std::span<const EntitySchema* const> entities);

  void apply(const ChangeBatch& batch);

  // As those of Store; StoreFault::unavailable for an entity that is not kept.
  Stored<Page> page(const EntitySchema& entity, const PageQuery& query) const;
  Stored<std::optional<Json>> find(const EntitySchema& entity, std::string_view field,
                                   std::string_view value) const;
  Stored<Page> tagged(std::string_view tag, const PageQuery& query) const;

 private:
  using Id = std::array<uint8_t, 16>;
  using Table = std::map<Id, std::string>;

  static std::optional<Id> parse_id(std::string_view text);

  mutable std::mutex mutex_;
  std::map<const EntitySchema*, Table> tables_;
};

}  // namespace sallyport::model
