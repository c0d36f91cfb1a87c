// Which rows a PageQuery selects, for stores that look at rows one by one. Pure; any thread.
#pragma once

#include "base/json_fwd.h"
#include "model/store.h"

namespace sallyport::model {

// By reference, fields and tags; size and offset do not count here.
bool selected(const Json& row, const PageQuery& query);

}  // namespace sallyport::model
