// The configuration tables, for the Admin API: model::Store over one session with PostgreSQL. SQL
// follows from the entity declarations, values are bound parameters. Control thread only. A lost
// session is replaced at the next use; while the database is away calls fail at once with
// `unavailable`, and the link is tried again at most every kRetryAfter.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "model/store.h"
#include "postgres/connection.h"
#include "postgres/link_health.h"
#include "postgres/link_settings.h"
#include "postgres/row_codec.h"
#include "postgres/seen_rows.h"
#include "postgres/store_link.h"

namespace sallyport::postgres {

class Store final : public model::Store {
 public:
  static constexpr Milliseconds kRetryAfter = StoreLink::kRetryAfter;

  // `health`, when given, is what the change feed knows of the link: while it says that the
  // database is away, no call waits for it. It outlives the store.
  explicit Store(LinkSettings settings, LinkHealth* health = nullptr);
  ~Store() override;

  // Reads go to `reader` (pg_ro_*) from now on, and come here only while it is out of reach. What
  // it shows may be as old as its replica is behind.
  void read_from(std::unique_ptr<Store> reader) { reader_ = std::move(reader); }

  model::Stored<model::Page> page(const model::EntitySchema& entity,
                                  const model::PageQuery& query) override;
  model::Stored<std::optional<Json>> find(const model::EntitySchema& entity, std::string_view field,
                                          std::string_view value) override;
  model::Stored<Json> insert(const model::EntitySchema& entity, const Json& row) override;
  model::Stored<std::optional<Json>> update(const model::EntitySchema& entity,
                                            const Json& row) override;
  model::Stored<Json> upsert(const model::EntitySchema& entity, const Json& row) override;
  model::Stored<bool> remove(const model::EntitySchema& entity, std::string_view id) override;

  model::Stored<model::Page> tagged(std::string_view tag, const model::PageQuery& query) override;
  model::Stored<void> begin(Refusals refusals) override;
  model::Stored<void> commit() override;
  void rollback() override;
  bool in_transaction() const override { return in_transaction_; }

  void let_reads_fall_back(bool) override { source_ = Source::database; }
  Source source() const override { return source_; }

  // False while the last attempt to reach the database failed.
  bool reachable() const override { return link_.reachable(); }

  // Of the present session, or of the last attempt to open one.
  const LinkState& link() const { return link_.state(); }

 private:
  using Access = StoreLink::Access;

  bool reads_elsewhere() const { return reader_ != nullptr && !in_transaction_; }
  const RowCodec& codec(const model::EntitySchema& entity);
  Json written(const model::EntitySchema& entity, Json row);
  template <typename T>
  bool answered_elsewhere(const model::Stored<T>& read);
  Result<Rows> execute(Access access, const std::string& sql,
                       std::span<const Parameter> parameters);
  Result<Rows> execute_within(Access access, const StoreLink::Talk& ask);
  model::StoreFault fault(const model::EntitySchema& entity, const Json* row, Error error);

  StoreLink link_;
  std::unique_ptr<Store> reader_;
  Source source_ = Source::database;
  bool in_transaction_ = false;
  Refusals refusals_ = Refusals::end_it;
  bool guarded_ = false;  // the last statement stands behind a savepoint
  SeenRows seen_;         // of the present transaction
  std::map<const model::EntitySchema*, RowCodec> codecs_;
};

}  // namespace sallyport::postgres
