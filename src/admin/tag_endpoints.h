// GET /tags and /tags/{tag}: what carries which tag. Control thread.
#pragma once

#include "admin/endpoints.h"
#include "model/store.h"

namespace sallyport::admin {

// `store` outlives `endpoints`.
void add_tag_endpoints(Endpoints& endpoints, model::Store& store);

}  // namespace sallyport::admin
