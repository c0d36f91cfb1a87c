// How every command comes by its configuration: -c FILE, -p PREFIX, KONG_* variables, and faults
// printed the same way everywhere. Command line only; control thread.
#pragma once

#include <optional>
#include <string>

#include "conf/loader.h"

namespace CLI {
class App;
}

namespace sallyport::app {

struct ConfigurationOptions {
  std::string conf;    // -c; empty: the default search path
  std::string prefix;  // -p; empty: what the configuration says
};

// The exit code of a command that had a bad configuration and sets it apart (the doctor).
inline constexpr int kBadConfiguration = 2;

// Adds -c/--conf and -p/--prefix. `options` must outlive the command.
void add_configuration_options(CLI::App& command, ConfigurationOptions& options);

// Adds --nginx-conf FILE, which the scripts of Kong's users give: a warning says that it is not
// read.
void accept_nginx_conf(CLI::App& command);

conf::Sources sources_of(const ConfigurationOptions& options);

// Loads the configuration. Faults and warnings go to standard error, one a line, as
// "error: FILE:LINE: KEY: MESSAGE" and "warning: ..."; nothing when there were faults.
std::optional<conf::Loaded> load_configuration(const ConfigurationOptions& options);

// The same lines for what was found; the number of faults.
size_t print_findings(const conf::Loaded& loaded);

}  // namespace sallyport::app
