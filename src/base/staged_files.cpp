#include "base/staged_files.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/errno_text.h"
#include "base/uuid.h"

namespace sallyport {
namespace {

constexpr size_t kMarkLength = 8;  // hexadecimal digits of PATH.xxxxxxxx.tmp

std::unexpected<Error> failed(std::string_view what, const std::string& path, int error,
                              std::string remedy = {}) {
  std::string_view code = error == EACCES || error == EPERM ? "file.permission" : "file.io";
  return fail(code, Side::config, fmt::format("cannot {} {}: {}", what, path, errno_text(error)),
              std::move(remedy));
}

std::string parent_of(const std::string& path) {
  size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string name_of(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

// Where a symbolic link leads; the path itself when it is none or leads nowhere.
std::string follow(const std::string& path) {
  char* resolved = realpath(path.c_str(), nullptr);
  if (resolved == nullptr) return path;
  std::string out = resolved;
  std::free(resolved);
  return out;
}

Result<void> write_all(int fd, const std::string& path, std::string_view content) {
  while (!content.empty()) {
    ssize_t n = write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed("write", path, errno);
    content.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

// Gives the new file the owner and group of the one that it replaces.
Result<void> inherit_owner(int fd, const std::string& path) {
  struct stat before{};
  struct stat now{};
  if (stat(path.c_str(), &before) != 0) return {};
  if (fstat(fd, &now) != 0) return failed("stat", path, errno);
  if (before.st_uid == now.st_uid && before.st_gid == now.st_gid) return {};
  if (fchown(fd, before.st_uid, before.st_gid) == 0) return {};
  if (before.st_uid == now.st_uid) return {};  // only the group is not ours to give
  return failed("keep the owner of", path, errno,
                "run the command as the owner of the file, or as root");
}

}  // namespace

StagedFiles::~StagedFiles() {
  for (const File& file : files_) unlink(file.temporary.c_str());
}

Result<void> StagedFiles::stage(const std::string& wanted, std::string_view content,
                                uint32_t mode) {
  std::string path = follow(wanted);
  std::string temporary = path + "." + new_uuid().substr(0, kMarkLength) + ".tmp";
  // 0600 until owner and mode are settled, whatever the umask says.
  int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return failed("create", temporary, errno);
  files_.push_back({temporary, path});
  auto written = inherit_owner(fd, path);
  if (written) written = write_all(fd, temporary, content);
  if (written && fchmod(fd, mode) != 0) written = failed("chmod", temporary, errno);
  if (written && fsync(fd) != 0) written = failed("sync", temporary, errno);
  close(fd);
  return written;
}

Result<void> StagedFiles::commit() {
  std::set<std::string> directories;
  for (size_t done = 0; done < files_.size(); ++done) {
    const File& file = files_[done];
    if (rename(file.temporary.c_str(), file.path.c_str()) != 0) {
      int error = errno;
      files_.erase(files_.begin(), files_.begin() + static_cast<ptrdiff_t>(done));
      return failed("rename", file.path, error);
    }
    directories.insert(parent_of(file.path));
  }
  files_.clear();
  for (const std::string& directory : directories) {
    int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) continue;
    fsync(fd);
    close(fd);
  }
  return {};
}

void StagedFiles::remove_leftovers(const std::string& wanted) {
  std::string path = follow(wanted);
  std::string directory = parent_of(path);
  std::string prefix = name_of(path) + ".";
  DIR* listing = opendir(directory.c_str());
  if (listing == nullptr) return;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): a listing of its own
  while (const dirent* entry = readdir(listing)) {
    std::string_view name = entry->d_name;
    if (name.size() != prefix.size() + kMarkLength + 4 || !name.starts_with(prefix) ||
        !name.ends_with(".tmp")) {
      continue;
    }
    std::string_view mark = name.substr(prefix.size(), kMarkLength);
    if (mark.find_first_not_of("0123456789abcdef") == mark.npos) {
      unlink((directory + "/" + std::string(name)).c_str());
    }
  }
  closedir(listing);
}

}  // namespace sallyport
