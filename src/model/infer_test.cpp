#include "model/infer.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "model/schemas.h"

namespace sallyport::model {
namespace {

std::string inferred(const EntitySchema& entity, const char* form) {
  return to_text(infer_types(entity, parse_json(form)));
}

TEST(Infer, GivesFormTextsTheTypesOfTheFields) {
  EXPECT_EQ(inferred(services(), R"({"port":"81","enabled":"false","tags":"x","path":"",)"
                                 R"("retries":"x","name":"5","nmae":"1"})"),
            R"({"port":81,"enabled":false,"tags":["x"],"path":null,"retries":"x","name":"5",)"
            R"("nmae":"1"})");
  EXPECT_EQ(inferred(routes(), R"({"sources":[{"ip":"1.1.1.1","port":"80"}],"hosts":["a","b"],)"
                               R"("headers":{"x":"y"},"service":{"id":"z"}})"),
            R"({"sources":[{"ip":"1.1.1.1","port":80}],"hosts":["a","b"],"headers":{"x":["y"]},)"
            R"("service":{"id":"z"}})");
  EXPECT_EQ(inferred(services(), R"({"url":""})"), R"({"url":null})");
}

}  // namespace
}  // namespace sallyport::model
