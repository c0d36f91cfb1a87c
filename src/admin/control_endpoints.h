// What Kong's operators ask a single node for: its log level, its cache, its timers, its cluster.
// Control thread.
#pragma once

#include "admin/endpoints.h"
#include "admin/node_info.h"

namespace sallyport::admin {

// `node` outlives the endpoints.
void add_control_endpoints(Endpoints& endpoints, NodeInfo& node);

}  // namespace sallyport::admin
