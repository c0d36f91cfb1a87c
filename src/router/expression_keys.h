// What a request must have for an expression to hold, in the terms of the router's index: so that
// requests without it never ask. Every key is necessary; all together are enough when `exact`. On
// the control thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "router/conditions.h"
#include "router/expression.h"

namespace sallyport::router {

struct ExpressionKeys {
  std::vector<NamePattern> hosts;        // one of them; any when empty
  std::vector<std::string> prefixes;     // of the path, one of them; any when empty
  std::vector<HeaderCondition> headers;  // all of them
  uint16_t methods = kAllMethods;        // one of them: bits of method_bits()
  bool exact = false;  // one of each of these, but for `headers`, is all it asks for
};

ExpressionKeys keys_of(const ExpressionNode& root);

}  // namespace sallyport::router
