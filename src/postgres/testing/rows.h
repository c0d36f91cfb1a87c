// Complete rows, as validation hands them to the store. Tests only.
#pragma once

#include <string>

#include "base/json.h"

namespace sallyport::postgres::testing {

Json service(const std::string& name);
Json route(const std::string& name, const std::string& service_id);

}  // namespace sallyport::postgres::testing
