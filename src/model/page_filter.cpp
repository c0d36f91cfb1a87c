#include "model/page_filter.h"

#include <algorithm>

#include "base/json.h"

namespace sallyport::model {

bool selected(const Json& row, const PageQuery& query) {
  if (!query.foreign_field.empty()) {
    auto reference = row.find(query.foreign_field);
    if (reference == row.end() || !reference->is_object() ||
        reference->value("id", "") != query.foreign_id) {
      return false;
    }
  }
  for (const auto& [field, value] : query.equals) {
    auto own = row.find(field);
    if (own == row.end()) return false;
    if (own->is_array() ? std::ranges::find(*own, Json(value)) == own->end() : *own != value) {
      return false;
    }
  }
  if (!query.positive.empty() && row.value(query.positive, 0) <= 0) return false;
  if (query.tags.tags.empty()) return true;
  auto tags = row.find("tags");
  auto has = [&](const std::string& tag) {
    return tags != row.end() && tags->is_array() &&
           std::ranges::find(*tags, Json(tag)) != tags->end();
  };
  return query.tags.any ? std::ranges::any_of(query.tags.tags, has)
                        : std::ranges::all_of(query.tags.tags, has);
}

}  // namespace sallyport::model
