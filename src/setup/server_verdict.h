// What a running server says of its files, before and after they were written, and what it really
// uses after a reload: it keeps the former certificates and says so in its log only. Main thread of
// a command; blocking, bounded by seconds.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "setup/server_layout.h"
#include "setup/server_plan.h"

namespace sallyport::setup {

// What stands in the way already: files that the server does not load as they are, settings of its
// command line. Error "setup.broken", "setup.overridden"; nothing when the server does not run.
Result<void> judge_before(const ServerLayout& server, const ServerPlan& plan);

// After writing, before the reload. Errors: "setup.refused", "setup.overridden".
Result<void> judge_written(const ServerLayout& server, const ServerPlan& plan);

// Tells the server to read its files and waits until it has. Error "setup.reload".
Result<void> reload(const ServerLayout& server);

// Whether the server has read its files since they changed last.
Result<bool> has_read(const ServerLayout& server, const ServerPlan& plan);

// Whether the server shows the certificate of the plan now. Error "setup.refused" when it does not;
// "" or a remark when nobody could look.
Result<std::string> judge_in_use(const ServerLayout& server, const ServerPlan& plan);

}  // namespace sallyport::setup
