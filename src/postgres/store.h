// The configuration tables, for the Admin API: model::Store over one session with PostgreSQL. SQL
// follows from the entity declarations, values are bound parameters. Control thread only. A lost
// session is replaced at the next use; while the database is away calls fail at once with
// `unavailable` and the link is tried again at most every kRetryAfter.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "model/store.h"
#include "postgres/connection.h"
#include "postgres/link_health.h"
#include "postgres/link_settings.h"

namespace sallyport::postgres {

class Store final : public model::Store {
 public:
  static constexpr Milliseconds kRetryAfter{500};

  // `health`, when given, is what the change feed knows of the link: while it says that the
  // database is away, no call waits for it. It outlives the store.
  explicit Store(LinkSettings settings, const LinkHealth* health = nullptr);
  ~Store() override;

  model::Stored<model::Page> page(const model::EntitySchema& entity,
                                  const model::PageQuery& query) override;
  model::Stored<std::optional<Json>> find(const model::EntitySchema& entity, std::string_view field,
                                          std::string_view value) override;
  model::Stored<Json> insert(const model::EntitySchema& entity, const Json& row) override;
  model::Stored<std::optional<Json>> update(const model::EntitySchema& entity,
                                            const Json& row) override;
  model::Stored<Json> upsert(const model::EntitySchema& entity, const Json& row) override;
  model::Stored<bool> remove(const model::EntitySchema& entity, std::string_view id) override;
  bool reachable() const override { return reachable_; }

  // Of the present or the last session.
  const LinkState& link() const { return link_; }

 private:
  enum class Access : uint8_t { read, write };
  using Parameters = std::span<const Parameter>;

  model::Stored<Rows> execute(Access access, const std::string& sql, Parameters parameters);
  model::Stored<void> ensure_session();
  model::Stored<void> reopen();
  model::StoreFault unavailable(const Error& error);
  model::StoreFault fault(const model::EntitySchema& entity, const Json* row,
                          const model::StoreFault& raw);

  LinkSettings settings_;
  const LinkHealth* health_;
  std::optional<Connection> session_;
  LinkState link_;
  Error last_error_;
  TimePoint retry_at_{};
  bool reachable_ = true;
};

}  // namespace sallyport::postgres
