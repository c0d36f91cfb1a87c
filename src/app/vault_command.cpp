#include <cstdlib>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/commands.h"
#include "app/configuration.h"
#include "conf/vault_reference.h"

namespace sallyport::app {
namespace {

// "env/name" is short for "{vault://env/name}".
std::string whole_reference(const std::string& given) {
  if (given.starts_with("{vault://")) return given;
  if (given.starts_with("vault://")) return "{" + given + "}";
  return "{vault://" + given + "}";
}

int get(const ConfigurationOptions& options, const std::string& reference) {
  auto loaded = load_configuration(options);
  if (!loaded) return 1;
  auto value = conf::read_vault(whole_reference(reference),
                                loaded->settings.string(conf::Key::vault_env_prefix), std::getenv);
  if (!value) {
    fmt::print(stderr, "Error: {}\n", value.error().text());
    return 1;
  }
  fmt::print("{}\n", *value);
  return 0;
}

}  // namespace

Action vault_command(CLI::App& command) {
  auto options = std::make_shared<ConfigurationOptions>();
  auto reference = std::make_shared<std::string>();
  command.require_subcommand(1);
  CLI::App* verb = command.add_subcommand("get", "Print what a vault reference stands for");
  add_configuration_options(*verb, *options);
  verb->add_option("REFERENCE", *reference, "{vault://env/name}, or env/name for short")
      ->required();
  constexpr const char* kExamples =
      "Examples:\n"
      "  sallyport vault get env/pg-password          # the variable PG_PASSWORD\n"
      "  sallyport vault get '{vault://env/db/user}'  # the field `user` of the JSON in DB";
  verb->footer(kExamples);
  command.footer(kExamples);
  return [options, reference] { return get(*options, *reference); };
}

}  // namespace sallyport::app
