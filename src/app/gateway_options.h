// From kong.conf to what the data plane is told. Pure but for the default certificate, which is
// read from the configured files or made once under the prefix.
#pragma once

#include "base/error.h"
#include "conf/settings.h"
#include "proxy/options.h"

namespace sallyport::app {

// Everything but the handlers. Errors: "conf.*" for files that cannot be read.
Result<proxy::Options> gateway_options(const conf::Settings& settings);

// How many workers `workers` and `nginx_worker_processes` ask for: a number, or one per core that
// this process may run on.
int worker_count(const conf::Settings& settings);

}  // namespace sallyport::app
