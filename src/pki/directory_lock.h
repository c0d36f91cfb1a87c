// One writer per hierarchy directory: held while files of it are made, renewed or revoked, so that
// two runs at the same time lose neither a revocation nor a key. The kernel drops it when a process
// dies. Blocking, any thread.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/error.h"

namespace sallyport::pki {

class DirectoryLock {
 public:
  // Waits at most `patience` for another process. Errors: "pki.busy", "file.*".
  static Result<DirectoryLock> take(const std::string& directory,
                                    Milliseconds patience = Milliseconds(30000));

  DirectoryLock(DirectoryLock&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  DirectoryLock& operator=(DirectoryLock&& other) noexcept;
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;
  ~DirectoryLock();

 private:
  explicit DirectoryLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace sallyport::pki
