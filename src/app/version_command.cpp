#include <fmt/format.h>

#include "app/commands.h"
#include "base/version.h"

namespace sallyport::app {

Action version_command(CLI::App&) {
  return [] {
    fmt::print("sallyport {} (Kong API {})\n", kVersion, kKongApiLevel);
    return 0;
  };
}

}  // namespace sallyport::app
