#include "postgres/row_codec.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "postgres/sql_text.h"

namespace sallyport::postgres {
namespace {

using model::Column;
using model::ColumnType;
using model::FieldType;

constexpr std::string_view kDefaultWorkspace = "(SELECT id FROM workspaces WHERE name = 'default')";

// The moment that is so many seconds away.
constexpr const char* kExpiry = "now() + r.ttl * interval '1 second'";

// A cache key always has room for five values (Kong's format).
constexpr size_t kCacheKeyValues = 5;

std::string shown(const Column& column) {
  std::string name = "t." + quote_name(column.name);
  if (column.type == ColumnType::timestamp) {
    bool seconds = column.field->type == FieldType::integer;
    return seconds ? fmt::format("floor(extract(epoch FROM {}))::bigint", name)
                   : fmt::format("round(extract(epoch FROM {})::numeric, 3)", name);
  }
  if (column.field->type == FieldType::foreign) {
    return fmt::format("CASE WHEN {0} IS NOT NULL THEN json_build_object('id', {0}) END", name);
  }
  return name;
}

// The type in which jsonb_to_record hands the field over.
std::string_view input_type(const Column& column) {
  if (column.field->type == FieldType::foreign) return "jsonb";
  if (column.type == ColumnType::timestamp) return "double precision";
  return sql_name(column.type);
}

}  // namespace

RowCodec::RowCodec(const model::EntitySchema& entity)
    : entity_(entity), columns_(model::columns(entity)), table_(quote_name(entity.table)) {
  output_ = output();
  write_insert();
  write_update();
  remove_ = fmt::format("DELETE FROM {} AS t WHERE {} = $1::{} AND {}", table_,
                        column(entity_.primary_key[0]), type(entity_.primary_key[0]), workspace());
}

const Column* RowCodec::find(std::string_view field) const {
  auto found = std::ranges::find(columns_, field, [](const Column& c) { return c.field->name; });
  return found == columns_.end() ? nullptr : &*found;
}

std::string RowCodec::column(std::string_view field) const {
  const Column* found = find(field);
  return found ? "t." + quote_name(found->name) : "";
}

std::string_view RowCodec::type(std::string_view field) const {
  const Column* found = find(field);
  return found ? sql_name(found->type) : "text";
}

// Rows that plain SQL wrote without a workspace count as the default one's.
std::string RowCodec::workspace() const {
  if (!entity_.workspaceable) return "true";
  return fmt::format("(t.ws_id = {} OR t.ws_id IS NULL)", kDefaultWorkspace);
}

// Rows whose time is over are gone, though nobody may have deleted them yet.
std::string RowCodec::visible() const {
  return entity_.ttl ? workspace() + " AND (t.ttl IS NULL OR t.ttl > now())" : workspace();
}

std::string RowCodec::output() const {
  std::vector<std::string> fields;
  for (const Column& column : columns_) {
    fields.push_back(fmt::format("{} AS {}", shown(column), quote_name(column.field->name)));
  }
  if (entity_.ttl) fields.emplace_back("ceil(extract(epoch FROM t.ttl - now()))::bigint AS ttl");
  return fmt::format("(SELECT row_to_json(o)::text FROM (SELECT {}) AS o)",
                     fmt::join(fields, ", "));
}

std::string RowCodec::input() const {
  std::vector<std::string> fields;
  for (const Column& column : columns_) {
    fields.push_back(fmt::format("{} {}", quote_name(column.field->name), input_type(column)));
  }
  if (entity_.ttl) fields.emplace_back("ttl bigint");
  return fmt::format("jsonb_to_record($1::jsonb) AS r({})", fmt::join(fields, ", "));
}

std::string RowCodec::value(const Column& column) const {
  std::string name = "r." + quote_name(column.field->name);
  if (column.type == ColumnType::timestamp) return fmt::format("to_timestamp({})", name);
  if (column.field->type == FieldType::foreign) return fmt::format("({} ->> 'id')::uuid", name);
  return name;
}

// One column stands for the uniqueness of several that may be null: "targets:<upstream>:<target>".
std::string RowCodec::cache_key() const {
  std::string result = quote_literal(entity_.name);
  for (size_t i = 0; i < kCacheKeyValues; ++i) {
    result += " || ':'";
    const Column* column = i < entity_.cache_key.size() ? find(entity_.cache_key[i]) : nullptr;
    if (column) result += fmt::format(" || coalesce({}::text, '')", value(*column));
  }
  if (!entity_.workspaceable) return result + " || ':'";
  return fmt::format("{} || ':' || {}::text", result, kDefaultWorkspace);
}

std::string RowCodec::select(std::string_view where, std::string_view tail) const {
  return fmt::format("SELECT {}, {} FROM {} AS t WHERE {}{}{} {}", output_,
                     column(entity_.primary_key[0]), table_, visible(),
                     where.empty() ? "" : " AND ", where, tail);
}

std::string RowCodec::fingerprint() const {
  return fmt::format("SELECT count(*), sum(hashtextextended(t::text, 0)) FROM {} AS t WHERE {}",
                     table_, visible());
}

void RowCodec::write_insert() {
  std::vector<std::string> names, values, replaced;
  auto add = [&](const std::string& name, std::string value) {
    names.push_back(quote_name(name));
    values.push_back(std::move(value));
  };
  for (const Column& column : columns_) add(column.name, value(column));
  if (entity_.ttl) add("ttl", kExpiry);
  bool has_cache_key = entity_.cache_key.size() > 1;  // one field has a unique constraint instead
  if (has_cache_key) add("cache_key", cache_key());
  for (const std::string& name : names) {
    if (name == quote_name(entity_.primary_key[0])) continue;
    replaced.push_back(fmt::format("{0} = EXCLUDED.{0}", name));
  }
  if (entity_.workspaceable) add("ws_id", std::string(kDefaultWorkspace));

  std::string head = fmt::format("INSERT INTO {} AS t ({}) SELECT {} FROM {}", table_,
                                 fmt::join(names, ", "), fmt::join(values, ", "), input());
  insert_ = fmt::format("{} RETURNING {}", head, output_);
  upsert_ = fmt::format("{} ON CONFLICT ({}) DO UPDATE SET {} WHERE {} RETURNING {}", head,
                        quote_name(entity_.primary_key[0]), fmt::join(replaced, ", "), workspace(),
                        output_);
}

void RowCodec::write_update() {
  std::vector<std::string> assignments;
  const std::string& key = entity_.primary_key[0];
  for (const Column& column : columns_) {
    if (column.field->name == key) continue;
    assignments.push_back(fmt::format("{} = {}", quote_name(column.name), value(column)));
  }
  if (entity_.ttl) assignments.push_back(fmt::format("ttl = {}", kExpiry));
  if (entity_.cache_key.size() > 1) assignments.push_back("cache_key = " + cache_key());
  update_ = fmt::format("UPDATE {} AS t SET {} FROM {} WHERE {} = r.{} AND {} RETURNING {}", table_,
                        fmt::join(assignments, ", "), input(), column(key), quote_name(key),
                        workspace(), output_);
}

}  // namespace sallyport::postgres
