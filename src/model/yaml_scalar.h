// What the scalars of YAML 1.1 stand for, and how JSON values are written as such. Any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/json_fwd.h"

namespace sallyport::model {

// A scalar without quotes and tag: null, boolean, integer, number or text.
Json plain_scalar(std::string_view text);

// A scalar with the tag "!" (quoted), "!!int" and so on; a text when the tag says nothing.
Json tagged_scalar(std::string_view tag, std::string_view text);

// The scalar, quoted where plain_scalar() would not give it back or YAML has another use for it.
std::string yaml_text(const Json& scalar);

}  // namespace sallyport::model
