#include "app/configuration.h"

#include <cstdio>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/enabled_plugins.h"
#include "model/route_language.h"
#include "router/expression.h"
#include "router/flavor.h"

namespace sallyport::app {
namespace {

// Before anything looks at a schema: every command reads the configuration first.
void choose_route_language(const conf::Settings& settings) {
  if (router::flavor_of(settings.string(conf::Key::router_flavor)) == router::Flavor::expressions) {
    model::let_routes_have_expressions(router::route_expression_fault);
  }
}

}  // namespace

void add_configuration_options(CLI::App& command, ConfigurationOptions& options) {
  command.add_option("-c,--conf", options.conf, "The configuration file (kong.conf)")
      ->type_name("FILE");
  command.add_option("-p,--prefix", options.prefix, "The working directory, instead of `prefix`")
      ->type_name("DIR");
}

void accept_nginx_conf(CLI::App& command) {
  command
      .add_option_function<std::string>(
          "--nginx-conf",
          [](const std::string& path) {
            fmt::print(stderr, "warning: --nginx-conf {} is not read\n", path);
          },
          "Accepted for Kong's scripts, and not read: there is no nginx")
      ->type_name("FILE");
}

conf::Sources sources_of(const ConfigurationOptions& options) {
  conf::Sources sources;
  sources.path = options.conf;
  if (!options.prefix.empty()) sources.overrides.emplace("prefix", options.prefix);
  return sources;
}

size_t print_findings(const conf::Loaded& loaded) {
  for (const conf::Fault& warning : loaded.warnings) {
    fmt::print(stderr, "warning: {}\n", warning.text());
  }
  for (const conf::Fault& fault : loaded.faults) fmt::print(stderr, "error: {}\n", fault.text());
  return loaded.faults.size();
}

std::optional<conf::Loaded> load_configuration(const ConfigurationOptions& options) {
  conf::Loaded loaded = conf::load(sources_of(options));
  if (print_findings(loaded) > 0) return std::nullopt;
  choose_route_language(loaded.settings);
  know_shared_dictionaries(loaded.settings);
  return loaded;
}

}  // namespace sallyport::app
