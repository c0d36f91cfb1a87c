#include <map>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/commands.h"
#include "app/completion.h"

namespace sallyport::app {

Action completion_command(CLI::App& command) {
  static const std::map<std::string, Shell> kShells = {
      {"bash", Shell::bash}, {"zsh", Shell::zsh}, {"fish", Shell::fish}};
  auto shell = std::make_shared<std::string>();
  command.add_option("SHELL", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}))
      ->type_name("SHELL");
  command.footer(
      "Examples:\n"
      "  source <(sallyport completion bash)\n"
      "  sallyport completion zsh > ~/.zfunc/_sallyport\n"
      "  sallyport completion fish > ~/.config/fish/completions/sallyport.fish");
  return [shell, &command] {
    fmt::print("{}", completion_script(*command.get_parent(), kShells.at(*shell)));
    return 0;
  };
}

}  // namespace sallyport::app
