// Rules of plugin schemas that have no declarative form, by the names that plugin_schemas/*.json
// uses for them. Stateless, any thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "model/schema.h"

namespace sallyport::model {

// Ends the program for a name that nobody knows: the data is part of it.
Rule named_rule(std::string_view name);
std::function<std::string(const Json& record, const Shape& shape, Json& errors)> named_check(
    std::string_view name);

// Shown as `is_regex`.
Rule regular_expression();

}  // namespace sallyport::model
