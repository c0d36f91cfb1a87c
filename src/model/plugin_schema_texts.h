// The files of plugin_schemas/, as the build has put them into the program: one JSON text each.
#pragma once

#include <span>
#include <string_view>

namespace sallyport::model {

std::span<const std::string_view> plugin_schema_texts();

}  // namespace sallyport::model
