// Gives the texts of a form body the types that the entity's declaration expects: "80" becomes 80
// where an integer is due, a single value a list of one, "" null. What cannot be converted stays a
// text, for validation to name. JSON bodies are typed already and do not pass here. Any thread.
#pragma once

#include "base/json_fwd.h"
#include "model/schema.h"

namespace sallyport::model {

Json infer_types(const EntitySchema& entity, const Json& form);

}  // namespace sallyport::model
