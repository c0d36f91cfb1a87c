#include "model/declarative_document.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "model/yaml_scalar.h"

namespace sallyport::model {
namespace {

Json read(std::string_view text) {
  auto value = read_document(text);
  EXPECT_TRUE(value) << value.error().text();
  return value ? *value : Json();
}

std::string fault(std::string_view text, DocumentLimits limits = {}) {
  auto value = read_document(text, limits);
  EXPECT_FALSE(value);
  return value ? "" : value.error().detail;
}

TEST(DeclarativeDocument, ReadsScalarsAsYaml11) {
  EXPECT_EQ(
      read("[~, null, yes, off, 8, 010, 0x1F, -3, 1.5, .5, 1e3, '8', \"yes\", 1.2.3.4, !!str 5]"),
      Json::parse(R"([null, null, true, false, 8, 8, 31, -3, 1.5, 0.5, 1000.0, "8", "yes",
                            "1.2.3.4", "5"])"));
  EXPECT_EQ(read("on: 1\n8: x"), Json::parse(R"({"on": 1, "8": "x"})"));
}

TEST(DeclarativeDocument, ReadsMergeKeys) {
  EXPECT_EQ(read("- &a {x: 1, y: 2}\n- <<: *a\n  y: 3\n"),
            Json::parse(R"([{"x": 1, "y": 2}, {"y": 3, "x": 1}])"));
}

TEST(DeclarativeDocument, ReadsJson) {
  EXPECT_EQ(read(R"( {"a": [1, {"b": "\u00e9"}], "c": false})"),
            Json::parse(R"({"a": [1, {"b": "é"}], "c": false})"));
  EXPECT_EQ(read("{a: [1, x]}"), Json::parse(R"({"a": [1, "x"]})"));
  EXPECT_NE(fault(R"({"a": )").find("line 1, column 7"), std::string::npos);
}

TEST(DeclarativeDocument, SaysWhereItWentWrong) {
  EXPECT_EQ(fault("a: 1\nb: [1\nc: 2"), "line 3, column 2: end of sequence flow not found");
  EXPECT_EQ(fault("a: 1\na: 2"), "line 2, column 1: the key 'a' is there twice");
  EXPECT_NE(fault("a: \xff\xfe").find("UTF-8"), std::string::npos);
  EXPECT_FALSE(fault("a: *nobody").empty());
}

TEST(DeclarativeDocument, RefusesWhatWouldExhaustIt) {
  std::string laughs = "a0: &a0 [x]\n";
  for (int i = 1; i < 20; ++i) {
    laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 9; ++j) laughs += "*a" + std::to_string(i - 1) + ",";
    laughs += "x]\n";
  }
  EXPECT_NE(fault(laughs, {.aliased_values = 10'000}).find("aliases repeat more than"),
            std::string::npos);
  EXPECT_NE(fault(std::string(200, '[') + std::string(200, ']')).find("nested deeper than 100"),
            std::string::npos);
  EXPECT_FALSE(fault(std::string(100'000, '[')).empty());
  EXPECT_NE(fault("{\"a\":" + std::string(100'000, '[')).find("nested deeper"), std::string::npos);
  EXPECT_NE(fault("[1,2,3]", {.values = 3}).find("more than 3 values"), std::string::npos);
  EXPECT_NE(fault("{a: 1, b: 2}", {.keys = 1}).find("more than 1 keys"), std::string::npos);
  std::string deep = "- &a0 [1]\n";  // each alias is shallow where it stands
  for (int i = 1; i < 200; ++i) {
    deep += "- &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) + "]\n";
  }
  EXPECT_NE(fault(deep).find("nested deeper"), std::string::npos);
}

TEST(DeclarativeDocument, WritesWhatItReads) {
  Json value = Json::parse(R"({
    "a": ["yes", "3.0", "", "~", "x: y", "- z", "plain text", "12:30", "é\n", "#", "y", " pad "],
    "b": {"c": [], "d": {}, "e": [[1, 2], [{"f": null, "g": 0.25}]]}, "on": true, "n": -5,
    "*": 9007199254740993, "k:": "v"})");
  EXPECT_EQ(read(write_yaml(value)), value) << write_yaml(value);
  EXPECT_EQ(write_yaml(Json{{"a", Json::array({Json{{"b", 1}, {"c", "x"}}})}}),
            "a:\n- b: 1\n  c: x\n");
}

TEST(DeclarativeDocument, WritesKeysOfAnyLength) {
  // 300 control characters are 1,200 when escaped: what is read with a short key is written long.
  for (const std::string& key :
       {std::string(300, '\x04'), std::string(2000, 'k'), std::string(1000, ' ')}) {
    for (const Json& held : {Json(1), Json("x"), Json::array({1, Json{{"a", 2}}}), Json::object(),
                             Json{{key, Json{{key, Json::array({Json{{key, nullptr}}})}}}}}) {
      Json value{{key, held}, {"after", true}};
      EXPECT_EQ(read(write_yaml(value)), value) << write_yaml(value);
      Json list = Json::array({value, value});
      EXPECT_EQ(read(write_yaml(list)), list) << write_yaml(list);
    }
  }
}

}  // namespace
}  // namespace sallyport::model
