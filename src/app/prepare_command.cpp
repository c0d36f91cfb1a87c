#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/commands.h"
#include "app/configuration.h"
#include "app/configuration_files.h"
#include "app/prefix.h"

namespace sallyport::app {

Action prepare_command(CLI::App& command) {
  auto options = std::make_shared<ConfigurationOptions>();
  add_configuration_options(command, *options);
  accept_nginx_conf(command);
  command.footer(
      "Checks the configuration as `sallyport check` does, and makes the working directory with "
      "its\n"
      "sub-directories. Nothing is started.\n"
      "\n"
      "Example:\n"
      "  sallyport prepare -c /etc/kong/kong.conf -p /var/lib/sallyport");
  return [options] {
    conf::Loaded loaded = conf::load(sources_of(*options));
    if (loaded.faults.empty()) loaded.faults = file_faults(loaded);
    if (print_findings(loaded) > 0) return 1;
    if (auto prepared = prepare_prefix(loaded.settings); !prepared) {
      fmt::print(stderr, "Error: {}\n", prepared.error().text());
      return 1;
    }
    return 0;
  };
}

}  // namespace sallyport::app
