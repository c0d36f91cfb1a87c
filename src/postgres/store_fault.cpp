#include "postgres/store_fault.h"

#include <algorithm>
#include <array>

#include "base/json.h"
#include "model/columns.h"
#include "model/schemas.h"

namespace sallyport::postgres {
namespace {

using model::StoreFault;

struct Constraint {
  std::string table;
  std::vector<std::string> columns;
};

constexpr const char* kConstraint = R"sql(
SELECT r.relname, a.attname
  FROM pg_constraint c
  JOIN pg_class r ON r.oid = c.conrelid
  JOIN pg_namespace n ON n.oid = r.relnamespace
  JOIN unnest(c.conkey) WITH ORDINALITY AS k(number, place) ON true
  JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.number
 WHERE n.nspname = current_schema() AND c.conname = $1
   AND (r.relname = $2 OR c.confrelid = (SELECT f.oid FROM pg_class f
          JOIN pg_namespace s ON s.oid = f.relnamespace
         WHERE s.nspname = current_schema() AND f.relname = $2))
 ORDER BY r.relname = $2 DESC, k.place)sql";

Constraint find_constraint(Connection& connection, const std::string& name,
                           const std::string& table) {
  Constraint result;
  auto rows = connection.query(kConstraint, std::array<Parameter, 2>{name, table});
  if (!rows) return result;
  for (size_t i = 0; i < rows->size(); ++i) {
    if (i == 0) result.table = rows->at(0, 0);
    if (rows->at(i, 0) == result.table) result.columns.emplace_back(rows->at(i, 1));
  }
  return result;
}

std::string shown(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_object() && value.contains("id")) return shown(value["id"]);
  return to_text(value);
}

void add_field(StoreFault& fault, const Json* row, const std::string& name) {
  bool known = row && row->is_object() && row->contains(name);
  fault.fields.emplace_back(name, known ? shown((*row)[name]) : "");
}

// Columns of a constraint as the fields of the Admin API; ws_id is no field.
void add_fields(StoreFault& fault, const model::EntitySchema& entity, const Json* row,
                const Constraint& constraint) {
  for (const std::string& column : constraint.columns) {
    if (column == "cache_key") {
      for (const std::string& name : entity.cache_key) add_field(fault, row, name);
      continue;
    }
    auto all = model::columns(entity);
    auto found = std::ranges::find(all, column, &model::Column::name);
    if (found != all.end()) add_field(fault, row, found->field->name);
  }
}

std::string entity_of(const std::string& table) {
  auto all = model::entities();
  auto found = std::ranges::find(all, table, [](const auto* entity) { return entity->table; });
  return found == all.end() ? table : (*found)->name;
}

}  // namespace

bool is_lost(const Error& error) {
  // 53300: the server has no room for one more session.
  return error.code.starts_with("link.") || error.code == "sql.53300";
}

StoreFault explain_fault(Connection& connection, const model::EntitySchema& entity, const Json* row,
                         Error error, std::string name) {
  StoreFault fault{.error = std::move(error)};
  std::string_view code = fault.error.code;
  if (code == "sql.42P01" || code == "sql.3F000" || code == "sql.42703") {
    fault.error.remedy =
        "Run `sallyport migrations list`: the database has not the schema that "
        "this gateway reads";
  }
  if (code != "sql.23505" && code != "sql.23503") return fault;

  Constraint constraint = find_constraint(connection, name, entity.table);
  if (code == "sql.23505") {
    bool primary = constraint.columns == entity.primary_key;
    fault.kind = primary ? StoreFault::Kind::primary_key : StoreFault::Kind::unique;
    add_fields(fault, entity, row, constraint);
  } else if (constraint.table == entity.table && row) {
    fault.kind = StoreFault::Kind::foreign;
    add_fields(fault, entity, row, constraint);
  } else {
    fault.kind = StoreFault::Kind::referenced;
    fault.other = entity_of(constraint.table);
  }
  return fault;
}

}  // namespace sallyport::postgres
