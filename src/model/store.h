// The door to the configuration database, as the Admin API sees it; postgres/ implements it. Rows
// are JSON objects in the shape of the Admin API (foreign keys as {"id": …}, timestamps in Unix
// seconds, unset fields null). Control thread only; calls block, bounded by the link's deadlines.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/json_fwd.h"

namespace sallyport::model {

struct EntitySchema;

// What the database refused, for answers that name fields.
struct StoreFault {
  enum class Kind : uint8_t {
    unique,       // `fields` hold the columns and values that exist already
    primary_key,  // the id exists already
    foreign,      // `fields` hold the reference that leads nowhere
    referenced,   // `other` is the entity that still references this one
    bad_offset,   // a page offset that this store did not hand out
    unavailable,  // no connection; answer 503
    read_only,    // the database is a standby, and was not asked; answer 503
    undecided,    // the connection was lost after a write was sent; answer 503
    unsupported,  // this store takes no writes; `error.detail` says so in Kong's words
    refused,      // anything else that the database said
  };
  Kind kind = Kind::refused;
  std::vector<std::pair<std::string, std::string>> fields = {};
  std::string other = {};
  Error error = {};
};

template <typename T>
using Stored = std::expected<T, StoreFault>;

struct TagFilter {
  std::vector<std::string> tags = {};
  bool any = false;  // a/b: any of them; a,b: all of them
};

struct PageQuery {
  int size = 100;           // 1-1000
  std::string offset = {};  // opaque, from a former Page
  TagFilter tags = {};
  // Rows whose foreign key `foreign_field` is `foreign_id` ("service", "<uuid>"); empty: all.
  std::string foreign_field = {};
  std::string foreign_id = {};
  // Fields that must have these values; arrays and sets, hold them.
  std::vector<std::pair<std::string, std::string>> equals = {};
  std::string positive = {};  // an integer field that must be above zero; empty: none
};

struct Page {
  std::vector<Json> rows;
  std::string next_offset;  // "" on the last page
};

class Store {
 public:
  virtual ~Store() = default;

  virtual Stored<Page> page(const EntitySchema& entity, const PageQuery& query) = 0;

  // By primary key or by a unique field ("id", "name"); null when absent.
  virtual Stored<std::optional<Json>> find(const EntitySchema& entity, std::string_view field,
                                           std::string_view value) = 0;

  // `row` is complete and valid. Returns the row as stored.
  virtual Stored<Json> insert(const EntitySchema& entity, const Json& row) = 0;
  // Replaces every column of the row with that id; null when it is gone.
  virtual Stored<std::optional<Json>> update(const EntitySchema& entity, const Json& row) = 0;
  // Insert, or replace where the id exists.
  virtual Stored<Json> upsert(const EntitySchema& entity, const Json& row) = 0;
  // True when a row was removed. Cascades are the database's.
  virtual Stored<bool> remove(const EntitySchema& entity, std::string_view id) = 0;

  // What carries tags, as rows {"tag", "entity_name", "entity_id"}; `tag` "" for all. Of `query`,
  // size and offset count.
  virtual Stored<Page> tagged(std::string_view tag, const PageQuery& query) = 0;

  // Everything between begin() and commit() happens or none of it. After a refused write the
  // transaction goes on without it only when it was begun with `Refusals::survive`, which costs
  // more; otherwise nothing but rollback() is left. Stores without transactions do nothing.
  enum class Refusals : uint8_t { end_it, survive };
  virtual Stored<void> begin(Refusals) { return {}; }
  virtual Stored<void> commit() { return {}; }
  virtual void rollback() {}
  virtual bool in_transaction() const { return false; }

  // Whether the reads to come may be answered from rows that this node has kept while the database
  // is away (stores that keep none never do), and where the reads since then came from.
  enum class Source : uint8_t { database, kept_rows, standby };
  virtual void let_reads_fall_back(bool) {}
  virtual Source source() const { return Source::database; }

  // False while the last attempt to reach the database failed.
  virtual bool reachable() const = 0;
};

}  // namespace sallyport::model
