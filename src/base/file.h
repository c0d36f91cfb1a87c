// Reading and writing whole files, with errors that name the file. Any thread; blocking.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace sallyport {

// The whole content. Refuses directories, devices and files over `max_bytes`.
// Errors: "file.missing", "file.permission", "file.not_regular", "file.too_large", "file.read".
Result<std::string> read_file(const std::string& path, size_t max_bytes = 64u << 20);

// Writes a new file next to `path` with `mode` from its first byte on (never wider in between),
// syncs it, and renames it over `path`; a crash leaves the old or the new content, never a mixture.
Result<void> write_file_atomically(const std::string& path, std::string_view content,
                                   uint32_t mode);

// mkdir -p; directories that are made get `mode`.
Result<void> make_directories(const std::string& path, uint32_t mode = 0755);

}  // namespace sallyport
