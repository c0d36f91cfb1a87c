// A declaration as `GET /schemas/{entity}` shows it. Any thread.
#pragma once

#include "base/json_fwd.h"
#include "model/schema.h"

namespace sallyport::model {

// {"fields": [{name: {...}}, ...], "entity_checks": [...]}
Json schema_json(const Shape& shape);

}  // namespace sallyport::model
