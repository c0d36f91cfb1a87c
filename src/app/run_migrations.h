// `start --run-migrations`: brings the database to the schema that the gateway reads.
#pragma once

#include "base/error.h"
#include "conf/settings.h"

namespace sallyport::app {

struct MigrationLimits {
  int64_t database_timeout_s = 60;  // of each statement
  int64_t lock_timeout_s = 60;      // for another node that is migrating
};

// Bootstraps an empty database, otherwise runs what is new; prints each step. Nothing to do with
// database = off.
Result<void> run_migrations(const conf::Settings& settings, const MigrationLimits& limits);

}  // namespace sallyport::app
