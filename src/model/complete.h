// From what a client sent to a complete row: shorthand fields spelled out, defaults filled in, ids
// and timestamps made, sets without repetitions, references cut down to their id. Faults are found
// afterwards (validate.h); what is wrong or unknown is left as it is. Any thread.
#pragma once

#include "base/json_fwd.h"
#include "model/schema.h"

namespace sallyport::model {

// Replaces shorthand fields of `input`, also those within records, by the fields that they stand
// for. `sub` is the sub-schema in force, null when there is none. Returns the faults of shorthand
// values that are of the wrong type, null when there are none.
Json expand_shorthands(const Shape& shape, const Shape* sub, Json& input);

// The row that `input` asks for: every field in the order of the declaration, absent ones with
// their default or null, then unknown ones. `now` is in seconds since 1970.
Json complete(const EntitySchema& entity, const Json& input, double now);

// `row` with the fields of `patch` over it; records are merged, everything else is replaced.
Json merge(const EntitySchema& entity, const Json& row, const Json& patch);

// A row as it was read from a store: fields that it lacks are null, required ones that an older row
// left null get their default.
Json stored_row(const EntitySchema& entity, Json row);

// A stored row as clients see it: with the old names of its fields beside the new ones.
Json shown_row(const EntitySchema& entity, Json row);

}  // namespace sallyport::model
