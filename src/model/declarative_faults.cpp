#include <algorithm>

#include <fmt/format.h>

#include "model/declarative.h"
#include "model/declarative_items.h"

namespace sallyport::model {
namespace {

// The place of an item in a tree shaped like the file; lists grow with null.
Json& place_of(const std::vector<DeclaredItem>& items, const DeclaredItem& item, Json& root) {
  Json& above = item.parent == kNoParent ? root : place_of(items, items[item.parent], root);
  if (above.is_null()) above = Json::object();
  Json& list = above[item.entity->name];
  while (list.size() <= item.position) list.push_back(nullptr);
  return list[item.position];
}

Json field_error(const std::string& path, const Json& message) {
  return Json{{"field", path}, {"message", message}, {"type", "field"}};
}

void flatten(const Json& faults, const std::string& path, Json& errors) {
  if (faults.is_string()) {
    errors.push_back(field_error(path, faults));
    return;
  }
  auto below = [&](const std::string& key) { return path.empty() ? key : path + "." + key; };
  if (faults.is_array()) {
    for (size_t i = 0; i < faults.size(); ++i) {
      if (!faults[i].is_null()) flatten(faults[i], below(std::to_string(i + 1)), errors);
    }
    return;
  }
  for (const auto& [key, fault] : faults.items()) {
    if (key != "@entity") {
      flatten(fault, below(key), errors);
      continue;
    }
    for (const Json& text : fault.is_array() ? fault : Json::array({fault})) {
      errors.push_back(Json{{"message", text}, {"type", "entity"}});
    }
  }
}

// "services" -> "service"
std::string singular(const std::string& entity) {
  return entity.ends_with('s') ? entity.substr(0, entity.size() - 1) : entity;
}

Json flattened(const DeclaredItem& item) {
  Json out{{"entity_type", singular(item.entity->name)}};
  for (const char* field : {"name", "id", "tags"}) {
    if (!item.input.is_object()) continue;
    auto value = item.input.find(field);
    if (value != item.input.end()) out["entity_" + std::string(field)] = *value;
  }
  out["entity"] = item.input;
  Json errors = Json::array();
  if (item.faults.is_string()) {
    errors.push_back(Json{{"message", item.faults}, {"type", "entity"}});
  } else {
    flatten(item.faults, "", errors);
  }
  out["errors"] = std::move(errors);
  return out;
}

void print(const Json& faults, const std::string& name, std::string& out, std::string indent) {
  auto one = [&](const std::string& label, const Json& fault, const std::string& below) {
    if (fault.is_null()) return;
    if (fault.is_string()) {
      out += fmt::format("{}{}: {}\n", indent, label, fault.get<std::string>());
      return;
    }
    out += fmt::format("{}{}:\n", indent, label);
    print(fault, below, out, indent + "  ");
  };
  if (faults.is_array()) {
    for (size_t i = 0; i < faults.size(); ++i) {
      one(fmt::format("- in entry {} of '{}'", i + 1, name), faults[i], name);
    }
    return;
  }
  for (const auto& [key, fault] : faults.items()) one(fmt::format("in '{}'", key), fault, key);
}

}  // namespace

Json fault_tree(const std::vector<DeclaredItem>& items, Json outside) {
  for (const DeclaredItem& item : items) {
    if (item.faults.is_null()) continue;
    Json& place = place_of(items, item, outside);
    if (item.faults.is_string()) {
      place = item.faults;
      continue;
    }
    if (place.is_null()) place = Json::object();
    for (const auto& [key, fault] : item.faults.items()) place[key] = fault;
  }
  return outside;
}

Json flattened_faults(const std::vector<DeclaredItem>& items) {
  Json out = Json::array();
  for (const DeclaredItem& item : items) {
    if (!item.faults.is_null()) out.push_back(flattened(item));
  }
  return out;
}

DeclarationFaults::DeclarationFaults(std::string syntax)
    : syntax_(std::move(syntax)),
      fields_(std::make_shared<const Json>(Json{{"error", syntax_}})),
      outside_(fields_),
      flattened_(std::make_shared<const Json>(Json::array())) {}

DeclarationFaults::DeclarationFaults(Json fields, Json outside, Json flattened)
    : fields_(std::make_shared<const Json>(std::move(fields))),
      outside_(std::make_shared<const Json>(std::move(outside))),
      flattened_(std::make_shared<const Json>(std::move(flattened))) {}

std::string DeclarationFaults::text() const {
  if (!syntax_.empty()) return syntax_;
  std::string out;
  print(*fields_, "", out, "");
  if (out.ends_with('\n')) out.pop_back();
  return out;
}

}  // namespace sallyport::model
