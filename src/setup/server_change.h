// Carries a ServerPlan out: backups, writes, owners and modes; then lets the running server judge
// what it would load, and takes everything back when it objects. Needs root or the server's user.
// Main thread of a command; blocking.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "setup/server_layout.h"
#include "setup/server_plan.h"

namespace sallyport::setup {

struct ChangeReport {
  std::vector<std::string> backups;
  bool validated = false;  // the running server read the files and found no fault
  bool reloaded = false;
  std::string remark;  // what could not be seen from here; "" for nothing
};

// Errors: those of judge_before(); "setup.refused" with the server's own words, after everything
// was put back and read again; "setup.owner", "file.*" when writing failed (what was written is put
// back). A run that is killed is completed by the next one.
Result<ChangeReport> apply(const ServerLayout& server, const ServerPlan& plan);

}  // namespace sallyport::setup
