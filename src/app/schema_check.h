// Whether the gateway can work with the tables of a database, before it opens anything else. Main
// thread.
#pragma once

#include "base/error.h"
#include "postgres/link_settings.h"

namespace sallyport::app {

// Refuses a database that the gateway could not work with, and says what to do.
Result<void> check_schema(const postgres::LinkSettings& link);

}  // namespace sallyport::app
