#include "model/kept_rows.h"

#include <algorithm>
#include <set>

#include "base/json.h"
#include "base/text.h"
#include "base/uuid.h"
#include "model/page_filter.h"
#include "model/schema.h"

namespace sallyport::model {
namespace {

// The end of the JSON value that begins at `at`; only well-formed texts come here.
size_t end_of_value(std::string_view text, size_t at) {
  int depth = 0;
  bool quoted = false;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (quoted) {
      if (c == '\\') ++at;
      if (c == '"') quoted = false;
      continue;
    }
    if (c == '"') quoted = true;
    if (c == '{' || c == '[') ++depth;
    if (depth == 0 && (c == ',' || c == '}')) return at;
    if (c == '}' || c == ']') --depth;
  }
  return at;
}

// The object without those of its own fields that are null. Fields are not parsed: 100,000 rows
// shall not hold up a start.
std::string without_nulls(std::string_view row) {
  std::string out = "{";
  size_t at = row.find('{') + 1;
  while (at < row.size() && row[at] != '}') {
    size_t end = end_of_value(row, at);
    std::string_view field = text::trim(row.substr(at, end - at));
    if (!field.ends_with(":null") && !field.ends_with(": null") && !field.empty()) {
      if (out.size() > 1) out += ',';
      out += field;
    }
    at = end + 1;
  }
  out += '}';
  out.shrink_to_fit();
  return out;
}

Json row_of(const EntitySchema& entity, const std::string& text) {
  Json row = parse_json(text, 512);
  for (const Field& field : entity.fields) row.emplace(field.name, nullptr);
  if (entity.ttl) row.emplace("ttl", nullptr);
  return row;
}

std::string json_string(std::string_view text) {
  return to_text(Json(text));
}

// Texts that every selected row must hold: most rows need not be parsed.
std::vector<std::string> needles(const PageQuery& query) {
  std::vector<std::string> out;
  if (!query.foreign_id.empty()) out.push_back(json_string(query.foreign_id));
  for (const auto& [field, value] : query.equals) out.push_back(json_string(value));
  if (!query.tags.any) {
    for (const std::string& tag : query.tags.tags) out.push_back(json_string(tag));
  }
  return out;
}

bool holds(const std::string& text, const std::vector<std::string>& wanted) {
  return std::ranges::all_of(
      wanted, [&](const std::string& w) { return text.find(w) != std::string::npos; });
}

std::unexpected<StoreFault> not_kept() {
  StoreFault fault{.kind = StoreFault::Kind::unavailable};
  fault.error = Error{"store.not_kept", Side::database, Retry::later,
                      "the database is out of reach, and these rows are not kept here",
                      "See the log, or `sallyport doctor`"};
  return std::unexpected(std::move(fault));
}

}  // namespace

std::optional<KeptRows::Id> KeptRows::parse_id(std::string_view text) {
  if (!is_uuid(text)) return std::nullopt;
  Id id{};
  size_t digit = 0;
  for (char c : text) {
    if (c == '-') continue;
    const int value = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
    id[digit / 2] = static_cast<uint8_t>(id[digit / 2] << 4 | value);
    ++digit;
  }
  return id;
}

KeptRows::KeptRows(std::span<const EntitySchema* const> entities) {
  for (const EntitySchema* entity : entities) tables_[entity];
}

void KeptRows::apply(const ChangeBatch& batch) {
  if (batch.complete) {
    std::map<const EntitySchema*, Table> all;
    for (const auto& [entity, table] : tables_) all[entity];
    for (const Change& change : batch.changes) {
      auto id = parse_id(change.id);
      if (id && !change.row.empty()) all[change.entity][*id] = without_nulls(change.row);
    }
    const std::lock_guard lock(mutex_);
    tables_.swap(all);
    return;
  }
  const std::lock_guard lock(mutex_);
  for (const Change& change : batch.changes) {
    auto id = parse_id(change.id);
    if (!id) continue;
    if (change.row.empty()) {
      tables_[change.entity].erase(*id);
    } else {
      tables_[change.entity][*id] = without_nulls(change.row);
    }
  }
}

// An offset is the id after which the page begins, as in the database's pages.
Stored<Page> KeptRows::page(const EntitySchema& entity, const PageQuery& query) const {
  std::optional<Id> after;
  if (!query.offset.empty()) {
    auto text = text::from_base64(query.offset);
    if (text) after = parse_id(*text);
    if (!after) return std::unexpected(StoreFault{.kind = StoreFault::Kind::bad_offset});
  }
  const std::vector<std::string> wanted = needles(query);
  const std::lock_guard lock(mutex_);
  auto table = tables_.find(&entity);
  if (table == tables_.end()) return not_kept();
  Page page;
  auto row = after ? table->second.upper_bound(*after) : table->second.begin();
  for (; row != table->second.end(); ++row) {
    if (!holds(row->second, wanted)) continue;
    Json json = row_of(entity, row->second);
    if (!selected(json, query)) continue;
    if (page.rows.size() == static_cast<size_t>(query.size)) {
      page.next_offset = text::base64(page.rows.back()["id"].get<std::string>());
      break;
    }
    page.rows.push_back(std::move(json));
  }
  return page;
}

Stored<std::optional<Json>> KeptRows::find(const EntitySchema& entity, std::string_view field,
                                           std::string_view value) const {
  if (field == "id") {
    auto id = parse_id(value);
    const std::lock_guard lock(mutex_);
    auto table = tables_.find(&entity);
    if (table == tables_.end()) return not_kept();
    auto row = id ? table->second.find(*id) : table->second.end();
    if (row == table->second.end()) return std::nullopt;
    return row_of(entity, row->second);
  }
  auto page = this->page(entity, {.size = 1, .equals = {{std::string(field), std::string(value)}}});
  if (!page) return std::unexpected(std::move(page.error()));
  if (page->rows.empty()) return std::nullopt;
  return std::move(page->rows.front());
}

// An offset is the last row's "<entity_id> <tag>", as in the database's pages.
Stored<Page> KeptRows::tagged(std::string_view tag, const PageQuery& query) const {
  std::set<std::pair<std::pair<std::string, std::string>, std::string>> found;
  std::pair<std::string, std::string> after;
  if (!query.offset.empty()) {
    auto text = text::from_base64(query.offset);
    size_t space = text ? text->find(' ') : std::string::npos;
    if (space == std::string::npos || !is_uuid(text->substr(0, space))) {
      return std::unexpected(StoreFault{.kind = StoreFault::Kind::bad_offset});
    }
    after = {text->substr(0, space), text->substr(space + 1)};
  }
  const std::string wanted = tag.empty() ? "\"tags\"" : json_string(tag);
  const std::lock_guard lock(mutex_);
  for (const auto& [entity, table] : tables_) {
    for (const auto& [id, text] : table) {
      if (text.find(wanted) == std::string::npos) continue;
      Json row = row_of(*entity, text);
      auto tags = row.find("tags");
      if (tags == row.end() || !tags->is_array()) continue;
      for (const Json& own : *tags) {
        if (!own.is_string() || (!tag.empty() && own != tag)) continue;
        std::pair key(row["id"].get<std::string>(), own.get<std::string>());
        if (key > after) found.insert({std::move(key), entity->name});
      }
      if (found.size() > 4 * static_cast<size_t>(query.size)) {
        found.erase(std::next(found.begin(), query.size + 1), found.end());
      }
    }
  }
  Page page;
  for (const auto& [key, entity] : found) {
    if (page.rows.size() == static_cast<size_t>(query.size)) {
      const Json& last = page.rows.back();
      page.next_offset =
          text::base64(last["entity_id"].get<std::string>() + " " + last["tag"].get<std::string>());
      break;
    }
    page.rows.push_back(
        Json{{"tag", key.second}, {"entity_name", entity}, {"entity_id", key.first}});
  }
  return page;
}

}  // namespace sallyport::model
