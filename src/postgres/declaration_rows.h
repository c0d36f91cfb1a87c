// A whole configuration into the database and out of it: `config db_import` and `db_export`. On a
// session that the caller owns, in one transaction each.
#pragma once

#include "base/error.h"
#include "model/declarative.h"
#include "postgres/connection.h"

namespace sallyport::postgres {

// Inserts every row, or replaces the one with its id; all or nothing. Rows that are there and not
// in the declaration stay. Errors name the entity: "import.refused" when the database has another
// row with that name.
Result<void> import_declaration(Connection& connection, const model::Declaration& declaration);

// Every row of every entity, as of one moment.
Result<model::Declaration> export_declaration(Connection& connection);

}  // namespace sallyport::postgres
