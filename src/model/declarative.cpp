#include "model/declarative.h"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "base/uuid.h"
#include "model/complete.h"
#include "model/declarative_document.h"
#include "model/declarative_ids.h"
#include "model/declarative_items.h"
#include "model/schemas.h"
#include "model/validate.h"

namespace sallyport::model {
namespace {

// The text by which a reference names its target; nothing when it is none.
std::optional<std::string> target_key(const EntitySchema& target, const Json& reference) {
  if (reference.is_string()) return reference.get<std::string>();
  if (!reference.is_object()) return std::nullopt;
  for (const std::string& key : {std::string("id"), target.endpoint_key}) {
    auto found = key.empty() ? reference.end() : reference.find(key);
    if (found != reference.end() && found->is_string()) return found->get<std::string>();
  }
  return std::nullopt;
}

void resolve_reference(const DeclaredItems& items, DeclaredItem& item, const Field& field) {
  auto given = item.input.find(field.name);
  if (given == item.input.end() || given->is_null()) return;
  const EntitySchema* target = find_entity(field.reference);
  auto key = target == nullptr ? std::nullopt : target_key(*target, *given);
  if (!key) return;  // for validation to name
  if (auto id = items.find(*target, *key)) {
    item.input[field.name] = Json{{"id", *id}};
    return;
  }
  std::string shown = given->is_string() ? *key : to_text(*given);
  item.fault_of_whole(fmt::format("invalid reference '{}: {}' (no such entry in '{}')", field.name,
                                  shown, field.reference));
  // Sound, so that no second fault is found.
  item.input[field.name] = Json{{"id", is_uuid(*key) ? *key : declared_id(target->name, *key)}};
}

void resolve(DeclaredItems& items, DeclaredItem& item) {
  for (const Field& field : item.entity->fields) {
    if (field.type != FieldType::foreign) continue;
    if (field.name != item.child_key) {
      resolve_reference(items, item, field);
      continue;
    }
    std::string parent = items.all()[item.parent].id;
    auto given = item.input.find(field.name);
    bool other = given != item.input.end() && !given->is_null() &&
                 target_key(*items.all()[item.parent].entity, *given) != parent;
    if (other && item.faults.is_null()) item.faults = Json::object();
    if (other) item.faults[field.name] = "value must be null";
    item.input[field.name] = Json{{"id", parent}};
  }
}

// Before 3.0 a path was taken for a regular expression when it had other characters than these.
bool looked_like_regex(std::string_view path) {
  return !std::ranges::all_of(path, [](unsigned char c) {
    return std::isalnum(c) != 0 || std::string_view("._~/%-").contains(static_cast<char>(c));
  });
}

void modernise_paths(DeclaredItem& item) {
  auto paths = item.input.find("paths");
  if (item.entity != &routes() || paths == item.input.end() || !paths->is_array()) return;
  for (Json& path : *paths) {
    if (!path.is_string()) continue;
    const std::string& text = path.get_ref<const std::string&>();
    if (!text.starts_with('~') && looked_like_regex(text)) path = "~" + text;
  }
}

void add_faults(DeclaredItem& item, const Json& more) {
  if (more.is_null()) return;
  if (item.faults.is_null()) item.faults = Json::object();
  for (const auto& [key, fault] : more.items()) {
    if (key != "@entity") {
      if (!item.faults.contains(key)) item.faults[key] = fault;
      continue;
    }
    for (const Json& text : fault) item.fault_of_whole(text.get<std::string>());
  }
}

void complete_item(DeclaredItem& item, double now) {
  const EntitySchema& entity = *item.entity;
  Json ttl;
  if (entity.ttl && item.input.contains("ttl") && entity.find("ttl") == nullptr) {
    ttl = item.input["ttl"];
  }
  Json input = item.input;
  if (!ttl.is_null()) input.erase("ttl");
  Json shorthand_faults = expand_shorthands(entity, subschema_of(entity, input), input);
  item.row = complete(entity, input, now);
  add_faults(item, shorthand_faults);
  add_faults(item, validate(entity, item.row));
  if (!ttl.is_null()) item.row["ttl"] = ttl;
}

class Uniqueness {
 public:
  void check(DeclaredItem& item) {
    const EntitySchema& entity = *item.entity;
    claim(item, "primary key", item.id, to_text(Json(item.id)));
    for (const Field& field : entity.fields) {
      auto value = item.row.find(field.name);
      if (!field.unique || value == item.row.end() || value->is_null()) continue;
      claim(item, field.name, value->is_string() ? value->get<std::string>() : to_text(*value),
            to_text(*value));
    }
    if (entity.cache_key.size() > 1) claim_together(item);
  }

 private:
  void claim(DeclaredItem& item, const std::string& what, const std::string& shown,
             const std::string& value) {
    if (taken_[item.entity->name + ":" + what].insert(value).second) return;
    item.fault_of_whole(
        fmt::format("uniqueness violation: '{}' entity with {} set to '{}' already declared",
                    item.entity->name, what, shown));
  }

  void claim_together(DeclaredItem& item) {
    std::string shown, value;
    for (const std::string& name : item.entity->cache_key) {
      Json part = item.row.contains(name) ? item.row[name] : Json(nullptr);
      if (part.is_object() && part.contains("id")) part = part["id"];
      shown += shown.empty() ? "" : ":";
      if (!part.is_null()) shown += part.is_string() ? part.get<std::string>() : to_text(part);
      value += to_text(part) + ",";
    }
    claim(item, fmt::format("{}", fmt::join(item.entity->cache_key, ", ")), shown, value);
  }

  std::map<std::string, std::set<std::string>> taken_;
};

Declaration gathered(std::vector<DeclaredItem>& items) {
  Declaration out;
  for (const EntitySchema* entity : entities()) {
    Declaration::Rows rows{.entity = entity, .rows = {}};
    for (DeclaredItem& item : items) {
      if (item.entity == entity) rows.rows.push_back(std::move(item.row));
    }
    if (!rows.rows.empty()) out.entities.push_back(std::move(rows));
  }
  return out;
}

// Fields that a file may leave out because reading it gives them their value again.
Json exported(const EntitySchema& entity, const Json& row) {
  Json out = Json::object();
  for (const auto& [key, value] : row.items()) {
    const Field* field = entity.find(key);
    bool reference = field != nullptr && field->type == FieldType::foreign && value.is_object();
    bool nothing = value.is_null() && (field == nullptr || !field->defaults.has_value() ||
                                       field->defaults.value().is_null());
    if (nothing || (field != nullptr && field->transient)) continue;
    out[key] = reference ? value["id"] : value;
  }
  return out;
}

}  // namespace

size_t Declaration::size() const {
  size_t total = 0;
  for (const Rows& rows : entities) total += rows.rows.size();
  return total;
}

std::expected<Declaration, DeclarationFaults> read_declaration(std::string_view text, double now) {
  auto document = read_document(text);
  if (!document) return std::unexpected(DeclarationFaults(document.error().text()));
  if (!document->is_object()) return std::unexpected(DeclarationFaults("expected an object"));
  Json outside = Json::object();
  DeclaredItems items;
  items.collect(*document, outside);

  bool old_paths = document->value("_format_version", Json()) != "3.0";
  bool sound = outside.empty();
  Uniqueness unique;
  for (DeclaredItem& item : items.all()) {
    if (item.input.is_object()) {
      resolve(items, item);
      if (old_paths) modernise_paths(item);
      complete_item(item, now);
      unique.check(item);
    }
    sound = sound && item.faults.is_null();
  }
  if (!sound) {
    return std::unexpected(DeclarationFaults(fault_tree(items.all(), outside), outside,
                                             flattened_faults(items.all())));
  }
  const bool transform = document->value("_transform", Json(true)) != Json(false);
  for (DeclaredItem& item : items.all()) {
    if (transform && item.entity->on_write) item.entity->on_write(item.input, item.row);
  }
  Declaration out = gathered(items.all());
  out.hash = md5(text);
  out.transform = transform;
  return out;
}

Json declaration_document(const Declaration& declaration) {
  // Rows are as they are stored: reading them again must not hash a password twice.
  Json document{{"_format_version", "3.0"}, {"_transform", false}};
  for (const Declaration::Rows& rows : declaration.entities) {
    Json list = Json::array();
    for (const Json& row : rows.rows) list.push_back(exported(*rows.entity, row));
    if (!list.empty()) document[rows.entity->name] = std::move(list);
  }
  return document;
}

}  // namespace sallyport::model
