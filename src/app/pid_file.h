// <prefix>/pids/sallyport.pid: who runs in this prefix. The file is locked while its process lives,
// so a pid that the kernel has given to somebody else is never mistaken for ours.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include <sys/types.h>

#include "base/error.h"

namespace sallyport::app {

class PidFile {
 public:
  // Creates, locks and fills the file for this process. Error "app.running" names the pid that
  // holds it already. The file is removed when the PidFile dies.
  static Result<PidFile> take(const std::string& prefix);

  // For a process that takes the place of `former`: its file is not the prefix's before install().
  // One at a time: error "app.upgrading".
  static Result<PidFile> succeed(const std::string& prefix, pid_t former);
  // False when `former` does not run there any more.
  bool install();

  // The running process of that prefix, if there is one.
  static std::optional<pid_t> owner(const std::string& prefix);

  static std::string path(const std::string& prefix);

  PidFile(PidFile&& other) noexcept;
  PidFile& operator=(PidFile&&) = delete;
  ~PidFile();

 private:
  PidFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}

  std::string path_;
  int fd_;
  // Of a successor until install().
  std::string prefix_;
  pid_t former_ = 0;
  int turn_ = -1;  // locked: who else wants to succeed has to wait
};

// Whether the node of that prefix ends within that time.
bool wait_until_gone(const std::string& prefix, std::chrono::seconds within);

}  // namespace sallyport::app
