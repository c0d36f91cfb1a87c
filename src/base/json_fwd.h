// Names the JSON type without its 25,000 lines.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace sallyport {
using Json = nlohmann::ordered_json;
}  // namespace sallyport
