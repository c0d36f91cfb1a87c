// One thing in a configuration that is wrong, or worth a word. A value.
#pragma once

#include <string>

namespace sallyport::conf {

// `line` is 0 where no line of a file is to blame.
struct Fault {
  std::string file;  // the file, or "environment", or "command line"
  int line = 0;
  std::string key;      // the directive, or the variable; empty when none is to blame
  std::string message;  // "unknown word 'yes'; accepted: on, off, true, false"

  // "file:line: key: message", without the parts that are empty.
  std::string text() const;

  bool operator==(const Fault&) const = default;
};

}  // namespace sallyport::conf
