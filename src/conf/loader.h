// Reads kong.conf: file, KONG_* environment, command line, defaults; reports every fault at once.
// Blocking (it reads one file), any thread.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "conf/fault.h"
#include "conf/settings.h"

namespace sallyport::conf {

struct Sources {
  std::string path;                              // -c; empty: the default search path
  std::optional<std::string> content;            // of `path`, when it has been read already
  std::map<std::string, std::string> overrides;  // from the command line, by key ("prefix")
  // The environment to read; null: the process's own.
  std::function<const char*(const char*)> environment;
  // All KONG_* names of that environment, for naming unknown ones; taken from the process when
  // `environment` is null.
  std::vector<std::string> environment_names;
};

// Where a value was written, or, when it was not, where it could be.
struct Place {
  std::string file;
  int line = 0;
  std::string key;  // as written: the variable, if it was one
  bool written = false;
};

struct Loaded {
  Settings settings;            // complete; trust it only when `faults` is empty
  std::string path;             // the file that was read; empty when there was none
  std::vector<Fault> faults;    // in the order of the lines
  std::vector<Fault> warnings;  // known keys without effect here, unknown variables, doubtful pairs
  std::vector<Place> places;    // by Key

  // False for what is a default, or inherited.
  bool written(Key key) const { return places[static_cast<size_t>(key)].written; }
  // A fault about `key` that points at the line or the variable that it was written in.
  Fault fault_at(Key key, std::string message) const;
};

// Touches nothing but the files that it is told to read. Search path without -c:
// /etc/kong/kong.conf, /etc/kong.conf, /etc/sallyport/sallyport.conf, /etc/sallyport.conf.
Loaded load(const Sources& sources);

}  // namespace sallyport::conf
