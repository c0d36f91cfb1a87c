// Declarations written as data: the JSON that /schemas shows, with a name wherever a rule has no
// declarative form (named_rules.h). Broken data ends the program at start: it is part of it.
#pragma once

#include "base/json_fwd.h"
#include "model/schema.h"

namespace sallyport::model {

// {"fields": [{name: {…}}, …], "entity_checks": […], "shorthand_fields": […]}
Shape read_shape(const Json& json);

}  // namespace sallyport::model
