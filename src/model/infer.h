// Gives the texts of a form body the types that the entity's declaration expects: "80" becomes 80
// where an integer is due, a single value a list of one, "" null. What cannot be converted stays a
// text, for validation to name. JSON bodies are typed already and do not pass here. Any thread.
#pragma once

#include "base/json_fwd.h"
#include "model/schema.h"

namespace sallyport::model {

// `row` is what the form is to change: it chooses the sub-schema where the form does not; null for
// a new one.
Json infer_types(const EntitySchema& entity, const Json& form, const Json* row = nullptr);

}  // namespace sallyport::model
