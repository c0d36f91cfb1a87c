// What a refusal of the server means to somebody who wrote a row: which fields, which other entity.
// Goes by SQLSTATE and by the constraint's columns in the catalogue, never by message texts: those
// follow the server's language.
#pragma once

#include "model/schema.h"
#include "model/store.h"
#include "postgres/connection.h"

namespace sallyport::postgres {

// The session is gone; drop the Connection.
bool is_lost(const Error& error);

// `row` is what was to be written; null for reads and deletes. Asks the catalogue on `connection`,
// which has failed with `error` at `constraint`.
model::StoreFault explain_fault(Connection& connection, const model::EntitySchema& entity,
                                const Json* row, Error error, std::string constraint);

}  // namespace sallyport::postgres
