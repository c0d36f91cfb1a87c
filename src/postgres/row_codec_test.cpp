#include "postgres/row_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/schemas.h"
#include "postgres/sql_text.h"

namespace sallyport::postgres {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(SqlText, QuotesNamesAndValues) {
  EXPECT_EQ(quote_name("a\"b"), "\"a\"\"b\"");
  EXPECT_EQ(quote_literal("it's\\"), "E'it''s\\\\'");
  std::vector<std::string> values = {"a", "b \"c\"", "\\", "", "{,}"};
  EXPECT_EQ(array_literal(values), R"({"a","b \"c\"","\\","","{,}"})");
  EXPECT_EQ(array_literal({}), "{}");
  EXPECT_EQ(substitute("{t} and {t}{u}", "{t}", "x"), "x and x{u}");
}

TEST(RowCodec, FollowsTheDeclaration) {
  RowCodec routes(model::routes());
  EXPECT_EQ(routes.column("service"), "t.\"service_id\"");
  EXPECT_EQ(routes.type("service"), "uuid");
  EXPECT_EQ(routes.column("nothing"), "");
  EXPECT_THAT(routes.select(""), HasSubstr("json_build_object('id', t.\"service_id\")"));
  EXPECT_THAT(routes.insert(), HasSubstr("jsonb_to_record($1::jsonb)"));
  EXPECT_THAT(routes.insert(), HasSubstr("\"sources\" jsonb[]"));
  EXPECT_THAT(routes.insert(), Not(HasSubstr("cache_key")));
  EXPECT_THAT(routes.upsert(), HasSubstr("ON CONFLICT (\"id\")"));
}

TEST(RowCodec, KeepsWorkspacesApart) {
  EXPECT_THAT(RowCodec(model::routes()).select(""), HasSubstr("t.ws_id"));
  EXPECT_THAT(RowCodec(model::routes()).remove(), HasSubstr("t.ws_id"));
  EXPECT_THAT(RowCodec(model::workspaces()).select(""), Not(HasSubstr("ws_id")));
}

TEST(RowCodec, MakesCacheKeysOfSeveralFields) {
  std::string insert = RowCodec(model::plugins()).insert();
  EXPECT_THAT(insert, HasSubstr("\"cache_key\""));
  EXPECT_THAT(insert, HasSubstr("E'plugins' || ':' || coalesce(r.\"name\"::text, '')"));
  EXPECT_THAT(RowCodec(model::workspaces()).insert(), Not(HasSubstr("cache_key")));
}

}  // namespace
}  // namespace sallyport::postgres
