// Reads files that seldom change: as long as inode, size, mtime and ctime stay the same, the text
// that was read before is the text. No process can set ctime back, so a write, a restored copy and
// a swapped mount all show; a file that changed within the last two seconds is read anyway, for the
// clock of the file system is coarse. Any thread.
#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "postgres/content_cache.h"

namespace sallyport::postgres {

struct KnownFile {
  std::string text;
  ContentHash::Value hash;
};

// Errors: those of read_file.
Result<std::shared_ptr<const KnownFile>> read_known_file(const std::string& path);

}  // namespace sallyport::postgres
