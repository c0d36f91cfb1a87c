#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/commands.h"
#include "base/file.h"
#include "conf/reference.h"

namespace sallyport::app {

// For developers: hidden from --help.
Action generate_command(CLI::App& command) {
  auto directory = std::make_shared<std::string>(".");
  command.group("");
  command.add_option("DIR", *directory, "The root of the repository");
  return [directory] {
    for (const auto& [name, content] :
         {std::pair{"sallyport.conf.default", conf::default_file()},
          std::pair{"docs/configuration.md", conf::reference_page()}}) {
      std::string path = fmt::format("{}/{}", *directory, name);
      if (auto written = write_file_atomically(path, content, 0644); !written) {
        fmt::print(stderr, "error: {}\n", written.error().text());
        return 1;
      }
      fmt::print("{}\n", path);
    }
    return 0;
  };
}

}  // namespace sallyport::app
