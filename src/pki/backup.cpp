#include "pki/backup.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/errno_text.h"
#include "base/file.h"
#include "pki/calendar.h"

namespace sallyport::pki {
namespace {

bool exists(const std::string& path) {
  struct stat status{};
  return stat(path.c_str(), &status) == 0;
}

// A directory of its own for each backup, even for two in one second.
Result<std::string> new_directory(const std::string& parent, int64_t now) {
  if (auto made = make_directories(parent, 0700); !made) return fail(made.error());
  std::string name = parent + "/" + compact_time(now);
  for (int i = 2; i < 1000; ++i) {
    if (mkdir(name.c_str(), 0700) == 0) return name;
    if (errno != EEXIST) break;
    name = fmt::format("{}/{}-{}", parent, compact_time(now), i);
  }
  return fail("file.io", Side::config, fmt::format("cannot make {}: {}", name, errno_text(errno)));
}

Result<void> keep(const std::string& from, const std::string& to) {
  // The very file under a second name: owner, mode and all. Its replacement is a new file.
  if (linkat(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), AT_SYMLINK_FOLLOW) == 0) return {};
  auto content = read_file(from);  // another file system, or one without links
  if (!content) return fail(content.error());
  struct stat status{};
  if (stat(from.c_str(), &status) != 0) status.st_mode = 0600;
  return write_file_atomically(to, *content, status.st_mode & 0777);
}

}  // namespace

Result<std::string> back_up(const std::string& directory, const std::vector<std::string>& files,
                            int64_t now) {
  std::string target;
  for (const std::string& file : files) {
    std::string path = directory + "/" + file;
    if (!exists(path)) continue;
    if (target.empty()) {
      auto made = new_directory(directory + "/backup", now);
      if (!made) return fail(made.error());
      target = *made;
    }
    if (auto kept = keep(path, target + "/" + file); !kept) return fail(kept.error());
  }
  return target;
}

}  // namespace sallyport::pki
