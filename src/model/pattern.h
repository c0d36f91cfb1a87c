// The small pattern language in which Kong's schemas are written (and shown by /schemas): literal
// characters, `.`, classes (%a %d %l %s %u %w %x %p %c %g, upper case for the complement), sets
// ([a-z%d], [^...]), one of the repetitions * + - ? after a single item, ^ and $ at the ends.
// No captures, no back-references. Bytes, no locale. Any thread.
#pragma once

#include <string_view>

namespace sallyport::model {

// True when `pattern` is found in `text`. Backtracking is bounded: after a million steps the answer
// is false, so that a long value cannot hold the control thread.
bool matches(std::string_view pattern, std::string_view text);

}  // namespace sallyport::model
