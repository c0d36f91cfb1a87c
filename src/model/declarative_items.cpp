#include "model/declarative_items.h"

#include <array>

#include <fmt/format.h>

#include "base/uuid.h"
#include "model/declarative_ids.h"
#include "model/schemas.h"

namespace sallyport::model {
namespace {

constexpr std::array<std::string_view, 3> kVersions = {"1.1", "2.1", "3.0"};

// The field of `child` that refers to `parent`; the last one, where several do.
const Field* field_to(const EntitySchema& child, const EntitySchema& parent) {
  const Field* found = nullptr;
  for (const Field& field : child.fields) {
    if (field.type == FieldType::foreign && field.reference == parent.name) found = &field;
  }
  return found;
}

// The entity whose entries may stand below `key` in an entry of `parent`.
const EntitySchema* child_of(const EntitySchema& parent, const std::string& key) {
  const EntitySchema* child = find_entity(key);
  if (child == nullptr || !child->declarative || field_to(*child, parent) == nullptr)
    return nullptr;
  const Field* own = parent.find(key);
  return own == nullptr || own->transient ? child : nullptr;
}

// certificates.snis may be names, as in the Admin API, or entries.
bool holds_entries(const EntitySchema& parent, const std::string& key, const Json& list) {
  return parent.find(key) == nullptr || (list.is_array() && !list.empty() && list[0].is_object());
}

void check_version(const Json& document, Json& outside) {
  auto version = document.find("_format_version");
  if (version == document.end() || version->is_null()) {
    outside["_format_version"] = "required field missing";
  } else if (!version->is_string()) {
    outside["_format_version"] = "expected a string";
  } else if (std::ranges::find(kVersions, version->get<std::string>()) == kVersions.end()) {
    outside["_format_version"] = "expected one of: 1.1, 2.1, 3.0";
  }
}

// What tools write about the file: decK's _info, _workspace and so on.
bool is_remark(std::string_view key) {
  return key.starts_with('_');
}

void check_remark(const std::string& key, const Json& value, Json& outside) {
  if (key == "_transform" && !value.is_boolean()) outside[key] = "expected a boolean";
  if (key == "_comment" && !value.is_string()) outside[key] = "expected a string";
  if (key == "_ignore" && !value.is_array()) outside[key] = "expected an array";
}

std::string reference_key(std::string_view entity, std::string_view key) {
  return fmt::format("{}:{}", entity, key);
}

}  // namespace

void DeclaredItem::fault_of_whole(std::string text) {
  if (faults.is_null()) faults = Json::object();
  if (faults.is_object()) faults["@entity"].push_back(std::move(text));
}

void DeclaredItems::collect(const Json& document, Json& outside) {
  check_version(document, outside);
  for (const auto& [key, value] : document.items()) {
    const EntitySchema* entity = find_entity(key);
    if (is_remark(key)) {
      check_remark(key, value, outside);
    } else if (entity == nullptr || !entity->declarative) {
      outside[key] = "unknown field";
    } else if (value.is_array()) {
      collect_list(*entity, value, kNoParent, "");
    } else if (!value.is_null()) {
      outside[key] = "expected an array";
    }
  }
}

void DeclaredItems::collect_list(const EntitySchema& entity, const Json& list, size_t parent,
                                 const std::string& child_key) {
  for (size_t i = 0; i < list.size(); ++i) {
    DeclaredItem item;
    item.entity = &entity;
    item.input = list[i];
    item.parent = parent;
    item.child_key = child_key;
    item.position = i;
    if (!item.input.is_object()) {
      item.faults = "expected a record";
      items_.push_back(std::move(item));
      continue;
    }
    for (const char* remark : {"_comment", "_ignore"}) item.input.erase(remark);
    if (entity.workspaceable) item.input.erase("ws_id");  // there is one workspace
    items_.push_back(std::move(item));
    collect_children(items_.size() - 1);
  }
}

// The id comes first, for children are named after it.
void DeclaredItems::collect_children(size_t at) {
  const EntitySchema& entity = *items_[at].entity;
  std::vector<std::pair<const EntitySchema*, Json>> nested;
  Json own = Json::object();
  for (auto& [key, value] : items_[at].input.get_ref<Json::object_t&>()) {
    const EntitySchema* child = child_of(entity, key);
    if (child == nullptr || !holds_entries(entity, key, value)) {
      own.get_ref<Json::object_t&>().emplace_back(key, std::move(value));
    } else if (value.is_array()) {
      nested.emplace_back(child, std::move(value));
    } else if (!value.is_null()) {
      if (items_[at].faults.is_null()) items_[at].faults = Json::object();
      items_[at].faults[key] = "expected an array";
    }
  }
  items_[at].input = std::move(own);
  give_id(items_[at]);
  remember(items_[at]);
  for (auto& [child, list] : nested) {
    collect_list(*child, list, at, field_to(*child, entity)->name);
  }
}

void DeclaredItems::give_id(DeclaredItem& item) {
  auto given = item.input.find("id");
  if (given != item.input.end() && !given->is_null()) {
    if (given->is_string()) item.id = given->get<std::string>();
    return;
  }
  std::string parent_id = item.parent == kNoParent ? "" : items_[item.parent].id;
  auto key = declared_key(*item.entity, item.input, item.child_key, parent_id);
  if (!key) {
    std::string content = fmt::format("{}:{}", parent_id, to_text(item.input));
    size_t before = unnamed_[reference_key(item.entity->name, content)]++;
    key = fmt::format("unnamed:{}:{}", before, content);
  }
  item.id = declared_id(item.entity->name, *key);
  item.input["id"] = item.id;
}

void DeclaredItems::remember(const DeclaredItem& item) {
  const EntitySchema& entity = *item.entity;
  ids_.try_emplace(reference_key(entity.name, item.id), item.id);
  if (entity.endpoint_key.empty()) return;
  auto key = item.input.find(entity.endpoint_key);
  if (key == item.input.end() || !key->is_string()) return;
  ids_.try_emplace(reference_key(entity.name, key->get<std::string>()), item.id);
}

std::optional<std::string> DeclaredItems::find(const EntitySchema& entity,
                                               const std::string& key) const {
  auto found = ids_.find(reference_key(entity.name, key));
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

}  // namespace sallyport::model
