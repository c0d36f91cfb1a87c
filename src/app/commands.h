// The command line: one file per command, registered in one table (commands.cpp).
// A command adds its options to the CLI11 sub-command that it is given and sets `action`.
#pragma once

#include <functional>
#include <string_view>

namespace CLI {
class App;
}

namespace sallyport::app {

// What a command does once its options are parsed; returns the exit code of the process.
using Action = std::function<int()>;

// Parses the command line and runs the command. Exit codes are Kong's: 0 done, 1 failed; commands
// document further ones in their --help.
int run(int argc, char** argv);

// One per command, each in <name>_command.cpp. `command` outlives the call.
Action check_command(CLI::App& command);
Action completion_command(CLI::App& command);
Action config_command(CLI::App& command);
Action doctor_command(CLI::App& command);
Action drain_command(CLI::App& command);
Action echo_command(CLI::App& command);
Action generate_command(CLI::App& command);
Action health_command(CLI::App& command);
Action hybrid_command(CLI::App& command);
Action migrations_command(CLI::App& command);
Action pki_command(CLI::App& command);
Action postgres_command(CLI::App& command);
Action prepare_command(CLI::App& command);
Action quickstart_command(CLI::App& command);
Action quit_command(CLI::App& command);
Action reload_command(CLI::App& command);
Action restart_command(CLI::App& command);
Action upgrade_command(CLI::App& command);
Action start_command(CLI::App& command);
Action stop_command(CLI::App& command);
Action vault_command(CLI::App& command);
Action version_command(CLI::App& command);

}  // namespace sallyport::app
