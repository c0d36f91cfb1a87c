#include "pki/directory_lock.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/errno_text.h"

namespace sallyport::pki {
namespace {

constexpr const char* kName = "/.lock";
constexpr useconds_t kPause = 50'000;  // microseconds between two attempts

std::unexpected<Error> failed(const std::string& path, int error) {
  return fail(error == EACCES ? "file.permission" : "file.io", Side::config,
              fmt::format("cannot lock {}: {}", path, errno_text(error)));
}

}  // namespace

Result<DirectoryLock> DirectoryLock::take(const std::string& directory, Milliseconds patience) {
  std::string path = directory + kName;
  int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return failed(path, errno);
  DirectoryLock lock(fd);
  TimePoint deadline = Clock::now() + patience;
  while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return failed(path, errno);
    if (Clock::now() >= deadline) {
      return fail("pki.busy", Side::config,
                  fmt::format("another sallyport pki is at work in {}", directory),
                  "Wait for it to end, then try again", Retry::later);
    }
    usleep(kPause);
  }
  return lock;
}

DirectoryLock& DirectoryLock::operator=(DirectoryLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

DirectoryLock::~DirectoryLock() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace sallyport::pki
