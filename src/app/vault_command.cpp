#include <cstdlib>
#include <memory>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/commands.h"
#include "app/configuration.h"
#include "app/declared_configuration.h"
#include "base/json.h"
#include "conf/vault_reference.h"
#include "model/schemas.h"
#include "postgres/store.h"

namespace sallyport::app {
namespace {

// "env/name" is short for "{vault://env/name}".
std::string whole_reference(const std::string& given) {
  if (given.starts_with("{vault://")) return given;
  if (given.starts_with("vault://")) return "{" + given + "}";
  return "{vault://" + given + "}";
}

// "my-env" of "{vault://my-env/name}": a kind of vault, or the prefix of a row of `vaults`.
std::string vault_of(const std::string& reference) {
  const size_t begin = reference.find("//") + 2;
  return reference.substr(begin, reference.find('/', begin) - begin);
}

// The row of `vaults` with that prefix; nothing when there is none.
Result<std::optional<Json>> find_vault(const conf::Settings& settings, const std::string& prefix) {
  auto find = [&](model::Store& store) -> Result<std::optional<Json>> {
    auto found = store.find(model::vaults(), "prefix", prefix);
    if (!found) return fail(found.error().error);
    return std::move(*found);
  };
  if (settings.string(conf::Key::database) == "off") {
    DeclaredConfiguration declared([](const model::ChangeBatch&) {});
    if (auto read = declared.load(settings); !read) return fail(read.error());
    return find(declared.store());
  }
  auto link = postgres::link_settings(settings, postgres::LinkRole::main);
  if (!link) return fail(link.error());
  postgres::Store store(std::move(*link));
  return find(store);
}

Result<std::string> read(const conf::Settings& settings, const std::string& reference) {
  const std::string prefix = settings.string(conf::Key::vault_env_prefix);
  const std::string backend = vault_of(reference);
  if (backend == "env" || backend.empty()) return conf::read_vault(reference, prefix, std::getenv);
  auto vault = find_vault(settings, backend);
  if (!vault) return fail(vault.error());
  if (!*vault || (**vault)["name"] != "env")
    return conf::read_vault(reference, prefix, std::getenv);
  std::string of_env = reference;
  of_env.replace(of_env.find("//") + 2, backend.size(), "env");
  const Json config = (**vault).value("config", Json::object());
  const bool own = config.contains("prefix") && config["prefix"].is_string();
  return conf::read_vault(of_env, own ? config["prefix"].get<std::string>() : prefix, std::getenv);
}

int get(const ConfigurationOptions& options, const std::string& reference) {
  auto loaded = load_configuration(options);
  if (!loaded) return 1;
  auto value = read(loaded->settings, whole_reference(reference));
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
      "  sallyport vault get '{vault://env/db/user}'  # the field `user` of the JSON in DB\n"
      "  sallyport vault get my-env/token             # by the prefix of a vault in the database";
  verb->footer(kExamples);
  command.footer(kExamples);
  return [options, reference] { return get(*options, *reference); };
}

}  // namespace sallyport::app
