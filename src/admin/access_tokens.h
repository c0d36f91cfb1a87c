// The tokens that let somebody use the Admin API (admin_access_token_file): one a line, blank lines
// and lines that begin with # aside. The file is looked at anew with every request and read when it
// has changed; one that cannot be used leaves the former tokens in force, with a warning. Shared by
// all workers; any thread.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <sys/stat.h>

#include "base/error.h"
#include "base/secret.h"

namespace sallyport::admin {

class AccessTokens {
 public:
  static constexpr size_t kShortest = 16;  // characters of a token

  // Errors: "conf.admin_access_token_file": it is missing, others may read or write it, it holds no
  // token or one that cannot be sent. A file that is emptied later lets nobody in.
  static Result<std::shared_ptr<AccessTokens>> load(std::string path);

  // Takes the same time whichever token it is, or none.
  bool know(std::string_view token);

 private:
  struct Version {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = 0;
    int64_t modified = 0, changed = 0;  // nanoseconds
    bool operator==(const Version&) const = default;
  };

  explicit AccessTokens(std::string path) : path_(std::move(path)) {}
  void refresh();
  Result<std::vector<Secret>> read() const;
  Version version() const;

  const std::string path_;
  std::mutex mutex_;
  std::vector<Secret> tokens_;
  Version version_;
  bool settled_ = false;  // the file was not that young when it was read
};

}  // namespace sallyport::admin
