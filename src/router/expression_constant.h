// What may stand on the right side of a comparison, and behind which operators. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "router/expression.h"

namespace sallyport::router {

// An integer (decimal, 0x and hexadecimal, 0 and octal; signed 64 bits), an address, or a range
// whose host bits are zero. `reason` is filled when it is none of these.
std::optional<Constant> number_constant(std::string_view text, std::string& reason);

// "" when the operator and the types of both sides go together, else what would.
std::string misfit(const Predicate& predicate);

}  // namespace sallyport::router
