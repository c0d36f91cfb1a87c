#include "postgres/store.h"

#include <set>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/json.h"
#include "base/text.h"
#include "base/uuid.h"
#include "model/schemas.h"
#include "postgres/migrations/migrator.h"
#include "postgres/testing/rows.h"
#include "postgres/testing/scratch_server.h"

namespace sallyport::postgres {
namespace {

using model::StoreFault;
using testing::connect;
using testing::must;
using testing::route;
using testing::ScratchServer;
using testing::service;

class StoreTest : public ::testing::Test {
 protected:
  StoreTest()
      : settings_(ScratchServer::instance().new_gateway_database()), plain_(connect(settings_)) {}

  // The names of a whole listing, page by page.
  std::vector<std::string> names(const model::EntitySchema& entity, model::PageQuery query) {
    std::vector<std::string> result;
    do {
      auto page = store_.page(entity, query);
      if (!page) {
        ADD_FAILURE() << page.error().error.text();
        return result;
      }
      EXPECT_LE(page->rows.size(), static_cast<size_t>(query.size));
      for (const Json& row : page->rows) result.push_back(row["name"]);
      query.offset = page->next_offset;
    } while (!query.offset.empty());
    return result;
  }

  LinkSettings settings_;
  Connection plain_;
  Store store_{settings_};
};

TEST_F(StoreTest, KeepsRowsAsTheyAre) {
  Json row = service("first");
  row["tags"] = {"a", "b \"c\" \\ {,}", "ü"};
  row["path"] = "/it's; DROP TABLE services; --";
  auto stored = store_.insert(model::services(), row);
  ASSERT_TRUE(stored) << stored.error().error.text();
  for (const auto& [field, value] : row.items()) EXPECT_EQ((*stored)[field], value) << field;

  Json second = route("r", row["id"]);
  second["sources"] = parse_json(R"([{"ip": "10.0.0.0/8", "port": 1}, {"ip": null, "port": 2}])");
  second["headers"] = parse_json(R"({"x-a": ["1", "2"], "x-b": []})");
  second["methods"] = Json::array();
  auto stored_route = store_.insert(model::routes(), second);
  ASSERT_TRUE(stored_route) << stored_route.error().error.text();
  EXPECT_EQ((*stored_route)["sources"], second["sources"]);
  EXPECT_EQ((*stored_route)["headers"], second["headers"]);
  EXPECT_EQ((*stored_route)["methods"], second["methods"]);
  EXPECT_EQ((*stored_route)["service"], second["service"]);

  auto found = store_.find(model::services(), "name", "first");
  ASSERT_TRUE(found && *found);
  EXPECT_EQ(**found, *stored);
  EXPECT_EQ((*found)->begin().key(), "id");  // the declaration's order
  EXPECT_FALSE(store_.find(model::services(), "id", "no uuid")->has_value());
  EXPECT_FALSE(store_.find(model::services(), "id", new_uuid())->has_value());
}

TEST_F(StoreTest, ReplacesAndRemoves) {
  Json row = service("first");
  EXPECT_FALSE(store_.update(model::services(), row)->has_value());
  auto made = store_.upsert(model::services(), row);
  ASSERT_TRUE(made) << made.error().error.text();
  row["host"] = "other.test";
  row["tags"] = {"x"};
  auto changed = store_.upsert(model::services(), row);
  ASSERT_TRUE(changed);
  EXPECT_EQ((*changed)["host"], "other.test");
  row["tags"] = nullptr;
  auto updated = store_.update(model::services(), row);
  ASSERT_TRUE(updated && *updated);
  EXPECT_TRUE((**updated)["tags"].is_null());
  EXPECT_TRUE(*store_.remove(model::services(), row["id"].get<std::string>()));
  EXPECT_FALSE(*store_.remove(model::services(), row["id"].get<std::string>()));
  EXPECT_FALSE(*store_.remove(model::services(), "no uuid"));
}

TEST_F(StoreTest, NamesWhatWasRefused) {
  Json row = service("first");
  ASSERT_TRUE(store_.insert(model::services(), row));
  Json twin = service("first");
  auto unique = store_.insert(model::services(), twin);
  ASSERT_FALSE(unique);
  EXPECT_EQ(unique.error().kind, StoreFault::Kind::unique);
  using Fields = decltype(unique.error().fields);
  EXPECT_EQ(unique.error().fields, (Fields{{"name", "first"}}));
  twin["name"] = "other";
  twin["id"] = row["id"];
  auto primary = store_.insert(model::services(), twin);
  ASSERT_FALSE(primary);
  EXPECT_EQ(primary.error().kind, StoreFault::Kind::primary_key);

  std::string nowhere = new_uuid();
  auto foreign = store_.insert(model::routes(), route("r", nowhere));
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().kind, StoreFault::Kind::foreign);
  EXPECT_EQ(foreign.error().fields, (Fields{{"service", nowhere}}));

  ASSERT_TRUE(store_.insert(model::routes(), route("r", row["id"])));
  auto referenced = store_.remove(model::services(), row["id"].get<std::string>());
  ASSERT_FALSE(referenced);
  EXPECT_EQ(referenced.error().kind, StoreFault::Kind::referenced);
  EXPECT_EQ(referenced.error().other, "routes");

  Json broken = service("nul");
  broken["path"] = std::string("/a\0b", 4);
  auto refused = store_.insert(model::services(), broken);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, StoreFault::Kind::refused);
  EXPECT_TRUE(store_.reachable());
}

TEST_F(StoreTest, CacheKeysAreKongs) {
  Json plugin =
      parse_json(R"({"name": "cors", "instance_name": null, "created_at": 1, "updated_at": 1,
    "route": null, "service": null, "consumer": null, "config": {}, "protocols": ["http"],
    "enabled": true, "tags": null})");
  plugin["id"] = new_uuid();
  ASSERT_TRUE(store_.insert(model::plugins(), plugin));
  Rows rows = must(plain_, "SELECT cache_key = 'plugins:cors:::::' || ws_id FROM plugins");
  EXPECT_EQ(rows.at(0, 0), "t");
  plugin["id"] = new_uuid();
  auto twice = store_.insert(model::plugins(), plugin);
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().kind, StoreFault::Kind::unique);
  ASSERT_EQ(twice.error().fields.size(), 4u);
  EXPECT_EQ(twice.error().fields[0].first, "name");
}

TEST_F(StoreTest, PagesWithoutGapOrRepeat) {
  std::set<std::string> wanted;
  for (int i = 0; i < 25; ++i) {
    Json row = service("s" + std::to_string(i));
    row["tags"] = i % 2 == 0 ? Json({"even", "all"}) : Json({"odd", "all"});
    ASSERT_TRUE(store_.insert(model::services(), row));
    wanted.insert(row["name"]);
  }
  for (int size : {1, 7, 25, 1000}) {
    auto all = names(model::services(), {.size = size});
    EXPECT_EQ(all.size(), 25u);
    EXPECT_EQ(std::set(all.begin(), all.end()), wanted);
  }
  EXPECT_EQ(names(model::services(), {.size = 4, .tags = {{"even", "all"}}}).size(), 13u);
  EXPECT_EQ(names(model::services(), {.size = 4, .tags = {{"even", "odd"}}}).size(), 0u);
  EXPECT_EQ(names(model::services(), {.size = 4, .tags = {{"odd", "no"}, true}}).size(), 12u);
  for (const char* offset : {"?", "bm8gdXVpZA==", "AAAA"}) {
    auto bad = store_.page(model::services(), {.offset = offset});
    ASSERT_FALSE(bad);
    EXPECT_EQ(bad.error().kind, StoreFault::Kind::bad_offset);
  }
}

TEST_F(StoreTest, ListsBelowAParent) {
  Json first = service("first"), second = service("second");
  ASSERT_TRUE(store_.insert(model::services(), first));
  ASSERT_TRUE(store_.insert(model::services(), second));
  for (int i = 0; i < 5; ++i) {
    Json row = route("r" + std::to_string(i), i < 3 ? first["id"] : second["id"]);
    ASSERT_TRUE(store_.insert(model::routes(), row));
  }
  model::PageQuery query{.size = 2, .foreign_field = "service", .foreign_id = first["id"]};
  EXPECT_EQ(names(model::routes(), query).size(), 3u);
}

TEST_F(StoreTest, SeesRowsOfTheDefaultWorkspaceOnly) {
  must(
      plain_,
      "INSERT INTO workspaces (id, name) VALUES ('11111111-1111-4111-8111-111111111111', 'other')");
  must(
      plain_,
      "INSERT INTO services (id, name, ws_id) VALUES "
      "('22222222-2222-4222-8222-222222222222', 'theirs', '11111111-1111-4111-8111-111111111111')");
  must(plain_, "INSERT INTO services (id, name) VALUES (gen_random_uuid(), 'by hand')");
  EXPECT_EQ(names(model::services(), {}), std::vector<std::string>{"by hand"});
  EXPECT_FALSE(*store_.remove(model::services(), "22222222-2222-4222-8222-222222222222"));
  Json row = service("mine");
  row["id"] = "22222222-2222-4222-8222-222222222222";
  auto taken = store_.upsert(model::services(), row);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().kind, StoreFault::Kind::primary_key);
}

TEST_F(StoreTest, ComesBackAfterLosingItsSession) {
  ASSERT_TRUE(store_.insert(model::services(), service("before")));
  must(plain_,
       "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
       "WHERE pid <> pg_backend_pid() AND datname = current_database()");
  ::usleep(200'000);
  auto written = store_.insert(model::services(), service("after"));
  ASSERT_TRUE(written) << written.error().error.text();
  EXPECT_EQ(names(model::services(), {}).size(), 2u);
}

TEST_F(StoreTest, SaysAtOnceThatTheDatabaseIsAway) {
  ASSERT_TRUE(store_.insert(model::services(), service("before")));
  ScratchServer::instance().stop();
  for (int i = 0; i < 20; ++i) {
    TimePoint start = Clock::now();
    auto page = store_.page(model::services(), {});
    ASSERT_FALSE(page);
    EXPECT_EQ(page.error().kind, StoreFault::Kind::unavailable);
    EXPECT_FALSE(page.error().error.detail.empty());
    EXPECT_LT(Clock::now() - start, Milliseconds(500));
    EXPECT_FALSE(store_.reachable());
  }
  ScratchServer::instance().start();
  TimePoint start = Clock::now();
  while (!store_.page(model::services(), {}) && Clock::now() - start < Milliseconds(3000)) {
    ::usleep(10000);
  }
  EXPECT_LT(Clock::now() - start, Store::kRetryAfter + Milliseconds(500));
  EXPECT_TRUE(store_.reachable());
}

TEST_F(StoreTest, DoesNotWaitForALinkThatTheFeedFoundDown) {
  LinkHealth health;
  health.set(LinkHealth::State::down);
  Store store(settings_, &health);
  auto page = store.page(model::services(), {});
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().kind, StoreFault::Kind::unavailable);
  health.set(LinkHealth::State::up);
  EXPECT_TRUE(store.page(model::services(), {}));
  EXPECT_TRUE(store.reachable());
}

TEST_F(StoreTest, NamesTheRemedyWhenTablesAreMissing) {
  must(plain_, "DROP TABLE routes CASCADE");
  auto page = store_.page(model::routes(), {});
  ASSERT_FALSE(page);
  EXPECT_EQ(page.error().kind, StoreFault::Kind::refused);
  EXPECT_NE(page.error().error.remedy.find("migrations"), std::string::npos);
}

TEST_F(StoreTest, ReplacesSessionsThatAreTooOld) {
  settings_.max_age = std::chrono::seconds(1);
  Store store(settings_);
  auto pid = [&] {
    Rows rows = must(plain_,
                     "SELECT max(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
                     "AND datname = current_database() AND state = 'idle'");
    return std::string(rows.at(0, 0));
  };
  ASSERT_TRUE(store.page(model::services(), {}));
  std::string first = pid();
  ::usleep(1'200'000);
  ASSERT_TRUE(store.page(model::services(), {}));
  ::usleep(50'000);
  EXPECT_NE(pid(), first);
}

}  // namespace
}  // namespace sallyport::postgres
