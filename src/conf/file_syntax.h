// The line syntax of kong.conf, apart from what the keys mean: comments, sections, continued lines,
// `key = value`, `\#`. Pure; any thread.
//
//   # a comment, or ; a comment          only where it is the first character of a line that counts
//   key = value  # a comment too         `#` ends a value, `\#` is a `#`; inside quotes it is one
//   key = one, \                         a `\` at the end continues the line; comments and blank
//         two                            lines in between are skipped
//   [name]                               hides all keys below it, as it does for Kong
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "conf/fault.h"

namespace sallyport::conf {

struct Assignment {
  std::string key;    // characters other than letters and digits turned into `_`
  std::string value;  // trimmed; comment gone; quotes still there
  int line = 0;       // the first of a continued one
};

struct ParsedFile {
  std::vector<Assignment> assignments;  // as written, doubles included
  std::vector<Fault> faults;
  std::vector<Fault> warnings;
};

// `path` is for the faults only.
ParsedFile parse_file(const std::string& path, std::string_view content);

// `text` without one matching pair of quotes around it.
std::string_view unquote(std::string_view text);

}  // namespace sallyport::conf
