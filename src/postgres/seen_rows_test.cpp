#include "postgres/seen_rows.h"

#include <gtest/gtest.h>

#include "model/schemas.h"

namespace sallyport::postgres {
namespace {

TEST(SeenRows, AreFoundByIdAndByNameUntilTheyChange) {
  const auto& services = model::services();
  SeenRows seen;
  seen.remember(services, Json{{"id", "1"}, {"name", "a"}, {"host", "h"}});
  seen.remember(services, Json{{"id", "2"}, {"name", nullptr}});
  ASSERT_NE(seen.find(services, "name", "a"), nullptr);
  EXPECT_EQ((*seen.find(services, "id", "1"))["host"], "h");
  EXPECT_NE(seen.find(services, "id", "2"), nullptr);
  EXPECT_EQ(seen.find(services, "host", "h"), nullptr);
  EXPECT_EQ(seen.find(model::routes(), "name", "a"), nullptr);

  seen.forget(services, "1");  // renamed
  seen.remember(services, Json{{"id", "1"}, {"name", "b"}});
  EXPECT_EQ(seen.find(services, "name", "a"), nullptr);
  EXPECT_NE(seen.find(services, "name", "b"), nullptr);
  seen.clear();
  EXPECT_EQ(seen.find(services, "id", "2"), nullptr);
}

TEST(SeenRows, LeaveOutWhatEndsByItself) {
  SeenRows seen;
  seen.remember(model::keyauth_credentials(), Json{{"id", "1"}, {"key", "k"}});
  EXPECT_EQ(seen.find(model::keyauth_credentials(), "key", "k"), nullptr);
}

}  // namespace
}  // namespace sallyport::postgres
