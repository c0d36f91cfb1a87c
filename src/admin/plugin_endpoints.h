// Endpoints that Kong's bundled plugins and its WebAssembly filters bring along, as they answer
// while nothing of the kind is in use. Control thread.
#pragma once

#include "admin/endpoints.h"
#include "admin/node_info.h"
#include "model/store.h"

namespace sallyport::admin {

void add_plugin_endpoints(Endpoints& endpoints, const NodeInfo& node, model::Store& store);

}  // namespace sallyport::admin
