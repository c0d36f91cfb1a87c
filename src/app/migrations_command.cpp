#include <cstdio>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/configuration.h"
#include "base/json.h"
#include "postgres/link_settings.h"
#include "postgres/migrations/migrator.h"

namespace sallyport::app {
namespace {

using postgres::Migrations;
using postgres::Migrator;
using postgres::SchemaState;

// What Kong's `migrations list` leaves with.
constexpr int kNeedsBootstrap = 3;
constexpr int kPending = 4;
constexpr int kNew = 5;

struct Options {
  ConfigurationOptions configuration;
  bool yes = false;
  bool quiet = false;
  bool force = false;
  int64_t database_timeout_s = 60;
  int64_t lock_timeout_s = 60;
};

int failed(const Error& error) {
  fmt::print(stderr, "Error: {}\n", error.text());
  return 1;
}

void say(const Options& options, const std::string& line) {
  if (options.quiet) return;
  fmt::print("{}\n", line);
  std::fflush(stdout);
}

void show(const Options& options, const char* heading, const std::vector<Migrations>& list) {
  if (list.empty()) return;
  say(options, heading);
  for (const Migrations& entry : list) {
    std::string names;
    for (const std::string& name : entry.names) names += (names.empty() ? "" : ", ") + name;
    say(options, fmt::format("{:>24}: {}", entry.subsystem, names));
  }
}

int list(const Options& options, Migrator& migrator) {
  auto state = migrator.state();
  if (!state) return failed(state.error());
  if (state->needs_bootstrap) {
    say(options, "Database needs bootstrapping; run 'sallyport migrations bootstrap'");
    return kNeedsBootstrap;
  }
  show(options, "Executed migrations:", state->executed);
  show(options, "Migrations of a newer version:", state->unknown);
  show(options, "Pending migrations:", state->pending);
  if (!state->pending.empty()) {
    say(options, "Run 'kong migrations finish' with the Kong that began them");
    return kPending;
  }
  show(options, "New migrations available:", state->available);
  if (state->available.empty()) return 0;
  say(options, "Run 'sallyport migrations up' to proceed");
  return kNew;
}

int status(const Options&, Migrator& migrator) {
  auto state = migrator.state();
  if (!state) return failed(state.error());
  fmt::print("{}\n", to_text(state->to_json()));
  return 0;
}

int report(const Options& options, const Result<bool>& done, const char* changed,
           const char* unchanged) {
  if (!done) return failed(done.error());
  say(options, *done ? changed : unchanged);
  return 0;
}

int up(const Options& options, Migrator& migrator) {
  if (options.force) say(options, "--force changes nothing: every migration here is complete");
  return report(options, migrator.up(), "Database is up-to-date", "Database is already up-to-date");
}

int finish(const Options& options, Migrator& migrator) {
  return report(options, migrator.finish(), "Database is up-to-date",
                "No pending migrations to finish");
}

bool confirmed(const Options& options) {
  if (options.yes) return true;
  if (::isatty(STDIN_FILENO) == 0) {
    fmt::print(stderr, "Error: not a terminal: `reset` takes --yes when nobody can be asked\n");
    return false;
  }
  fmt::print("> Every service, route and credential in this database will be gone. Sure? [y/N] ");
  std::fflush(stdout);
  char answer[8] = {};
  bool read = std::fgets(answer, sizeof answer, stdin) != nullptr;
  if (read && (answer[0] == 'y' || answer[0] == 'Y')) return true;
  fmt::print("Cancelled\n");
  return false;
}

int reset(const Options& options, Migrator& migrator) {
  if (!confirmed(options)) return 1;
  auto done = migrator.reset();
  if (!done) return failed(done.error());
  say(options,
      *done ? "Database successfully reset" : "Database not bootstrapped, nothing to reset");
  return *done ? 0 : 1;
}

using Verb = int (*)(const Options&, Migrator&);

// `verb` is null for bootstrap, the only one that needs to know the name of the schema.
int run_verb(const Options& options, Verb verb) {
  auto loaded = load_configuration(options.configuration);
  if (!loaded) return 1;
  if (loaded->settings.string(conf::Key::database) != "postgres") {
    fmt::print(stderr, "Error: database = {}: there is nothing to migrate\n",
               loaded->settings.string(conf::Key::database));
    return 1;
  }
  auto link = postgres::link_settings(loaded->settings, postgres::LinkRole::main);
  if (!link) return failed(link.error());
  link->timeout = std::chrono::seconds(options.database_timeout_s);
  auto connection = postgres::Connection::open(*link);
  if (!connection) return failed(connection.error());
  Migrator migrator(*connection, std::chrono::seconds(options.lock_timeout_s),
                    [&](const std::string& line) { say(options, line); });
  if (verb) return verb(options, migrator);
  say(options, "Bootstrapping database...");
  return report(options, migrator.bootstrap(link->schema), "Database is up-to-date",
                "Database already bootstrapped");
}

}  // namespace

Action migrations_command(CLI::App& command) {
  struct Entry {
    const char* name;
    const char* summary;
    Verb verb;
  };
  static constexpr Entry kVerbs[] = {
      {"bootstrap", "Make the tables of an empty database", nullptr},
      {"up", "Run what is new, and add Sallyport's change log to a database of Kong's", up},
      {"finish", "Finish what `up` left pending", finish},
      {"list", "Show what has run; exit code 3: needs bootstrap, 4: pending, 5: new", list},
      {"status", "The same as JSON", status},
      {"reset", "Drop every table of the gateway with all rows", reset},
  };
  auto options = std::make_shared<Options>();
  auto chosen = std::make_shared<Verb>();
  command.require_subcommand(1);
  for (const Entry& entry : kVerbs) {
    CLI::App* verb = command.add_subcommand(entry.name, entry.summary);
    add_configuration_options(*verb, options->configuration);
    verb->add_flag("-y,--yes", options->yes, "Ask nothing");
    verb->add_flag("-q,--quiet", options->quiet, "Print errors only");
    verb->add_flag("-f,--force", options->force, "Accepted for Kong's scripts");
    verb->add_option("--db-timeout", options->database_timeout_s, "Seconds for each operation")
        ->check(CLI::Range(1, 86400))
        ->capture_default_str();
    verb->add_option("--lock-timeout", options->lock_timeout_s,
                     "Seconds to wait for another node that is migrating")
        ->check(CLI::Range(0, 86400))
        ->capture_default_str();
    verb->footer(
        fmt::format("Example:\n  sallyport migrations {} -c /etc/kong/kong.conf", entry.name));
    verb->callback([chosen, verb = entry.verb] { *chosen = verb; });
  }
  command.footer(
      "Each runs in one transaction: killed at any point it leaves the database as it was, or "
      "done.\n"
      "\n"
      "Examples:\n"
      "  sallyport migrations bootstrap -c /etc/kong/kong.conf\n"
      "  sallyport migrations list; [ $? = 5 ] && sallyport migrations up");
  return [options, chosen] { return run_verb(*options, *chosen); };
}

}  // namespace sallyport::app
