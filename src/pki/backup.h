// What a command is about to replace, kept in DIRECTORY/backup/TIME/: a key that is gone cannot be
// made again, and a certificate that is gone cannot be revoked. Blocking; under the directory lock.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"

namespace sallyport::pki {

// Keeps those of `files` (names inside `directory`) that exist, with owner and mode. Returns the
// backup's path; "" when there was nothing to keep. Directories are mode 0700.
Result<std::string> back_up(const std::string& directory, const std::vector<std::string>& files,
                            int64_t now);

}  // namespace sallyport::pki
