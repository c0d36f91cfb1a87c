// From the text of one directive to its typed value, as its row of the table says. Pure; any
// thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conf/directives.h"
#include "conf/value.h"

namespace sallyport::conf {

// What is written for one key, without comment, quotes and vault references.
struct Written {
  std::string text;                // scalars: the value; lists: the whole as written, for display
  std::vector<std::string> items;  // lists and listens only
  bool hidden = false;             // complaints must not repeat it: it came out of a vault
};

// Splits what a list directive says at its commas: trimmed, unquoted, empty items dropped.
std::vector<std::string> split_items(std::string_view written);

// True for list and listen.
bool takes_items(const Directive& row);

// Fills the value, except for its origin and reference. Returns the complaint when it is none:
// "unknown word 'yes'; accepted: on, off, true, false". Complaints never repeat a masked value.
std::optional<std::string> parse_value(const Directive& row, const Written& written, Value& out);

}  // namespace sallyport::conf
