#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/commands.h"
#include "base/version.h"

namespace sallyport::app {

Action version_command(CLI::App& command) {
  command.footer("Example:\n  sallyport version");
  return [] {
    fmt::print("sallyport {} (Kong API {})\n", kVersion, kKongApiLevel);
    return 0;
  };
}

}  // namespace sallyport::app
