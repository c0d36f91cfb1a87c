#include "model/declared_store.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/json.h"
#include "base/text.h"
#include "base/uuid.h"
#include "model/page_filter.h"

namespace sallyport::model {
namespace {

std::string lookup_key(std::string_view field, std::string_view value) {
  return fmt::format("{}:{}", field, value);
}

const std::string& id_of(const Json& row) {
  return row.at("id").get_ref<const std::string&>();
}

std::unexpected<StoreFault> unsupported(std::string_view operation, const EntitySchema& entity) {
  StoreFault fault{.kind = StoreFault::Kind::unsupported};
  fault.error = Error{
      "store.declared", Side::client, Retry::never,
      fmt::format("cannot {} '{}' entities when not using a database", operation, entity.name),
      "send the whole configuration to POST /config"};
  return std::unexpected(std::move(fault));
}

}  // namespace

DeclaredStore::DeclaredStore() = default;
DeclaredStore::~DeclaredStore() = default;

void DeclaredStore::replace(Declaration declaration) {
  tables_.clear();
  declaration_ = std::move(declaration);
  for (Declaration::Rows& rows : declaration_.entities) {
    std::ranges::sort(rows.rows, {}, id_of);
    Table& made = tables_[rows.entity];
    made.rows = &rows.rows;
    for (size_t i = 0; i < rows.rows.size(); ++i) {
      const Json& row = rows.rows[i];
      made.by_value.emplace(lookup_key("id", id_of(row)), i);
      for (const Field& field : rows.entity->fields) {
        bool name = field.unique || field.name == rows.entity->endpoint_key;
        auto value = row.find(field.name);
        if (!name || value == row.end() || !value->is_string()) continue;
        made.by_value.emplace(lookup_key(field.name, value->get_ref<const std::string&>()), i);
      }
    }
  }
}

const DeclaredStore::Table* DeclaredStore::table(const EntitySchema& entity) const {
  auto found = tables_.find(&entity);
  return found == tables_.end() ? nullptr : &found->second;
}

// An offset is the position of the row that comes next.
Stored<Page> DeclaredStore::tagged(std::string_view tag, const PageQuery& query) {
  auto start = query.offset.empty() ? std::optional<int64_t>(0) : text::to_integer(query.offset);
  if (!start || *start < 0) {
    return std::unexpected(StoreFault{.kind = StoreFault::Kind::bad_offset});
  }
  Page page;
  int64_t at = 0;
  for (const Declaration::Rows& rows : declaration_.entities) {
    for (const Json& row : rows.rows) {
      auto tags = row.find("tags");
      if (tags == row.end() || !tags->is_array()) continue;
      for (const Json& own : *tags) {
        if (!tag.empty() && own != tag) continue;
        if (at++ < *start) continue;
        if (page.rows.size() == static_cast<size_t>(query.size)) {
          page.next_offset = std::to_string(at - 1);
          return page;
        }
        page.rows.push_back(
            Json{{"tag", own}, {"entity_name", rows.entity->name}, {"entity_id", row.at("id")}});
      }
    }
  }
  return page;
}

// An offset is the id after which the page begins, so that it survives a new declaration.
Stored<Page> DeclaredStore::page(const EntitySchema& entity, const PageQuery& query) {
  std::string after;
  if (!query.offset.empty()) {
    auto id = text::from_base64(query.offset);
    if (!id || !is_uuid(*id)) {
      return std::unexpected(StoreFault{.kind = StoreFault::Kind::bad_offset});
    }
    after = *id;
  }
  Page page;
  const Table* known = table(entity);
  if (known == nullptr) return page;
  auto row = std::ranges::upper_bound(*known->rows, after, {}, id_of);
  for (; row != known->rows->end(); ++row) {
    if (!selected(*row, query)) continue;
    if (page.rows.size() == static_cast<size_t>(query.size)) {
      page.next_offset = text::base64(id_of(page.rows.back()));
      break;
    }
    page.rows.push_back(*row);
  }
  return page;
}

Stored<std::optional<Json>> DeclaredStore::find(const EntitySchema& entity, std::string_view field,
                                                std::string_view value) {
  const Table* known = table(entity);
  if (known == nullptr) return std::nullopt;
  auto found = known->by_value.find(lookup_key(field, value));
  if (found == known->by_value.end()) return std::nullopt;
  return (*known->rows)[found->second];
}

Stored<Json> DeclaredStore::insert(const EntitySchema& entity, const Json&) {
  return unsupported("create", entity);
}

Stored<std::optional<Json>> DeclaredStore::update(const EntitySchema& entity, const Json&) {
  return unsupported("update", entity);
}

Stored<Json> DeclaredStore::upsert(const EntitySchema& entity, const Json&) {
  return unsupported("create or update", entity);
}

Stored<bool> DeclaredStore::remove(const EntitySchema& entity, std::string_view) {
  return unsupported("remove", entity);
}

}  // namespace sallyport::model
