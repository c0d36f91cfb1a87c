#include "app/run_migrations.h"

#include <fmt/format.h>

#include "postgres/migrations/migrator.h"

namespace sallyport::app {

Result<void> run_migrations(const conf::Settings& settings, const MigrationLimits& limits) {
  if (settings.string(conf::Key::database) == "off") return {};
  auto link = postgres::link_settings(settings, postgres::LinkRole::main);
  if (!link) return fail(link.error());
  link->timeout = std::chrono::seconds(limits.database_timeout_s);
  auto connection = postgres::Connection::open(*link);
  if (!connection) return fail(connection.error());
  postgres::Migrator migrator(*connection, std::chrono::seconds(limits.lock_timeout_s),
                              [](const std::string& line) { fmt::print("{}\n", line); });
  auto state = migrator.state();
  if (!state) return fail(state.error());
  auto done = state->needs_bootstrap ? migrator.bootstrap(link->schema) : migrator.up();
  if (!done) return fail(done.error());
  return {};
}

}  // namespace sallyport::app
