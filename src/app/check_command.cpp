#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/commands.h"
#include "app/configuration.h"
#include "app/configuration_files.h"

namespace sallyport::app {

Action check_command(CLI::App& command) {
  auto options = std::make_shared<ConfigurationOptions>();
  add_configuration_options(command, *options);
  command.add_option("FILE", options->conf, "The configuration file, as an argument");
  command.footer(
      "Reads the configuration and the files that it names, and nothing else: no connection, no\n"
      "file written.\n"
      "Exit code 0: good, perhaps with warnings; 1: faults, all of them named.\n"
      "\n"
      "Example:\n"
      "  sallyport check /etc/kong/kong.conf");
  return [options] {
    conf::Loaded loaded = conf::load(sources_of(*options));
    if (loaded.faults.empty()) loaded.faults = file_faults(loaded);
    size_t faults = print_findings(loaded);
    std::string what = loaded.path.empty() ? "the configuration (no file found: defaults and "
                                             "environment)"
                                           : loaded.path;
    if (faults > 0) {
      fmt::print("{}: {} error{}\n", what, faults, faults == 1 ? "" : "s");
      return 1;
    }
    fmt::print("{} is good\n", what);
    return 0;
  };
}

}  // namespace sallyport::app
