#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/commands.h"
#include "base/version.h"
#include "model/plugin_declarations.h"

namespace sallyport::app {

Action version_command(CLI::App& command) {
  auto all = std::make_shared<bool>(false);
  command.add_flag("-a,--all", *all, "Say also what it is built with");
  command.footer("Examples:\n  sallyport version\n  sallyport version --all");
  return [all] {
    fmt::print("sallyport {} (Kong API {})\n", kVersion, kKongApiLevel);
    if (*all) {
      fmt::print("compiler: {}\nbundled plugins: {}\n", __VERSION__,
                 model::plugin_declarations().size());
    }
    return 0;
  };
}

}  // namespace sallyport::app
