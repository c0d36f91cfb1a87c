// Reads kong.conf: file, KONG_* environment, command line, defaults; reports every fault at once.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "conf/settings.h"

namespace sallyport::conf {

// One thing that is wrong, or worth a word. `line` is 0 where no file line is to blame.
struct Fault {
  std::string file;  // the file, or "environment", or "command line"
  int line = 0;
  std::string key;
  std::string message;  // "unknown word 'yes'; accepted: on, off"
  std::string text() const;
};

struct Sources {
  std::string path;                              // -c; empty: the default search path
  std::map<std::string, std::string> overrides;  // from the command line, by key ("prefix")
  // The environment to read; null: the process's own.
  std::function<const char*(const char*)> environment;
  // All KONG_* names of that environment, for naming unknown ones.
  std::vector<std::string> environment_names;
};

struct Loaded {
  Settings settings;  // meaningful only when `faults` is empty
  std::string path;   // the file that was read; empty when there was none
  std::vector<Fault> faults;
  std::vector<Fault> warnings;  // known keys without effect here, deprecated words
};

// Touches nothing but the files that it is told to read. Search path without -c:
// /etc/kong/kong.conf, /etc/kong.conf, /etc/sallyport/sallyport.conf, /etc/sallyport.conf.
Loaded load(const Sources& sources);

}  // namespace sallyport::conf
