#include "app/pid_file.h"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/errno_text.h"
#include "base/file.h"
#include "base/text.h"

namespace sallyport::app {

namespace {

// A command that asks for the owner holds a shared lock for a moment: that is no node.
bool lock(int fd) {
  for (int tries = 0; tries < 20; ++tries) {
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

bool same_file(int fd, const std::string& path) {
  struct stat held;
  struct stat named;
  return fstat(fd, &held) == 0 && stat(path.c_str(), &named) == 0 && held.st_ino == named.st_ino;
}

Result<void> write_pid(const std::string& path, int fd) {
  const std::string line = fmt::format("{}\n", getpid());
  if (ftruncate(fd, 0) == 0 && pwrite(fd, line.data(), line.size(), 0) > 0) return {};
  return fail("app.pid_file", Side::config,
              fmt::format("cannot write {}: {}", path, errno_text(errno)));
}

}  // namespace

std::string PidFile::path(const std::string& prefix) {
  return prefix + "/pids/sallyport.pid";
}

Result<PidFile> PidFile::take(const std::string& prefix) {
  if (auto made = make_directories(prefix + "/pids"); !made) return fail(made.error());
  std::string path = PidFile::path(prefix);
  int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) {
    return fail("app.pid_file", Side::config,
                fmt::format("cannot open {}: {}", path, errno_text(errno)),
                "choose a writable prefix with -p");
  }
  if (!lock(fd)) {
    close(fd);
    auto pid = owner(prefix);
    return fail("app.running", Side::config,
                fmt::format("Sallyport is already running in {} (pid {})", prefix, pid.value_or(0)),
                "stop it with `sallyport stop`, or choose another prefix with -p");
  }
  // The former owner may have removed the file between our open and our lock.
  if (!same_file(fd, path)) {
    close(fd);
    return take(prefix);
  }
  PidFile file(path, fd);
  if (auto written = write_pid(path, fd); !written) return fail(written.error());
  return file;
}

Result<PidFile> PidFile::succeed(const std::string& prefix, pid_t former) {
  const int turn = open((prefix + "/pids").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (turn < 0 || flock(turn, LOCK_EX | LOCK_NB) != 0) {
    if (turn >= 0) close(turn);
    return fail("app.upgrading", Side::config,
                fmt::format("another process is about to take the place of {}", former));
  }
  std::string path = PidFile::path(prefix) + ".next";
  unlink(path.c_str());  // of one that was killed: the turn is ours
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  PidFile file(path, fd);
  file.prefix_ = prefix;
  file.former_ = former;
  file.turn_ = turn;
  if (fd < 0 || !lock(fd)) {
    return fail("app.pid_file", Side::config,
                fmt::format("cannot open {}: {}", path, errno_text(errno)));
  }
  if (auto written = write_pid(path, fd); !written) return fail(written.error());
  return file;
}

bool PidFile::install() {
  if (owner(prefix_) != former_) return false;
  std::string path = PidFile::path(prefix_);
  if (rename(path_.c_str(), path.c_str()) != 0) return false;
  path_ = std::move(path);
  close(std::exchange(turn_, -1));
  return true;
}

std::optional<pid_t> PidFile::owner(const std::string& prefix) {
  std::string path = PidFile::path(prefix);
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::nullopt;
  bool held = flock(fd, LOCK_SH | LOCK_NB) != 0;
  close(fd);
  if (!held) return std::nullopt;  // left over from a process that was killed
  auto content = read_file(path, 64);
  if (!content) return std::nullopt;
  auto pid = text::to_integer(text::trim(*content));
  if (!pid || *pid <= 0) return std::nullopt;
  return static_cast<pid_t>(*pid);
}

PidFile::PidFile(PidFile&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::exchange(other.fd_, -1)),
      prefix_(std::move(other.prefix_)),
      former_(other.former_),
      turn_(std::exchange(other.turn_, -1)) {}

PidFile::~PidFile() {
  if (fd_ >= 0) {
    // Unless a successor has put its own in that place.
    if (same_file(fd_, path_)) unlink(path_.c_str());
    close(fd_);
  }
  if (turn_ >= 0) close(turn_);
}

bool wait_until_gone(const std::string& prefix, std::chrono::seconds within) {
  auto deadline = std::chrono::steady_clock::now() + within;
  while (PidFile::owner(prefix)) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

}  // namespace sallyport::app
