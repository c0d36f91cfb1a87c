#include "model/fallback_store.h"

#include "base/json.h"

namespace sallyport::model {

template <typename T>
bool FallbackStore::falls_back(const Stored<T>& read) const {
  return !read && allowed_ && read.error().kind == StoreFault::Kind::unavailable;
}

template <typename T>
Stored<T> FallbackStore::kept(Stored<T> read) {
  fell_back_ = fell_back_ || read.has_value();
  return read;
}

Stored<Page> FallbackStore::page(const EntitySchema& entity, const PageQuery& query) {
  auto page = database_.page(entity, query);
  return falls_back(page) ? kept(kept_.page(entity, query)) : page;
}

Stored<std::optional<Json>> FallbackStore::find(const EntitySchema& entity, std::string_view field,
                                                std::string_view value) {
  auto found = database_.find(entity, field, value);
  return falls_back(found) ? kept(kept_.find(entity, field, value)) : found;
}

Stored<Page> FallbackStore::tagged(std::string_view tag, const PageQuery& query) {
  auto page = database_.tagged(tag, query);
  return falls_back(page) ? kept(kept_.tagged(tag, query)) : page;
}

Stored<Json> FallbackStore::insert(const EntitySchema& entity, const Json& row) {
  return database_.insert(entity, row);
}

Stored<std::optional<Json>> FallbackStore::update(const EntitySchema& entity, const Json& row) {
  return database_.update(entity, row);
}

Stored<Json> FallbackStore::upsert(const EntitySchema& entity, const Json& row) {
  return database_.upsert(entity, row);
}

Stored<bool> FallbackStore::remove(const EntitySchema& entity, std::string_view id) {
  return database_.remove(entity, id);
}

Stored<void> FallbackStore::begin(Refusals refusals) {
  return database_.begin(refusals);
}

Stored<void> FallbackStore::commit() {
  return database_.commit();
}

}  // namespace sallyport::model
