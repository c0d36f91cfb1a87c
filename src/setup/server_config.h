// postgresql.conf as the server reads it: includes followed, postgresql.auto.conf last, so that it
// can be said which line wins before the server says so. Reads files; main thread of a command.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace sallyport::setup {

struct ConfigLine {
  std::string name;  // lower case; an `include_dir` is a line too, its value absolute
  std::string value;
  std::string file;
  int line = 0;
};

// Contents by path, of files as they shall be: taken instead of what is on the disk.
using PlannedFiles = std::map<std::string, std::string>;

class ServerConfig {
 public:
  // Errors: "setup.config_file" for a file that is named and cannot be read, or includes too deep.
  static Result<ServerConfig> read(const std::string& config_file,
                                   const std::string& data_directory,
                                   const PlannedFiles& planned = {});

  // The line that wins; null when there is none.
  const ConfigLine* find(std::string_view name) const;
  // Its value, or "".
  std::string value(std::string_view name) const;

 private:
  class Reader;
  std::vector<ConfigLine> lines_;  // in the order in which the server reads them
};

}  // namespace sallyport::setup
