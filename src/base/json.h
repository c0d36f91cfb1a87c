// JSON, by nlohmann-json. Object keys keep their order, so that answers read as the schema does.
// Include this in .cpp files; headers that only name the type include base/json_fwd.h.
#pragma once

#include <nlohmann/json.hpp>

#include "base/json_fwd.h"

namespace sallyport {

// Parses one JSON text; nullopt-like failure is a discarded value: check with is_discarded().
// Nesting deeper than `max_depth` is refused, so that a body cannot exhaust the stack.
Json parse_json(std::string_view text, int max_depth = 128);

// The compact text of a value. Invalid UTF-8 is replaced by U+FFFD, never thrown.
std::string to_text(const Json& value);

}  // namespace sallyport
