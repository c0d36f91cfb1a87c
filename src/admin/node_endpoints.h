// The endpoints of the node itself: /, /status, /endpoints, /schemas, /plugins/enabled. Control
// thread.
#pragma once

#include "admin/endpoints.h"
#include "admin/node_info.h"
#include "model/store.h"

namespace sallyport::admin {

// `node` and `endpoints` outlive the endpoints added.
void add_node_endpoints(Endpoints& endpoints, NodeInfo& node, model::Store& store);

}  // namespace sallyport::admin
