#include "app/schema_check.h"

#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/log.h"
#include "postgres/connection.h"
#include "postgres/migrations/migrator.h"

namespace sallyport::app {

Result<void> check_schema(const postgres::LinkSettings& link) {
  auto connection = postgres::Connection::open(link);
  if (!connection) {
    Error error = connection.error();
    error.remedy += error.remedy.empty() ? "" : "; ";
    error.remedy += "`sallyport doctor` walks the link step by step";
    return fail(std::move(error));
  }
  postgres::Migrator migrator(*connection, link.timeout, [](const std::string&) {});
  auto state = migrator.state();
  if (!state) return fail(state.error());
  if (state->needs_bootstrap) {
    return fail("app.schema", Side::database,
                fmt::format("database '{}' has no schema yet", link.database),
                "run `sallyport migrations bootstrap`");
  }
  if (!state->unknown.empty()) {
    return fail("app.schema", Side::database,
                fmt::format("database '{}' was migrated by a newer Kong than 3.10", link.database),
                "use a database of Kong 3.9 or 3.10, or one of your own");
  }
  if (!state->pending.empty()) {
    return fail("app.schema", Side::database,
                fmt::format("database '{}' is half migrated: Kong ran `migrations up`, and not yet "
                            "`migrations finish`",
                            link.database),
                "run `kong migrations finish`");
  }
  if (!state->usable()) {
    return fail("app.schema", Side::database,
                fmt::format("the schema of database '{}' is older than Kong 3.9", link.database),
                "bring it to 3.9 or 3.10 with Kong first");
  }
  // A database of Kong's opens as it is; what the change log gives is the feed's to say.
  if (!state->available.empty()) {
    log::warn("database '{}': there are new migrations; run `sallyport migrations up`",
              link.database);
  }
  return {};
}

}  // namespace sallyport::app
