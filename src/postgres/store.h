// The configuration tables, for the Admin API: model::Store over one session with PostgreSQL. SQL
// follows from the entity declarations, values are bound parameters. Control thread only. A lost
// session is replaced at the next use; while the database is away calls fail at once with
// `unavailable`, and the link is tried again at most every kRetryAfter.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "model/store.h"
#include "postgres/connection.h"
#include "postgres/link_health.h"
#include "postgres/link_settings.h"
#include "postgres/row_codec.h"

namespace sallyport::postgres {

class Store final : public model::Store {
 public:
  static constexpr Milliseconds kRetryAfter{500};
  // How long a server may be silent, and, for a while after a session was lost, how long a new one
  // may take to open.
  static constexpr Milliseconds kPatience{900};
  static constexpr Milliseconds kHurry{15'000};

  // `health`, when given, is what the change feed knows of the link: while it says that the
  // database is away, no call waits for it. It outlives the store.
  explicit Store(LinkSettings settings, const LinkHealth* health = nullptr);
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

  // False while the last attempt to reach the database failed.
  bool reachable() const override { return reachable_; }

  // Of the present session, or of the last attempt to open one.
  const LinkState& link() const { return link_; }

 private:
  enum class Access : uint8_t { read, write };

  bool reads_elsewhere() const { return reader_ != nullptr && !in_transaction_; }
  const RowCodec& codec(const model::EntitySchema& entity);
  using Talk = std::function<Result<Rows>(Connection&)>;
  Result<Rows> on_session(Access access, const Talk& talk);
  Result<Rows> execute(Access access, const std::string& sql,
                       std::span<const Parameter> parameters);
  Result<Rows> execute_within(Access access, const std::string& sql,
                              std::span<const Parameter> parameters);
  Result<void> ensure_session();
  Result<void> open_session();
  Result<Connection> connect();
  void notice_silence() const;
  void lose_session();
  bool alive() const;
  void next_host();
  model::StoreFault fault(const model::EntitySchema& entity, const Json* row, Error error);

  LinkSettings settings_;
  const LinkHealth* health_;
  std::unique_ptr<Store> reader_;
  std::optional<Connection> session_;
  LinkState link_;
  Error last_error_;      // why the last attempt failed; meaningful while !reachable_
  TimePoint retry_at_{};  // no attempt before this
  TimePoint hurry_until_{};
  bool reachable_ = true;
  bool in_transaction_ = false;
  Refusals refusals_ = Refusals::end_it;
  bool guarded_ = false;  // the last statement stands behind a savepoint
  std::map<const model::EntitySchema*, RowCodec> codecs_;
};

}  // namespace sallyport::postgres
