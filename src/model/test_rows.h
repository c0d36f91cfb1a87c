// For tests: an input the way the Admin API takes it, completed and checked.
#pragma once

#include <string>

#include "base/json.h"
#include "model/complete.h"
#include "model/schema.h"
#include "model/validate.h"

namespace sallyport::model {

inline constexpr double kTestNow = 1'700'000'000.25;

inline Json completed(const EntitySchema& entity, std::string_view text) {
  Json input = parse_json(text);
  expand_shorthands(entity, subschema_of(entity, input), input);
  return complete(entity, input, kTestNow);
}

// The faults, "null" when there are none.
inline std::string faults(const EntitySchema& entity, std::string_view text) {
  Json input = parse_json(text);
  Json shorthand = expand_shorthands(entity, subschema_of(entity, input), input);
  if (!shorthand.is_null()) return to_text(shorthand);
  return to_text(validate(entity, complete(entity, input, kTestNow)));
}

struct FaultCase {
  const char* input;
  const char* expected;
};

}  // namespace sallyport::model
