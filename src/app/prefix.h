// The directory that a node works in.
#pragma once

#include "base/error.h"
#include "conf/settings.h"

namespace sallyport::app {

// Makes <prefix>, <prefix>/logs and <prefix>/pids. Errors name the directory.
Result<void> prepare_prefix(const conf::Settings& settings);

}  // namespace sallyport::app
