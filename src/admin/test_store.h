// For tests: a Store in memory that refuses what the database would refuse, and a NodeInfo with
// known values.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "admin/admin_api.h"
#include "admin/node_info.h"
#include "base/json.h"
#include "model/schemas.h"
#include "model/store.h"

namespace sallyport::admin {

class MemoryStore final : public model::Store {
 public:
  using Entity = const model::EntitySchema&;

  model::Stored<model::Page> page(Entity entity, const model::PageQuery& query) override {
    if (!up) return std::unexpected(away());
    if (broken) return std::unexpected(*broken);
    std::vector<Json> hits;
    for (const Json& row : rows[entity.name]) {
      if (selected(row, query)) hits.push_back(row);
    }
    size_t begin = 0;
    if (!query.offset.empty()) {
      begin = std::strtoul(query.offset.c_str(), nullptr, 10);
      if (begin == 0) {
        return std::unexpected(model::StoreFault{.kind = model::StoreFault::Kind::bad_offset});
      }
    }
    model::Page page;
    size_t end = std::min(hits.size(), begin + static_cast<size_t>(query.size));
    for (size_t i = begin; i < end; ++i) page.rows.push_back(hits[i]);
    if (end < hits.size()) page.next_offset = std::to_string(end);
    return page;
  }

  model::Stored<std::optional<Json>> find(Entity entity, std::string_view field,
                                          std::string_view value) override {
    if (!up) return std::unexpected(away());
    for (const Json& row : rows[entity.name]) {
      if (row.at(std::string(field)) == value) return row;
    }
    return std::nullopt;
  }

  model::Stored<Json> insert(Entity entity, const Json& row) override {
    if (auto fault = refusal(entity, row, true)) return std::unexpected(*fault);
    rows[entity.name].push_back(row);
    return row;
  }

  model::Stored<std::optional<Json>> update(Entity entity, const Json& row) override {
    if (auto fault = refusal(entity, row, false)) return std::unexpected(*fault);
    for (Json& old : rows[entity.name]) {
      if (old["id"] == row["id"]) return old = row;
    }
    return std::nullopt;
  }

  model::Stored<Json> upsert(Entity entity, const Json& row) override {
    auto updated = update(entity, row);
    if (!updated) return std::unexpected(updated.error());
    if (*updated) return **updated;
    return insert(entity, row);
  }

  model::Stored<bool> remove(Entity entity, std::string_view id) override {
    if (!up) return std::unexpected(away());
    for (const model::EntitySchema* other : model::entities()) {
      for (const model::Field& field : other->fields) {
        if (field.reference != entity.name || field.on_delete != model::OnDelete::refuse) continue;
        for (const Json& row : rows[other->name]) {
          if (row[field.name].is_null() || row[field.name]["id"] != id) continue;
          return std::unexpected(
              model::StoreFault{.kind = model::StoreFault::Kind::referenced, .other = other->name});
        }
      }
    }
    return std::erase_if(rows[entity.name], [&](const Json& r) { return r.at("id") == id; }) > 0;
  }

  model::Stored<model::Page> tagged(std::string_view tag, const model::PageQuery&) override {
    model::Page page;
    for (const auto& [entity, list] : rows) {
      for (const Json& row : list) {
        for (const Json& own : row.value("tags", Json::array())) {
          if (!tag.empty() && own != tag) continue;
          page.rows.push_back(
              Json{{"tag", own}, {"entity_name", entity}, {"entity_id", row.at("id")}});
        }
      }
    }
    return page;
  }

  bool reachable() const override { return up; }

  bool up = true;
  std::optional<model::StoreFault> broken;  // what every page is refused with
  std::map<std::string, std::vector<Json>> rows;

 private:
  static model::StoreFault away() {
    return {
        .kind = model::StoreFault::Kind::unavailable,
        .error = {
            .code = "link.refused", .detail = "127.0.0.1:5432 refuses connections", .remedy = ""}};
  }

  static bool selected(const Json& row, const model::PageQuery& query) {
    if (!query.foreign_field.empty()) {
      const Json& reference = row.at(query.foreign_field);
      if (reference.is_null() || reference.at("id") != query.foreign_id) return false;
    }
    for (const auto& [field, value] : query.equals) {
      if (row.at(field) != value) return false;
    }
    auto has = [&](const std::string& tag) {
      const Json& tags = row.at("tags");
      return tags.is_array() && std::ranges::find(tags, Json(tag)) != tags.end();
    };
    if (query.tags.tags.empty()) return true;
    if (query.tags.any) return std::ranges::any_of(query.tags.tags, has);
    return std::ranges::all_of(query.tags.tags, has);
  }

  std::optional<model::StoreFault> refusal(Entity entity, const Json& row, bool is_new) {
    if (!up) return away();
    for (const Json& old : rows[entity.name]) {
      if (old["id"] == row["id"]) {
        if (is_new)
          return model::StoreFault{.kind = model::StoreFault::Kind::primary_key,
                                   .fields = {{"id", ""}}};
        continue;
      }
      for (const model::Field& field : entity.fields) {
        if (field.unique && !row[field.name].is_null() && old[field.name] == row[field.name]) {
          return model::StoreFault{.kind = model::StoreFault::Kind::unique,
                                   .fields = {{field.name, ""}}};
        }
      }
    }
    for (const model::Field& field : entity.fields) {
      if (field.type != model::FieldType::foreign || row[field.name].is_null()) continue;
      const auto& parents = rows[field.reference];
      bool found = std::ranges::any_of(
          parents, [&](const Json& p) { return p.at("id") == row[field.name]["id"]; });
      if (!found)
        return model::StoreFault{.kind = model::StoreFault::Kind::foreign,
                                 .fields = {{field.name, ""}}};
    }
    return std::nullopt;
  }
};

class TestNode final : public NodeInfo {
 public:
  std::string hostname() const override { return "gateway.test"; }
  std::string node_id() const override { return "5fa85c8a-dab3-48db-a78e-d7fcc37859d1"; }
  Pids pids() const override { return {.master = 10, .workers = {11, 12}}; }
  Counters counters() const override { return {.connections_accepted = 3, .total_requests = 7}; }
  Memory memory() const override {
    return {.workers = {1 << 20, 3 << 19}, .resident = 5 << 20, .limit = 1u << 30};
  }
  Json configuration() const override { return Json{{"database", "postgres"}}; }
  std::vector<PluginFacts> plugins() const override {
    return {{.name = "key-auth", .version = "3.10.0", .priority = 1250}};
  }
  std::optional<LinkFacts> link() const override { return link_facts; }
  FeedFacts feed() const override { return {.sequence = 42, .snapshot_version = 3}; }
  std::string not_ready() const override { return waiting_for; }
  void set_draining(bool draining) override { waiting_for = draining ? "draining" : ""; }
  void set_log_level(log::Level, int64_t seconds) override { level_seconds = seconds; }
  std::vector<std::string> gui_origins() const override { return origins; }

  std::optional<LinkFacts> link_facts = LinkFacts{.connected = true, .host = "db.test"};
  std::string waiting_for;
  int64_t level_seconds = -1;
  std::vector<std::string> origins;
};

}  // namespace sallyport::admin
