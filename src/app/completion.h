// Completion scripts for shells, made from the table of commands: sub-commands and options of each.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace sallyport::app {

enum class Shell : uint8_t { bash, zsh, fish };

// A script that the shell sources. Hidden commands are left out.
std::string completion_script(const CLI::App& program, Shell shell);

}  // namespace sallyport::app
