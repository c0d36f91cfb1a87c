// A store in front of the database's that answers reads from the rows which the node has kept, when
// it is asked to and the database is away. Writes, and reads that writes are decided by, stay with
// the database. Control thread only.
#pragma once

#include "base/clock.h"
#include "model/kept_rows.h"
#include "model/store.h"

namespace sallyport::model {

class FallbackStore final : public Store {
 public:
  // Both outlive it.
  FallbackStore(Store& database, const KeptRows& kept) : database_(database), kept_(kept) {}

  void let_reads_fall_back(bool allowed) override {
    allowed_ = allowed;
    fell_back_ = false;
    database_.let_reads_fall_back(allowed);
  }
  Source source() const override { return fell_back_ ? Source::kept_rows : database_.source(); }

  Stored<Page> page(const EntitySchema& entity, const PageQuery& query) override;
  Stored<std::optional<Json>> find(const EntitySchema& entity, std::string_view field,
                                   std::string_view value) override;
  Stored<Page> tagged(std::string_view tag, const PageQuery& query) override;

  Stored<Json> insert(const EntitySchema& entity, const Json& row) override;
  Stored<std::optional<Json>> update(const EntitySchema& entity, const Json& row) override;
  Stored<Json> upsert(const EntitySchema& entity, const Json& row) override;
  Stored<bool> remove(const EntitySchema& entity, std::string_view id) override;
  Stored<void> begin(Refusals refusals) override;
  Stored<void> commit() override;
  void rollback() override { database_.rollback(); }
  bool in_transaction() const override { return database_.in_transaction(); }
  bool reachable() const override { return database_.reachable(); }

 private:
  template <typename T>
  bool falls_back(const Stored<T>& read) const;
  template <typename T>
  Stored<T> kept(Stored<T> read);

  Store& database_;
  const KeptRows& kept_;
  bool allowed_ = false;
  bool fell_back_ = false;
};

}  // namespace sallyport::model
