// GET /upstreams/{u}/health and the marks of targets: …/targets/{t}[/{address}]/healthy and
// /unhealthy. The health is this node's. Control thread.
#pragma once

#include "admin/endpoints.h"
#include "admin/entity_endpoints.h"
#include "admin/node_info.h"
#include "model/store.h"
#include "model/target_health.h"

namespace sallyport::admin {

// All outlive `endpoints`. `board` is null where there is no data plane: marks are 404 then, and
// targets have no checks.
void add_health_endpoints(Endpoints& endpoints, EntityEndpoints& entities, model::Store& store,
                          const NodeInfo& node, model::TargetHealthBoard* board);

}  // namespace sallyport::admin
