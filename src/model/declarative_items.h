// A declarative file taken apart: one item for each entity in it, wherever it is nested. The steps
// of declarative.cpp; used by nobody else.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/json.h"
#include "model/schema.h"

namespace sallyport::model {

constexpr size_t kNoParent = SIZE_MAX;

struct DeclaredItem {
  const EntitySchema* entity = nullptr;
  Json input;                 // without what is nested in it
  size_t parent = kNoParent;  // of the items, when nested
  std::string child_key;      // the field that refers to the parent
  size_t position = 0;        // in its list
  std::string id;
  Json faults;  // as validate() gives them; a text when the entry is no record
  Json row;

  void fault_of_whole(std::string text);
};

class DeclaredItems {
 public:
  // Faults that belong to no entity go to `outside`.
  void collect(const Json& document, Json& outside);

  // The id of what a reference in the file names, by id or endpoint key; nothing when it is not
  // there.
  std::optional<std::string> find(const EntitySchema& entity, const std::string& key) const;

  std::vector<DeclaredItem>& all() { return items_; }

 private:
  void collect_list(const EntitySchema& entity, const Json& list, size_t parent,
                    const std::string& child_key);
  void collect_children(size_t item);
  void give_id(DeclaredItem& item);
  void remember(const DeclaredItem& item);

  std::vector<DeclaredItem> items_;
  std::unordered_map<std::string, std::string> ids_;  // "services:name" -> id
  std::unordered_map<std::string, size_t> unnamed_;   // how many with the same content
};

// `fields` of DeclarationFaults.
Json fault_tree(const std::vector<DeclaredItem>& items, Json outside);
Json flattened_faults(const std::vector<DeclaredItem>& items);

}  // namespace sallyport::model
