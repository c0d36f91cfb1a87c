#include <fstream>
#include <thread>

#include <gtest/gtest.h>

#include "base/json.h"
#include "postgres/migrations/migrator.h"
#include "postgres/migrations/schema_parts.h"
#include "postgres/testing/scratch_server.h"

namespace sallyport::postgres {
namespace {

using testing::connect;
using testing::must;
using testing::ScratchServer;

Migrator migrator(Connection& connection, Milliseconds lock_timeout = Milliseconds(5000)) {
  return Migrator(connection, lock_timeout, [](const std::string&) {});
}

std::string one(Connection& connection, const std::string& sql) {
  Rows rows = must(connection, sql);
  return rows.size() == 0 ? "" : std::string(rows.at(0, 0));
}

// The catalogue in the form of tests/data/kong_schema.txt, without what is ours.
constexpr const char* kCatalogue = R"sql(
WITH tables AS (
  SELECT c.oid, c.relname FROM pg_class c
   WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r')
SELECT line FROM (
  SELECT format('%s column %s %s%s%s', t.relname, a.attname, format_type(a.atttypid, a.atttypmod),
                CASE WHEN a.attnotnull THEN ' not null' END,
                ' default ' || pg_get_expr(d.adbin, d.adrelid)) AS line
    FROM tables t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = t.oid AND d.adnum = a.attnum
  UNION ALL
  SELECT format('%s constraint %s %s', t.relname, c.conname, pg_get_constraintdef(c.oid))
    FROM tables t JOIN pg_constraint c ON c.conrelid = t.oid
  UNION ALL
  SELECT format('%s index %s %s%s', t.relname, i.relname,
                CASE WHEN x.indisunique THEN 'unique ' END,
                regexp_replace(pg_get_indexdef(i.oid), '^.* USING ', ''))
    FROM tables t JOIN pg_index x ON x.indrelid = t.oid JOIN pg_class i ON i.oid = x.indexrelid
   WHERE NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.oid AND c.contype <> 'f')
  UNION ALL
  SELECT format('%s trigger %s', t.relname, g.tgname)
    FROM tables t JOIN pg_trigger g ON g.tgrelid = t.oid
   WHERE NOT g.tgisinternal AND g.tgname NOT LIKE 'sallyport%'
  UNION ALL
  SELECT format('migrations %s last %s executed %s pending %s', subsystem, last_executed, executed,
                coalesce(pending, '{}'))
    FROM schema_meta
) AS facts ORDER BY line COLLATE "C")sql";

std::vector<std::string> catalogue(Connection& connection) {
  std::vector<std::string> lines;
  Rows rows = must(connection, kCatalogue);
  for (size_t i = 0; i < rows.size(); ++i) lines.emplace_back(rows.at(i, 0));
  return lines;
}

std::vector<std::string> reference() {
  std::vector<std::string> lines;
  std::ifstream file("tests/data/kong_schema.txt");
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

TEST(Migrations, BootstrapMakesWhatKongMakes) {
  Connection connection = connect(ScratchServer::instance().new_database());
  auto done = migrator(connection).bootstrap("");
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_TRUE(*done);
  auto expected = reference();
  ASSERT_GT(expected.size(), 300u);
  EXPECT_EQ(catalogue(connection), expected);
  EXPECT_EQ(one(connection, "SELECT count(*) FROM workspaces WHERE name = 'default'"), "1");
  EXPECT_EQ(one(connection, "SELECT length(value) FROM parameters WHERE key = 'cluster_id'"), "36");

  auto state = migrator(connection).state();
  ASSERT_TRUE(state);
  EXPECT_TRUE(state->current());
  EXPECT_TRUE(state->usable());
  EXPECT_TRUE(state->change_log);
  auto again = migrator(connection).bootstrap("");
  ASSERT_TRUE(again);
  EXPECT_FALSE(*again);
  auto up = migrator(connection).up();
  ASSERT_TRUE(up);
  EXPECT_FALSE(*up);
}

TEST(Migrations, SchemaOfItsOwn) {
  LinkSettings settings = ScratchServer::instance().new_database();
  settings.schema = "gate\"way";
  Connection connection = connect(settings);
  auto done = migrator(connection).bootstrap(settings.schema);
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(one(connection, "SELECT schemaname FROM pg_tables WHERE tablename = 'services'"),
            settings.schema);
  EXPECT_EQ(one(connection, "SELECT schemaname FROM pg_tables WHERE tablename = 'change_log'"),
            "sallyport_gate\"way");
  ASSERT_TRUE(migrator(connection).reset());
  EXPECT_EQ(one(connection, "SELECT count(*) FROM pg_tables WHERE schemaname LIKE '%gate%'"), "0");
}

TEST(Migrations, TagsAndExpiryTriggersWork) {
  Connection connection = connect(ScratchServer::instance().new_database());
  ASSERT_TRUE(migrator(connection).bootstrap(""));
  must(connection,
       "INSERT INTO services (id, name, tags) VALUES (gen_random_uuid(), 'a', '{x,y}')");
  EXPECT_EQ(one(connection, "SELECT entity_name || tags::text FROM tags"), "services{x,y}");
  must(connection, "UPDATE services SET tags = NULL");
  EXPECT_EQ(one(connection, "SELECT count(*) FROM tags"), "0");
  must(connection, "UPDATE services SET tags = '{z}'");
  must(connection, "DELETE FROM services");
  EXPECT_EQ(one(connection, "SELECT count(*) FROM tags"), "0");
  for (const char* expiry : {"now() - interval '1 s'", "now() + interval '1 h'"}) {
    must(connection, std::string("INSERT INTO cluster_events (id, node_id, at, expire_at) VALUES "
                                 "(gen_random_uuid(), gen_random_uuid(), now(), ") +
                         expiry + ")");
  }
  EXPECT_EQ(one(connection, "SELECT count(*) FROM cluster_events"), "1");
}

// What Kong leaves, with no schema of ours.
void make_kong_database(Connection& connection) {
  ASSERT_TRUE(migrator(connection).bootstrap(""));
  must(connection, "DROP SCHEMA sallyport CASCADE");
}

TEST(Migrations, AddsItsLogToADatabaseOfKongs) {
  Connection connection = connect(ScratchServer::instance().new_database());
  make_kong_database(connection);
  auto state = migrator(connection).state();
  ASSERT_TRUE(state);
  EXPECT_TRUE(state->usable());
  EXPECT_FALSE(state->change_log);
  ASSERT_EQ(state->available.size(), 1u);
  EXPECT_EQ(state->available[0].subsystem, "sallyport");
  auto up = migrator(connection).up();
  ASSERT_TRUE(up) << up.error().text();
  EXPECT_TRUE(*up);
  EXPECT_EQ(catalogue(connection), reference());
}

TEST(Migrations, LeadsFromKong39To310) {
  Connection connection = connect(ScratchServer::instance().new_database());
  make_kong_database(connection);
  must(connection, "ALTER TABLE clustering_data_planes DROP COLUMN rpc_capabilities");
  must(connection, "DROP TABLE session_metadatas");
  must(connection,
       "UPDATE schema_meta SET executed = array_remove(executed, '025_390_to_3100'), "
       "last_executed = '024_380_to_390' WHERE subsystem = 'core'");
  must(connection,
       "UPDATE schema_meta SET executed = array_remove(executed, '003_330_to_3100'), "
       "last_executed = '002_320_to_330' WHERE subsystem = 'session'");
  must(connection, "DELETE FROM schema_meta WHERE subsystem = 'acme'");
  must(connection, "DROP TABLE acme_storage");
  auto state = migrator(connection).state();
  ASSERT_TRUE(state);
  EXPECT_TRUE(state->usable());
  EXPECT_EQ(state->available.size(), 4u);
  auto up = migrator(connection).up();
  ASSERT_TRUE(up) << up.error().text();
  EXPECT_EQ(catalogue(connection), reference());
}

TEST(Migrations, RefusesWhatItCannotBring) {
  Connection connection = connect(ScratchServer::instance().new_database());
  auto bare = migrator(connection).up();
  ASSERT_FALSE(bare);
  EXPECT_EQ(bare.error().code, "migrations.needs_bootstrap");
  make_kong_database(connection);
  must(connection, "UPDATE schema_meta SET pending = '{025_390_to_3100}' WHERE subsystem = 'core'");
  auto pending = migrator(connection).up();
  ASSERT_FALSE(pending);
  EXPECT_EQ(pending.error().code, "migrations.pending");
  must(connection,
       "UPDATE schema_meta SET pending = '{}', executed = '{000_base}' "
       "WHERE subsystem = 'core'");
  auto old = migrator(connection).up();
  ASSERT_FALSE(old);
  EXPECT_EQ(old.error().code, "migrations.too_old");
  EXPECT_FALSE(migrator(connection).state()->usable());
}

TEST(Migrations, ForeignTablesStay) {
  Connection connection = connect(ScratchServer::instance().new_database());
  must(connection, "CREATE TABLE services (id int)");
  auto done = migrator(connection).bootstrap("");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, "migrations.conflict");
  EXPECT_EQ(one(connection, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), "1");
}

TEST(Migrations, OneOfTwoNodesWaits) {
  LinkSettings settings = ScratchServer::instance().new_database();
  std::vector<std::thread> nodes;
  std::atomic<int> made = 0, found = 0;
  for (int i = 0; i < 4; ++i) {
    nodes.emplace_back([&] {
      Connection connection = connect(settings);
      auto done = migrator(connection).bootstrap("");
      if (done) (*done ? made : found) += 1;
    });
  }
  for (std::thread& node : nodes) node.join();
  EXPECT_EQ(made, 1);
  EXPECT_EQ(found, 3);
}

TEST(Migrations, LeavesWhenTheLockIsHeld) {
  LinkSettings settings = ScratchServer::instance().new_database();
  Connection holder = connect(settings), other = connect(settings);
  must(holder, "SELECT pg_advisory_lock(hashtextextended('sallyport migrations', 0))");
  auto done = migrator(other, Milliseconds(200)).bootstrap("");
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, "migrations.locked");
  EXPECT_NE(done.error().detail.find("of role postgres from 127.0.0.1"), std::string::npos)
      << done.error().detail;
}

TEST(Migrations, GoesWithoutLogWhereTheRoleMayNot) {
  LinkSettings settings = ScratchServer::instance().new_database();
  Connection owner = connect(settings);
  must(owner, "CREATE ROLE poor LOGIN");
  Connection poor = connect(ScratchServer::instance().settings(settings.database, "poor"));
  auto refused = migrator(poor).bootstrap("");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "migrations.rights");
  must(owner, "GRANT CREATE ON SCHEMA public TO poor");
  auto done = migrator(poor).bootstrap("");
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_FALSE(migrator(poor).state()->change_log);
  must(owner, "GRANT CREATE ON DATABASE " + settings.database + " TO poor");
  auto up = migrator(poor).up();
  ASSERT_TRUE(up) << up.error().text();
  EXPECT_TRUE(migrator(poor).state()->change_log);
}

}  // namespace
}  // namespace sallyport::postgres
