// The SQL of one entity, made from its declaration: rows go in and come out as JSON in the shape of
// the Admin API, and PostgreSQL does the conversion. Values are bound parameters; only names from
// declarations are in the text. Made once per entity and kept; control thread and feed's thread
// have their own.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/columns.h"

namespace sallyport::postgres {

class RowCodec {
 public:
  explicit RowCodec(const model::EntitySchema& entity);

  // Two columns: each row's JSON text, and its primary key. `where` speaks of the table as `t`; ""
  // for all. Rows of other workspaces than the default one are not there.
  std::string select(std::string_view where, std::string_view tail = {}) const;

  // One row: how many rows select("") has, and a hash over them that no order changes.
  std::string fingerprint() const;

  // $1: the complete row. They return the row as stored, or nothing where there is none to change.
  const std::string& insert() const { return insert_; }
  const std::string& update() const { return update_; }
  const std::string& upsert() const { return upsert_; }
  // $1: the id.
  const std::string& remove() const { return remove_; }

  // "t.service_id" of field "service"; "" when the entity has no such column.
  std::string column(std::string_view field) const;
  // The cast that a parameter compared with it needs: "uuid".
  std::string_view type(std::string_view field) const;

 private:
  std::string output() const;
  std::string input() const;
  std::string value(const model::Column& column) const;
  std::string cache_key() const;
  std::string workspace() const;
  std::string visible() const;
  const model::Column* find(std::string_view field) const;
  void write_insert();
  void write_update();

  const model::EntitySchema& entity_;
  std::vector<model::Column> columns_;
  std::string table_;
  std::string output_;
  std::string insert_;
  std::string update_;
  std::string upsert_;
  std::string remove_;
};

}  // namespace sallyport::postgres
