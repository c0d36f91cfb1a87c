#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/commands.h"
#include "app/configuration.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "model/declarative.h"
#include "model/declarative_document.h"
#include "postgres/declaration_rows.h"

namespace sallyport::app {
namespace {

constexpr size_t kMaxFile = 256u << 20;

constexpr const char* kExample =
    R"(# A declarative configuration. Check it with `sallyport config parse kong.yml`, serve it with
#   database = off
#   declarative_config = /path/to/kong.yml
# or load it into a database with `sallyport config db_import kong.yml`.
_format_version: "3.0"
_transform: true

# Entities may be nested in those that they belong to, as here, or stand side by side and refer to
# each other by name (`service: example`). Ids are derived from names unless they are given.
# services:
# - name: example
#   url: http://127.0.0.1:9000
#   routes:
#   - name: example
#     paths:
#     - /example
#
# upstreams:
# - name: backend.example
#   targets:
#   - target: 127.0.0.1:9001
#   - target: 127.0.0.1:9002
#     weight: 50
#
# consumers:
# - username: alice
)";

struct Options {
  ConfigurationOptions configuration;
  std::string file;
};

int failed(const Error& error) {
  fmt::print(stderr, "Error: {}\n", error.text());
  return 1;
}

Result<model::Declaration> read_declared(const std::string& path) {
  auto text = read_file(path, kMaxFile);
  if (!text) return fail(text.error());
  auto declaration = model::read_declaration(*text, static_cast<double>(unix_seconds()));
  if (declaration) return *std::move(declaration);
  return fail("config.parse", Side::config, "Failed parsing:\n" + declaration.error().text());
}

Result<void> write_new(const std::string& path, std::string_view content, uint32_t mode) {
  if (std::filesystem::exists(path)) {
    return fail("config.exists", Side::config,
                fmt::format("{} already exists.\nWill not overwrite it", path));
  }
  return write_file_atomically(path, content, mode);
}

int init(const Options& options) {
  std::string path = options.file.empty() ? "kong.yml" : options.file;
  if (auto written = write_new(path, kExample, 0644); !written) return failed(written.error());
  return 0;
}

int parse(const Options& options) {
  if (!load_configuration(options.configuration)) return 1;
  auto declaration = read_declared(options.file);
  if (!declaration) return failed(declaration.error());
  fmt::print("parse successful\n");
  return 0;
}

Result<postgres::Connection> connect(const conf::Settings& settings, const char* command) {
  if (settings.string(conf::Key::database) == "off") {
    return fail("config.no_database", Side::config,
                fmt::format("'sallyport config {}' only works with a database", command),
                "With database = off, use POST /config, GET /config or declarative_config");
  }
  auto link = postgres::link_settings(settings, postgres::LinkRole::main);
  if (!link) return fail(link.error());
  return postgres::Connection::open(*link);
}

int db_import(const Options& options) {
  auto loaded = load_configuration(options.configuration);
  if (!loaded) return 1;
  auto declaration = read_declared(options.file);
  if (!declaration) return failed(declaration.error());
  auto connection = connect(loaded->settings, "db_import");
  if (!connection) return failed(connection.error());
  fmt::print("parse successful, beginning import\n");
  std::fflush(stdout);
  auto imported = postgres::import_declaration(*connection, *declaration);
  if (!imported) {
    Error error = imported.error();
    error.detail = "Failed importing, nothing was changed:\n" + error.detail;
    return failed(error);
  }
  fmt::print("import successful\n");
  return 0;
}

int db_export(const Options& options) {
  auto loaded = load_configuration(options.configuration);
  if (!loaded) return 1;
  std::string path = options.file.empty() ? "kong.yml" : options.file;
  auto connection = connect(loaded->settings, "db_export");
  if (!connection) return failed(connection.error());
  auto declaration = postgres::export_declaration(*connection);
  if (!declaration) return failed(declaration.error());
  std::string text = model::write_yaml(model::declaration_document(*declaration));
  // It may hold keys and secrets.
  if (auto written = write_new(path, text, 0600); !written) return failed(written.error());
  return 0;
}

}  // namespace

Action config_command(CLI::App& command) {
  struct Verb {
    const char* name;
    const char* summary;
    int (*run)(const Options&);
    bool needs_file;
    const char* example;
  };
  static constexpr Verb kVerbs[] = {
      {"init", "Write an example to begin with (kong.yml)", init, false, "init"},
      {"parse", "Check a file; name every fault of it", parse, true, "parse kong.yml"},
      {"db_import", "Put a file into the database: insert or replace, in one transaction",
       db_import, true, "db_import kong.yml -c kong.conf"},
      {"db_export", "Write the database's content to a file (kong.yml)", db_export, false,
       "db_export backup.yml -c kong.conf"},
  };
  auto options = std::make_shared<Options>();
  auto chosen = std::make_shared<int (*)(const Options&)>();
  command.require_subcommand(1);
  for (const Verb& entry : kVerbs) {
    CLI::App* verb = command.add_subcommand(entry.name, entry.summary);
    add_configuration_options(*verb, options->configuration);
    verb->add_option("FILE", options->file, "A declarative file, YAML or JSON")
        ->required(entry.needs_file);
    verb->footer(fmt::format("Example:\n  sallyport config {}", entry.example));
    verb->callback([chosen, run = entry.run] { *chosen = run; });
  }
  command.get_subcommand("db_import")->alias("db-import");
  command.footer(
      "Exit code 0: done; 1: failed, and nothing was changed.\n"
      "\n"
      "Examples:\n"
      "  sallyport config parse kong.yml\n"
      "  sallyport config db_import kong.yml -c /etc/kong/kong.conf\n"
      "  sallyport config db_export backup.yml -c /etc/kong/kong.conf");
  return [options, chosen] { return (*chosen)(*options); };
}

}  // namespace sallyport::app
