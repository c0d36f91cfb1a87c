// A Declaration as a store: what the Admin API reads where there is no database. Writes are refused
// in Kong's words; the declaration is replaced as a whole. Control thread only.
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/declarative.h"
#include "model/store.h"

namespace sallyport::model {

class DeclaredStore final : public Store {
 public:
  DeclaredStore();
  ~DeclaredStore() override;

  // Rows are shown in the order of their ids.
  void replace(Declaration declaration);
  const Declaration& declaration() const { return declaration_; }

  Stored<Page> page(const EntitySchema& entity, const PageQuery& query) override;
  Stored<std::optional<Json>> find(const EntitySchema& entity, std::string_view field,
                                   std::string_view value) override;
  Stored<Json> insert(const EntitySchema& entity, const Json& row) override;
  Stored<std::optional<Json>> update(const EntitySchema& entity, const Json& row) override;
  Stored<Json> upsert(const EntitySchema& entity, const Json& row) override;
  Stored<bool> remove(const EntitySchema& entity, std::string_view id) override;
  Stored<Page> tagged(std::string_view tag, const PageQuery& query) override;
  bool reachable() const override { return true; }

 private:
  struct Table {
    const std::vector<Json>* rows = nullptr;           // of declaration_
    std::unordered_map<std::string, size_t> by_value;  // "name:example"
  };

  const Table* table(const EntitySchema& entity) const;

  Declaration declaration_;
  std::map<const EntitySchema*, Table> tables_;
};

}  // namespace sallyport::model
