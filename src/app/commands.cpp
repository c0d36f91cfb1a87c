#include "app/commands.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/help_formatter.h"
#include "base/log.h"
#include "base/version.h"

namespace sallyport::app {
namespace {

struct Command {
  const char* name;
  const char* summary;
  Action (*add)(CLI::App&);
};

// In the order of --help.
constexpr std::array kCommands = {
    Command{"quickstart", "Bring everything up on a PostgreSQL of its own, behind mutual TLS",
            quickstart_command},
    Command{"check", "Verify a configuration without touching anything", check_command},
    Command{"doctor", "Find out why the link to PostgreSQL does not work", doctor_command},
    Command{"migrations", "Make or update the tables in the database", migrations_command},
    Command{"config", "Read, load and write declarative files", config_command},
    Command{"prepare", "Make the working directory", prepare_command},
    Command{"start", "Start the gateway", start_command},
    Command{"stop", "Stop it at once", stop_command},
    Command{"quit", "Drain it, then stop", quit_command},
    Command{"drain", "Tell balancers to send no more requests", drain_command},
    Command{"reload", "Load the configuration anew, all or nothing", reload_command},
    Command{"restart", "Stop, then start", restart_command},
    Command{"upgrade", "Put this binary in the place of the one that runs", upgrade_command},
    Command{"health", "Say whether it runs", health_command},
    Command{"hybrid", "Make the certificate of a hybrid cluster", hybrid_command},
    Command{"vault", "Show what a vault reference stands for", vault_command},
    Command{"pki", "Make, renew, revoke, show and verify certificates", pki_command},
    Command{"postgres", "Set up PostgreSQL's side of the link", postgres_command},
    Command{"echo", "An upstream that answers with the request that it got", echo_command},
    Command{"generate", "Write the documents that are made from tables", generate_command},
    Command{"completion", "Write the completion script of a shell", completion_command},
    Command{"version", "Print the version", version_command},
};

// The first word, when no command is called so; "" otherwise.
std::string unknown_command(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word.starts_with('-')) continue;
    const bool known = std::ranges::find(kCommands, word, [](const Command& command) {
                         return std::string_view(command.name);
                       }) != kCommands.end();
    return known ? "" : std::string(word);
  }
  return "";
}

// Help, or what is wrong with the arguments: Kong's scripts know 0 and 1.
int tell(const CLI::App& program, const CLI::ParseError& problem, const std::string& unknown) {
  if (problem.get_exit_code() != 0 && !unknown.empty()) {
    fmt::print(stderr, "Error: there is no command '{}'; `sallyport --help` lists them\n", unknown);
    return 1;
  }
  return program.exit(problem) == 0 ? 0 : 1;
}

}  // namespace

int run(int argc, char** argv) {
  CLI::App program{"Sallyport, an open API gateway with a secured configuration store.",
                   "sallyport"};
  program.formatter(help_formatter());
  program.require_subcommand(1);
  program.set_version_flag("--version", std::string(kServerToken));
  program.fallthrough();  // -v may stand behind the command, as with Kong
  bool debug = false;
  int times = 0;
  program.add_flag("-v,--v", times, "Say more of what is done; -vv or --vv: everything");
  program.add_flag("--vv", debug, "")->group("");
  program.footer("`sallyport COMMAND --help` tells more, with examples.");

  std::vector<std::pair<CLI::App*, Action>> actions;
  for (const Command& entry : kCommands) {
    CLI::App* command = program.add_subcommand(entry.name, entry.summary);
    actions.emplace_back(command, entry.add(*command));
  }
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    return tell(program, problem, unknown_command(argc, argv));
  }
  debug = debug || times > 1;
  if (debug || times > 0) log::start("", debug ? log::Level::debug : log::Level::info);
  for (auto& [command, action] : actions) {
    if (command->parsed()) return action();
  }
  return 1;
}

}  // namespace sallyport::app
