// What changes between two texts, line by line, as `diff -u` prints it: for showing an operator
// what is about to be written. Any thread.
#pragma once

#include <string>
#include <string_view>

namespace sallyport {

// Unified diff with three lines of context, headed "--- name" and "+++ name"; "" when both are
// equal. Meant for configuration files: time and memory grow with lines x lines.
std::string unified_diff(std::string_view before, std::string_view after, std::string_view name);

}  // namespace sallyport
