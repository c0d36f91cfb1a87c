#include "postgres/seen_rows.h"

namespace sallyport::postgres {
namespace {

std::string key(const model::EntitySchema& entity, std::string_view field, std::string_view value) {
  std::string out = entity.name;
  out += '\0';
  out += field;
  out += '\0';
  out += value;
  return out;
}

// The key under which the row stands for `field`; empty when it has no such text.
std::string key_of(const model::EntitySchema& entity, const std::string& field, const Json& row) {
  auto value = field.empty() ? row.end() : row.find(field);
  if (value == row.end() || !value->is_string()) return {};
  return key(entity, field, value->get_ref<const std::string&>());
}

}  // namespace

const Json* SeenRows::find(const model::EntitySchema& entity, std::string_view field,
                           std::string_view value) const {
  auto found = rows_.find(key(entity, field, value));
  return found == rows_.end() ? nullptr : &found->second;
}

void SeenRows::remember(const model::EntitySchema& entity, const Json& row) {
  if (entity.ttl) return;  // it may end meanwhile
  if (rows_.size() >= kMost) rows_.clear();
  for (const std::string& field : {entity.primary_key[0], entity.endpoint_key}) {
    if (std::string name = key_of(entity, field, row); !name.empty()) rows_[name] = row;
  }
}

void SeenRows::forget(const model::EntitySchema& entity, const Json& id) {
  if (!id.is_string()) return;
  auto found = rows_.find(key(entity, entity.primary_key[0], id.get_ref<const std::string&>()));
  if (found == rows_.end()) return;
  const std::string name = key_of(entity, entity.endpoint_key, found->second);
  rows_.erase(found);
  rows_.erase(name);
}

}  // namespace sallyport::postgres
