#include "base/file.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/errno_text.h"
#include "base/uuid.h"

namespace sallyport {
namespace {

std::unexpected<Error> file_error(std::string_view what, const std::string& path, int error) {
  std::string_view code = error == ENOENT                     ? "file.missing"
                          : error == EACCES || error == EPERM ? "file.permission"
                                                              : "file.io";
  return fail(code, Side::config, fmt::format("cannot {} {}: {}", what, path, errno_text(error)));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

std::string parent_of(const std::string& path) {
  size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Result<void> write_all(int fd, const std::string& path, std::string_view content) {
  while (!content.empty()) {
    ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return file_error("write", path, errno);
    content.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

}  // namespace

Result<std::string> read_file(const std::string& path, size_t max_bytes) {
  Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) return file_error("open", path, errno);
  struct stat status;
  if (fstat(file.get(), &status) != 0) return file_error("stat", path, errno);
  if (!S_ISREG(status.st_mode)) {
    return fail("file.not_regular", Side::config, path + " is not a regular file");
  }
  if (static_cast<size_t>(status.st_size) > max_bytes) {
    return fail("file.too_large", Side::config,
                fmt::format("{} has {} bytes, more than {}", path, status.st_size, max_bytes));
  }
  // /proc files say size 0: read until the end, not until st_size.
  std::string content;
  content.reserve(static_cast<size_t>(status.st_size));
  char buffer[16384];
  for (;;) {
    ssize_t n = read(file.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return file_error("read", path, errno);
    if (n == 0) return content;
    content.append(buffer, static_cast<size_t>(n));
    if (content.size() > max_bytes) {
      return fail("file.too_large", Side::config,
                  fmt::format("{} has more than {} bytes", path, max_bytes));
    }
  }
}

Result<void> write_file_atomically(const std::string& path, std::string_view content,
                                   uint32_t mode) {
  std::string temporary = path + "." + new_uuid().substr(0, 8) + ".tmp";
  {
    Descriptor file(open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (file.get() < 0) return file_error("create", temporary, errno);
    auto written = write_all(file.get(), temporary, content);
    if (written && fchmod(file.get(), mode) != 0) written = file_error("chmod", temporary, errno);
    if (written && fsync(file.get()) != 0) written = file_error("sync", temporary, errno);
    if (!written) {
      unlink(temporary.c_str());
      return written;
    }
  }
  if (rename(temporary.c_str(), path.c_str()) != 0) {
    int error = errno;
    unlink(temporary.c_str());
    return file_error("rename", path, error);
  }
  Descriptor directory(open(parent_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() >= 0) fsync(directory.get());
  return {};
}

Result<void> make_directories(const std::string& path, uint32_t mode) {
  if (path.empty() || path == "/" || path == ".") return {};
  if (mkdir(path.c_str(), mode) == 0) return {};
  if (errno == ENOENT) {
    if (auto made = make_directories(parent_of(path), mode); !made) return made;
    if (mkdir(path.c_str(), mode) == 0) return {};
  }
  if (errno != EEXIST) return file_error("create directory", path, errno);
  struct stat status;
  if (stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) return {};
  return fail("file.not_directory", Side::config, path + " exists and is not a directory");
}

}  // namespace sallyport
