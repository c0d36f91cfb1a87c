// What the declaration of certificates refuses beside PEM texts that do not parse.
#include <gtest/gtest.h>

#include "model/schemas.h"
#include "model/test_rows.h"

namespace sallyport::model {
namespace {

TEST(Certificates, NamesAreGivenOnce) {
  auto snis = [](std::string_view names) {
    Json found = parse_json(faults(certificates(), R"({"snis":)" + std::string(names) + "}"));
    return found.value("snis", Json());
  };
  EXPECT_EQ(snis(R"(["a.test","b.test","a.test"])"), "a.test is duplicated");
  EXPECT_EQ(snis(R"(["a.test","*.a.test","*"])"), Json());
  EXPECT_EQ(snis(R"(["a.test","a.test:80"])"), parse_json(R"([null,"must not have a port"])"));
}

}  // namespace
}  // namespace sallyport::model
