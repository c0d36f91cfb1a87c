#include "model/columns.h"

#include <gtest/gtest.h>

#include "model/schemas.h"

namespace sallyport::model {
namespace {

TEST(Columns, FollowTheFieldTypes) {
  auto type = [](const EntitySchema& entity, std::string_view field) {
    Column c = column(*entity.find(field));
    return c.name + " " + std::string(sql_name(c.type));
  };
  EXPECT_EQ(type(routes(), "id"), "id uuid");
  EXPECT_EQ(type(routes(), "service"), "service_id uuid");
  EXPECT_EQ(type(routes(), "created_at"), "created_at timestamptz");
  EXPECT_EQ(type(routes(), "paths"), "paths text[]");
  EXPECT_EQ(type(routes(), "sources"), "sources jsonb[]");
  EXPECT_EQ(type(routes(), "headers"), "headers jsonb");
  EXPECT_EQ(type(services(), "ca_certificates"), "ca_certificates uuid[]");
}

}  // namespace
}  // namespace sallyport::model
