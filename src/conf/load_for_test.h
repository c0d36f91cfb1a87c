// Loads a configuration that a test writes down, without the process's own environment. For tests
// only, hence all in the header.
#pragma once

#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "conf/loader.h"

namespace sallyport::conf {

// `content` is what kong.conf says; `environment` is all there is.
inline Loaded load_for_test(const std::string& content,
                            const std::map<std::string, std::string>& environment = {},
                            const std::map<std::string, std::string>& overrides = {}) {
  Sources sources;
  sources.path = "kong.conf";
  sources.content = content;
  sources.overrides = overrides;
  sources.environment = [&](const char* name) -> const char* {
    auto found = environment.find(name);
    return found == environment.end() ? nullptr : found->second.c_str();
  };
  for (const auto& entry : environment) sources.environment_names.push_back(entry.first);
  return load(sources);
}

// One a line, "LINE: KEY: MESSAGE", the name of the file left out.
inline std::string lines_of(const std::vector<Fault>& faults) {
  std::string out;
  for (const Fault& fault : faults) {
    if (fault.line > 0) out += fmt::format("{}: ", fault.line);
    if (!fault.key.empty()) out += fault.key + ": ";
    out += fault.message + "\n";
  }
  return out;
}

inline std::string faults_of(const Loaded& loaded) {
  return lines_of(loaded.faults);
}
inline std::string warnings_of(const Loaded& loaded) {
  return lines_of(loaded.warnings);
}

}  // namespace sallyport::conf
