#include "plugin/json_object.h"

#include <gtest/gtest.h>

#include "plugin/body_kind.h"

namespace sallyport::plugin {
namespace {

TEST(JsonObject, WhatIsNotTouchedStays) {
  const std::string text =
      R"( { "n":1e400 , "big":12345678901234567890123.10, "u":"\u00e9\/" ,"o":{ "a":[1,{}] }} )";
  auto object = JsonObject::parse(text);
  ASSERT_TRUE(object);
  EXPECT_EQ(object->text(), text);
  object->remove("absent");
  EXPECT_FALSE(object->changed());
  object->remove("u");
  EXPECT_EQ(object->text(), R"({"n":1e400,"big":12345678901234567890123.10,"o":{ "a":[1,{}] }})");
  std::string deep = "{\"secret\":1,\"d\":" + std::string(1000, '[') + std::string(1000, ']') + "}";
  object = JsonObject::parse(deep);
  ASSERT_TRUE(object);
  object->remove("secret");
  EXPECT_EQ(object->text(), "{\"d\":" + std::string(1000, '[') + std::string(1000, ']') + "}");
  object = JsonObject::parse("\xEF\xBB\xBF{\"a\":\"\xff\",\"b\":1}");
  ASSERT_TRUE(object);
  object->remove("b");
  EXPECT_EQ(object->text(), "{\"a\":\"\xff\"}");
  const std::string_view zero("{\"a\":1} \0x", 10);
  object = JsonObject::parse(zero);
  ASSERT_TRUE(object);
  object->remove("a");
  EXPECT_EQ(object->text(), std::string_view("{}\0x", 4));
}

TEST(JsonObject, Changes) {
  auto object = JsonObject::parse(R"({"a":1,"a":2,"s\u0065cret":"\u0041","l":[ ],"x":null})");
  ASSERT_TRUE(object);
  EXPECT_EQ(object->string("secret"), "A");
  EXPECT_EQ(object->string("a"), std::nullopt);
  object->rename("a", "b");
  object->set("secret", "true");
  object->append("l", "1");
  object->append("l", "\"2\"");
  object->append("b", "3");
  object->append("x", "4");
  object->append("new\"", "5");
  EXPECT_EQ(object->text(), R"({"s\u0065cret":true,"l":[1,"2"],"x":[4],"b":[2,3],"new\"":[5]})");
  object->rename("b", "x");
  object->remove("secret");
  EXPECT_EQ(object->text(), R"({"l":[1,"2"],"x":[2,3],"new\"":[5]})");
}

TEST(JsonObject, WhatIsNoObject) {
  for (const char* text : {"",
                           "[]",
                           "1",
                           "{",
                           "{}x",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{\"a\":1,}",
                           "{a:1}",
                           "{\"a\":01}",
                           "{\"a\":1.}",
                           "{\"a\":1e}",
                           "{\"a\":+1}",
                           "{\"a\":[1,]}",
                           "{\"a\":[}]}",
                           "{\"a\":\"\n\"}",
                           "{\"a\":\"\\x\"}",
                           "{\"a\":\"\\u12\"}",
                           "{\"a\":nul}",
                           "{\"a\":{\"b\":1]}",
                           "{\"a\":{,}}"}) {
    EXPECT_FALSE(JsonObject::parse(text)) << text;
  }
  EXPECT_TRUE(JsonObject::parse("{\"a\":[{},[],{\"b\":[-0.5E+1,true]}]}"));
}

TEST(JsonElements, AsWritten) {
  const auto elements = json_elements(R"( [ {"a":1} , 1e999,[2] ] )");
  ASSERT_TRUE(elements);
  EXPECT_EQ(*elements, (std::vector<std::string_view>{R"({"a":1})", "1e999", "[2]"}));
  EXPECT_TRUE(json_elements("[]")->empty());
  EXPECT_FALSE(json_elements("[1 2]"));
  EXPECT_FALSE(json_elements("{}"));
}

TEST(BodyKind, ByContentType) {
  EXPECT_EQ(body_kind("Application/JSON; charset=utf-8"), BodyKind::json);
  EXPECT_EQ(body_kind("application/problem+json"), BodyKind::json);
  EXPECT_EQ(body_kind("application/x-www-form-urlencoded ; a=b"), BodyKind::form);
  EXPECT_EQ(body_kind("multipart/form-data; boundary=json"), BodyKind::multipart);
  for (const char* type :
       {"", "text/plain", "text/event-stream", "application/x-ndjson", "application/json-seq",
        "application/grpc+json", "text/plain; x=json", "application/octet-stream"}) {
    EXPECT_EQ(body_kind(type), BodyKind::other) << type;
  }
}

}  // namespace
}  // namespace sallyport::plugin
