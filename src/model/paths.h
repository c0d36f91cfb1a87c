// Fields of nested records by dotted name: "config.redis.host". Any thread.
#pragma once

#include <string_view>

#include "base/json_fwd.h"
#include "model/schema.h"

namespace sallyport::model {

// The value; null pointer where some part of the way is absent or no object.
const Json* get_path(const Json& record, std::string_view dotted);
// Makes the objects on the way.
void set_path(Json& record, std::string_view dotted, Json value);
const Field* find_path(const Shape& shape, std::string_view dotted);

}  // namespace sallyport::model
