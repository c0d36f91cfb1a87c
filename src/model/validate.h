// Checks rows against their entity's declaration and finds every fault at once, in the words and
// the order of Kong's Admin API. Pure functions of their arguments; any thread.
//
// Faults come as JSON shaped like the row: a text per faulty field, objects for records and maps,
// arrays with null for sound elements, and "@entity" with the texts that concern several fields.
#pragma once

#include <string>

#include "base/json_fwd.h"
#include "model/schema.h"

namespace sallyport::model {

// A complete row (complete.h), about to be written. Null when it is sound.
Json validate(const EntitySchema& entity, const Json& row);

// A changed row: only the fields named in `patch`, and checks that read one of them, are looked at,
// so that an old row which a newer rule refuses can still be changed elsewhere.
Json validate_update(const EntitySchema& entity, const Json& patch, const Json& row);

// One value; null when it is sound.
Json validate_value(const Field& field, const Json& value);

// The declaration of `field_name` in force for `row`, sub-schemas considered; null when unknown.
const Field* field_in_force(const EntitySchema& entity, const Json& row,
                            std::string_view field_name);

// The fields and checks of the sub-schema that `row` selects; null when there is none.
const Shape* subschema_of(const EntitySchema& entity, const Json& row);

// "schema violation (host: required field missing)" or "2 schema violations (...; ...)".
std::string fault_message(const Json& faults);

}  // namespace sallyport::model
