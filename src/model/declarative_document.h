// The text of a declarative file, YAML or JSON, as one JSON value. Hostile texts cost bounded time
// and memory: depth, values (those that aliases repeat count each time) and the keys of one map are
// limited. Any thread.
#pragma once

#include <string_view>

#include "base/error.h"
#include "base/json_fwd.h"

namespace sallyport::model {

struct DocumentLimits {
  size_t bytes = 256u << 20;
  int depth = 100;
  size_t values = 20'000'000;
  size_t aliased_values = 2'000'000;  // values that anchors and aliases repeat
  size_t keys = 10'000;               // of one map
};

// JSON when the text begins with a brace, YAML 1.1 otherwise, with the types that Kong's reader
// gives to plain scalars (yes and off are booleans) and with merge keys.
// Errors: "declarative.syntax", Side::client, with line and column.
Result<Json> read_document(std::string_view text, const DocumentLimits& limits = {});

// A value as YAML: block style, two spaces, strings quoted where a reader would take them for
// something else.
std::string write_yaml(const Json& value);

}  // namespace sallyport::model
