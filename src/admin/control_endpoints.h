// What Kong's operators ask a single node for: its log level, its cache, its timers, its cluster.
// Control thread.
#pragma once

#include "admin/endpoints.h"

namespace sallyport::admin {

void add_control_endpoints(Endpoints& endpoints);

}  // namespace sallyport::admin
