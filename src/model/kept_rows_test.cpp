#include "model/kept_rows.h"

#include <array>

#include <gtest/gtest.h>

#include "base/json.h"
#include "model/fallback_store.h"
#include "model/schemas.h"

namespace sallyport::model {
namespace {

constexpr const char* kFirst = "11111111-0000-4000-8000-000000000001";
constexpr const char* kSecond = "A2222222-0000-4000-8000-000000000002";
constexpr const char* kThird = "f3333333-0000-4000-8000-000000000003";

std::string service(std::string_view id, std::string_view name, std::string_view more) {
  return R"({"id":")" + std::string(id) + R"(", "name":")" + std::string(name) +
         R"(","path":null,"retries": null ,"note":"a\"}:null,{","client_certificate":null,)" +
         std::string(more) + R"("deep":{"x":null,"y":[null]},"last":null})";
}

class Kept : public testing::Test {
 protected:
  void SetUp() override {
    ChangeBatch batch;
    batch.complete = true;
    batch.changes = {
        {&services(), kSecond, service(kSecond, "b", R"("tags":["x","y"],)")},
        {&services(), kFirst, service(kFirst, "a", R"("tags":["x"],)")},
        {&services(), kThird, service(kThird, "quote\\\"d", R"("tags":null,)")},
        {&routes(), kFirst,
         R"({"id":"11111111-0000-4000-8000-000000000001","tags":["x"],"service":{"id":")" +
             std::string(kFirst) + R"("}})"}};
    kept.apply(batch);
  }
  std::string names(const PageQuery& query) {
    auto page = kept.page(services(), query);
    if (!page) return "?";
    std::string out;
    for (const Json& row : page->rows) out += row["name"].get<std::string>() + " ";
    return out + page->next_offset;
  }

  const std::array<const EntitySchema*, 3> entities = {&services(), &routes(), &consumers()};
  KeptRows kept{entities};
};

TEST_F(Kept, RowsComeBackAsTheyWere) {
  Json row = **kept.find(services(), "id", kFirst);
  EXPECT_EQ(row["note"], "a\"}:null,{");
  EXPECT_EQ(to_text(row["deep"]), R"({"x":null,"y":[null]})");
  for (const char* unset : {"path", "retries", "client_certificate"}) {
    EXPECT_TRUE(row.at(unset).is_null()) << unset;
  }
  EXPECT_FALSE(kept.find(services(), "id", "11111111-0000-4000-8000-00000000000a")->has_value());
  EXPECT_FALSE(kept.find(services(), "id", "no uuid")->has_value());
  EXPECT_EQ((**kept.find(services(), "name", "quote\"d"))["id"], kThird);
  EXPECT_FALSE(kept.find(services(), "name", "x")->has_value());
  EXPECT_FALSE(kept.find(services(), "nonsense", "a")->has_value());
}

TEST_F(Kept, PagesAreInOrderAndFiltered) {
  std::string first = names({.size = 2});
  EXPECT_TRUE(first.starts_with("a b ")) << first;
  EXPECT_EQ(names({.size = 2, .offset = first.substr(4)}), "quote\"d ");
  EXPECT_EQ(names({.tags = {.tags = {"x", "y"}}}), "b ");
  EXPECT_EQ(names({.tags = {.tags = {"y", "z"}, .any = true}}), "b ");
  EXPECT_EQ(names({.equals = {{"name", "a"}}}), "a ");
  EXPECT_EQ(kept.page(services(), {.offset = "!"}).error().kind, StoreFault::Kind::bad_offset);
  EXPECT_EQ(kept.page(routes(), {.foreign_field = "service", .foreign_id = kFirst})->rows.size(),
            1u);
  EXPECT_EQ(kept.page(routes(), {.foreign_field = "service", .foreign_id = kThird})->rows.size(),
            0u);
  EXPECT_TRUE(kept.page(consumers(), {})->rows.empty());
  EXPECT_EQ(kept.page(vaults(), {}).error().kind, StoreFault::Kind::unavailable);
}

TEST_F(Kept, TagsArePaged) {
  auto all = kept.tagged("", {});
  ASSERT_EQ(all->rows.size(), 4u);
  std::string seen;
  PageQuery query{.size = 1};
  do {
    auto page = kept.tagged("x", query);
    ASSERT_EQ(page->rows.size(), 1u);
    seen += page->rows[0]["entity_id"].get<std::string>().substr(0, 2) + " ";
    query.offset = page->next_offset;
  } while (!query.offset.empty() && seen.size() < 30);
  EXPECT_EQ(seen, "11 A2 ");  // a service and a route share the first id
}

TEST_F(Kept, ChangesAreFollowed) {
  ChangeBatch batch;
  batch.changes = {{&services(), kFirst, ""}, {&services(), kThird, service(kThird, "new", "")}};
  kept.apply(batch);
  EXPECT_EQ(names({}), "b new ");
  batch.complete = true;
  batch.changes.erase(batch.changes.begin());
  kept.apply(batch);
  EXPECT_EQ(names({}), "new ");
  EXPECT_TRUE(kept.page(routes(), {})->rows.empty());
}

}  // namespace
}  // namespace sallyport::model
