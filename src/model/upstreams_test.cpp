// What the declarations of upstreams, targets and consumers accept and refuse.
#include <gtest/gtest.h>

#include "model/schemas.h"
#include "model/test_rows.h"

namespace sallyport::model {
namespace {

TEST(Upstreams, DefaultsGoAllTheWayDown) {
  Json row = completed(upstreams(), R"({"name":"a.test","healthchecks":{"active":{"timeout":2}}})");
  EXPECT_TRUE(validate(upstreams(), row).is_null());
  EXPECT_EQ(row["slots"], 10000);
  EXPECT_EQ(row["healthchecks"]["active"]["timeout"], 2);
  EXPECT_EQ(row["healthchecks"]["active"]["unhealthy"]["http_statuses"].size(), 8u);
  EXPECT_EQ(row["healthchecks"]["passive"]["healthy"]["successes"], 0);
  EXPECT_EQ(row["healthchecks"]["threshold"], 0);
}

TEST(Upstreams, WhatIsHashedChoosesTheAlgorithm) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"hash_on":"ip"})", R"({"hash_on":"ip","algorithm":"consistent-hashing"})"},
      {R"({"hash_on":"none"})", R"({"hash_on":"none","algorithm":"round-robin"})"},
      {R"({"algorithm":"least-connections"})",
       R"({"algorithm":"least-connections","hash_on":"none"})"},
      {R"({"algorithm":"latency","hash_on":"ip"})", R"({"algorithm":"latency","hash_on":"ip"})"},
      {R"({"algorithm":"latency"})", R"({"algorithm":"latency"})"},
      {R"({"hash_on":null})", R"({"hash_on":null})"},
  };
  for (const auto& [given, wanted] : cases) {
    Json input = parse_json(given);
    EXPECT_TRUE(expand_shorthands(upstreams(), nullptr, input).is_null());
    EXPECT_EQ(input, parse_json(wanted)) << given;
  }
}

TEST(Upstreams, PatchesMergeNestedRecords) {
  Json row = completed(upstreams(), R"({"name":"a.test","healthchecks":{"threshold":5}})");
  Json patch = parse_json(R"({"healthchecks":{"active":{"healthy":{"interval":3}}}})");
  Json merged = merge(upstreams(), row, patch);
  EXPECT_TRUE(validate_update(upstreams(), patch, merged).is_null());
  EXPECT_EQ(merged["healthchecks"]["threshold"], 5);
  EXPECT_EQ(merged["healthchecks"]["active"]["healthy"]["interval"], 3);
  EXPECT_EQ(merged["healthchecks"]["active"]["healthy"]["successes"], 0);
}

TEST(Upstreams, Faults) {
  const char* on = R"(["failed conditional validation given value of field 'hash_on'"])";
  const char* back = R"(["failed conditional validation given value of field 'hash_fallback'"])";
  auto both = [](std::string field, std::string text, std::string entity) {
    return R"({")" + field + R"(":")" + text + R"(","@entity":)" + entity + "}";
  };
  struct Case {
    const char* input;
    std::string expected;
  } cases[] = {
      {R"({"slots":50})", R"({"name":"required field missing"})"},
      {R"({"name":"a b"})", R"j({"name":"Invalid name ('a b'); must be a valid hostname"})j"},
      {R"({"name":"1.2.3.4"})",
       R"j({"name":"Invalid name ('1.2.3.4'); no ip addresses allowed"})j"},
      {R"({"name":"a:80"})", R"j({"name":"Invalid name ('a:80'); no port allowed"})j"},
      {R"({"name":"a","slots":65537})", R"({"slots":"value should be between 10 and 65536"})"},
      {R"({"name":"a","hash_on":"x"})",
       R"({"hash_on":"expected one of: none, consumer, ip, header, cookie, path, query_arg, )"
       R"(uri_capture"})"},
      {R"({"name":"a","hash_on":"consumer","hash_fallback":"consumer"})",
       both("hash_fallback",
            "expected one of: none, ip, header, cookie, path, query_arg, uri_capture", on)},
      {R"({"name":"a","hash_on":"consumer","hash_fallback":"x"})",
       both("hash_fallback",
            "expected one of: none, ip, header, cookie, path, query_arg, uri_capture", on)},
      {R"({"name":"a","hash_on":"cookie","hash_on_cookie":"c","hash_fallback":"header",)"
       R"("hash_fallback_header":"h"})",
       both("hash_fallback", "expected one of: none", on)},
      {R"({"name":"a","hash_on":"header"})", both("hash_on_header", "required field missing", on)},
      {R"({"name":"a","hash_on":"consumer","hash_fallback":"header"})",
       both("hash_fallback_header", "required field missing", back)},
      {R"({"name":"a","hash_on":"header","hash_on_header":"h","hash_fallback":"header",)"
       R"("hash_fallback_header":"h"})",
       R"({"@entity":["values of these fields must be distinct: 'hash_on_header', )"
       R"('hash_fallback_header'"]})"},
      {R"({"name":"a","hash_on":"cookie","hash_on_cookie":"c","hash_on_cookie_path":"p"})",
       R"({"hash_on_cookie_path":"should start with: /"})"},
      {R"({"name":"a","healthchecks":{"active":{"type":"x"},"nothing":1}})",
       R"({"healthchecks":{"active":{"type":"expected one of: tcp, http, https, grpc, grpcs"},)"
       R"("nothing":"unknown field"}})"},
      {R"({"name":"a","healthchecks":{"passive":{"healthy":{"http_statuses":[99]}}}})",
       R"({"healthchecks":{"passive":{"healthy":{"http_statuses":["value should be between 100 )"
       R"(and 999"]}}}})"},
      {R"({"name":"a","healthchecks":null})", R"({"healthchecks":"required field missing"})"},
  };
  for (const Case& c : cases) EXPECT_EQ(faults(upstreams(), c.input), c.expected) << c.input;
}

TEST(Targets, Faults) {
  FaultCase cases[] = {
      {R"({"target":"a:80"})", R"({"upstream":"required field missing"})"},
      {R"({"target":"a:80","upstream":{"id":"7fca84d6-7d37-4a74-a7b0-93e576089a41"}})", "null"},
      {R"({"target":"a b","weight":65536,"upstream":{"id":"7fca84d6-7d37-4a74-a7b0-93e576089a41"}})",
       R"({"target":"Invalid target; not a valid hostname or ip address","weight":"value should be between 0 and 65535"})"},
  };
  for (const FaultCase& c : cases) EXPECT_EQ(faults(targets(), c.input), c.expected) << c.input;
  EXPECT_EQ(completed(targets(), R"({"target":"a"})")["created_at"], 1'700'000'000.25);
  std::pair<const char*, const char*> forms[] = {
      {"a.test", "a.test:8000"},
      {"A.test:80", "a.test:80"},
      {"10.0.0.1", "10.0.0.1:8000"},
      {"[::1]:81", "[0000:0000:0000:0000:0000:0000:0000:0001]:81"},
      {"::1", "[0000:0000:0000:0000:0000:0000:0000:0001]:8000"},
      {"a b", "a b"},
  };
  for (auto [given, stored] : forms) {
    EXPECT_EQ(completed(targets(), to_text(Json{{"target", given}}))["target"], stored);
  }
}

TEST(Consumers, NeedAName) {
  EXPECT_EQ(faults(consumers(), "{}"),
            R"({"@entity":["at least one of these fields must be non-empty: 'custom_id', )"
            R"('username'"]})");
  EXPECT_EQ(faults(consumers(), R"({"custom_id":"x"})"), "null");
}

}  // namespace
}  // namespace sallyport::model
