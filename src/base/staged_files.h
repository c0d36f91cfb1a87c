// Several files that must change together: each is written and synced beside its place first, then
// all are renamed into place. A crash before commit() changes nothing; the time in which some are
// new and some old is that of the renames. Blocking; one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace sallyport {

class StagedFiles {
 public:
  StagedFiles() = default;
  StagedFiles(const StagedFiles&) = delete;
  StagedFiles& operator=(const StagedFiles&) = delete;
  ~StagedFiles();  // removes what was staged and not committed

  // Writes `content` to a new file beside `path`, with `mode` from its first byte on. A file that
  // is replaced hands down its owner and group (a key of the database user stays the database
  // user's); a symbolic link is followed. Errors: "file.*".
  Result<void> stage(const std::string& path, std::string_view content, uint32_t mode);

  // Renames all into place, in the order of staging.
  Result<void> commit();

  // Removes what a killed process left beside `path`: `path`.xxxxxxxx.tmp.
  static void remove_leftovers(const std::string& path);

 private:
  struct File {
    std::string temporary;
    std::string path;
  };
  std::vector<File> files_;
};

}  // namespace sallyport
