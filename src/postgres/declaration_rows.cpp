#include "postgres/declaration_rows.h"

#include <array>

#include <fmt/format.h>

#include "base/json.h"
#include "model/schemas.h"
#include "postgres/row_codec.h"

namespace sallyport::postgres {
namespace {

using model::Declaration;
using model::EntitySchema;

std::string label(const EntitySchema& entity, const Json& row) {
  for (const std::string& field : {entity.endpoint_key, entity.primary_key[0]}) {
    auto value = field.empty() ? row.end() : row.find(field);
    if (value != row.end() && value->is_string()) {
      return fmt::format("{} '{}'", entity.name, value->get<std::string>());
    }
  }
  return entity.name;
}

// The database has a default workspace of its own, with its own id; tags are a view of the others.
bool skipped(const EntitySchema& entity) {
  return &entity == &model::workspaces() || !entity.declarative;
}

Result<void> write_rows(Connection& connection, const Declaration::Rows& rows) {
  RowCodec codec(*rows.entity);
  for (const Json& row : rows.rows) {
    std::string text = to_text(row);
    auto written = connection.query(codec.upsert(), std::array<Parameter, 1>{text});
    if (written && written->size() > 0) continue;
    std::string what = label(*rows.entity, row);
    if (written) {
      return fail("import.refused", Side::config,
                  what + ": its id belongs to a row of another workspace");
    }
    Error error = written.error();
    error.detail = fmt::format("{}: {}", what, error.detail);
    if (error.code != "sql.23505") return fail(std::move(error));
    return fail("import.refused", Side::config,
                fmt::format("{}: the database has another one like it, with another id ({})", what,
                            connection.constraint()),
                "Delete that one, or give its id in the file");
  }
  return {};
}

}  // namespace

Result<void> import_declaration(Connection& connection, const Declaration& declaration) {
  if (auto begun = connection.begin(); !begun) return begun;
  for (const Declaration::Rows& rows : declaration.entities) {
    if (skipped(*rows.entity)) continue;
    auto written = write_rows(connection, rows);
    if (written) continue;
    if (connection.usable()) (void)connection.rollback();
    return written;
  }
  return connection.commit();
}

Result<Declaration> export_declaration(Connection& connection) {
  if (auto begun = connection.begin("ISOLATION LEVEL REPEATABLE READ READ ONLY"); !begun) {
    return fail(begun.error());
  }
  Declaration out;
  out.transform = false;
  for (const EntitySchema* entity : model::entities()) {
    if (skipped(*entity)) continue;
    auto rows = connection.query(RowCodec(*entity).select("", "ORDER BY t.id"));
    if (!rows) return fail(rows.error());
    Declaration::Rows read{.entity = entity, .rows = {}};
    read.rows.reserve(rows->size());
    for (size_t i = 0; i < rows->size(); ++i) read.rows.push_back(parse_json(rows->at(i, 0), 512));
    if (!read.rows.empty()) out.entities.push_back(std::move(read));
  }
  if (auto ended = connection.commit(); !ended) return fail(ended.error());
  return out;
}

}  // namespace sallyport::postgres
