// Runs another program to its end, as another user when we are root, with nothing of our
// environment but PATH, HOME, LANG and TZ, and takes what it printed. Main thread of a command.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/error.h"

namespace sallyport::setup {

struct Account {
  uid_t uid = 0;
  gid_t gid = 0;
  std::string name;
};

// The account of that name, or of this process ("").
Result<Account> find_account(const std::string& name);

struct Finished {
  int exit_code = 0;   // 128 + signal when one ended it
  std::string output;  // standard output and error, at most 1 MiB
};

// `arguments[0]` is the program's path. Output goes to the caller's terminal instead when `show`.
Result<Finished> run(const std::vector<std::string>& arguments,
                     const std::optional<Account>& as = std::nullopt, bool show = false);

}  // namespace sallyport::setup
