// What the declaration of services accepts and refuses.
#include <gtest/gtest.h>

#include "model/schemas.h"
#include "model/test_rows.h"

namespace sallyport::model {
namespace {

TEST(Services, Faults) {
  const char* protocols =
      R"({"protocol":"expected one of: grpc, grpcs, http, https, tcp, tls, tls_passthrough, udp"})";
  FaultCase cases[] = {
      {R"({"host":"a.test"})", "null"},
      {R"({})", R"({"host":"required field missing"})"},
      {R"({"host":null})", R"({"host":"required field missing"})"},
      {R"({"host":""})", R"({"host":"length must be at least 1"})"},
      {R"({"host":7})", R"({"host":"expected a string"})"},
      {R"({"host":"a b"})", R"({"host":"invalid value: a b"})"},
      {R"({"host":"a.test:80"})", R"({"host":"must not have a port"})"},
      {R"({"host":"10.0.0.1"})", "null"},
      {R"({"host":"10.0.0.256"})", R"({"host":"invalid value: 10.0.0.256"})"},
      {R"({"host":"::1"})", "null"},
      {R"({"host":"a_b.test."})", "null"},
      {R"({"host":"a","protocol":"foo"})", protocols},
      {R"({"host":"a","port":70000})", R"({"port":"value should be between 0 and 65535"})"},
      {R"({"host":"a","port":"80"})", R"({"port":"expected an integer"})"},
      {R"({"host":"a","port":80.5})", R"({"port":"expected an integer"})"},
      {R"({"host":"a","port":null})", R"({"port":"required field missing"})"},
      {R"({"host":"a","retries":32768})", R"({"retries":"value should be between 0 and 32767"})"},
      {R"({"host":"a","retries":null})", "null"},
      {R"({"host":"a","connect_timeout":0})",
       R"({"connect_timeout":"value should be between 1 and 2147483646"})"},
      {R"({"host":"a","enabled":"yes"})", R"({"enabled":"expected a boolean"})"},
      {R"({"host":"a","path":"x"})", R"({"path":"should start with: /"})"},
      {R"({"host":"a","path":"/a//b"})", R"({"path":"must not have empty segments"})"},
      {R"({"host":"a","path":"/a%2"})", R"({"path":"invalid url-encoded value: '%2'"})"},
      {R"({"host":"a","path":"/a%2f;b=c"})", "null"},
      {R"({"host":"a","path":"/a b"})",
       R"j({"path":"invalid path: '/a b' (characters outside of the reserved list of RFC 3986 )j"
       R"j(found)"})j"},
      {R"({"host":"a","name":"円-1"})", "null"},
      {R"({"host":"a","name":"a b"})",
       R"({"name":"invalid value 'a b': the only accepted ascii characters are alphanumerics )"
       R"(or ., -, _, and ~"})"},
      {R"({"host":"a","tags":["x","y z"]})", "null"},
      {R"({"host":"a","tags":"x"})", R"({"tags":"expected a set"})"},
      {R"({"host":"a","tags":["x","a,b"]})",
       R"({"tags":[null,"invalid tag 'a,b': expected printable ascii (except `,` and `/`) or )"
       R"(valid utf-8 sequences"]})"},
      {R"({"host":"a","tags":[null]})", R"({"tags":["required field missing"]})"},
      {R"({"host":"a","path":"/\u0000"})", R"({"path":"must not contain NUL characters"})"},
      {R"({"host":"a","retries":1e300})", R"({"retries":"expected an integer"})"},
      {R"({"host":"a","retries":18446744073709551615})", R"({"retries":"expected an integer"})"},
      {R"({"host":"a","created_at":1e13})", R"({"created_at":"expected a valid timestamp"})"},
      {R"({"host":"a","id":"x"})", R"({"id":"expected a valid UUID"})"},
      {R"({"host":"a","nmae":"x"})", R"({"nmae":"unknown field"})"},
      {R"({"host":"a","client_certificate":{"id":"x"},"protocol":"https"})",
       R"({"client_certificate":{"id":"expected a valid UUID"}})"},
      {R"({"host":"a","ca_certificates":["x"],"protocol":"https"})",
       R"({"ca_certificates":["expected a valid UUID"]})"},
      {R"({"host":"a","protocol":"tcp","path":"/x"})",
       R"({"path":"value must be null","@entity":["failed conditional validation given value of )"
       R"(field 'protocol'"]})"},
      {R"({"host":"a","tls_verify":true})",
       R"({"tls_verify":"value must be null","@entity":["failed conditional validation given )"
       R"(value of field 'protocol'"]})"},
      {R"({"host":"a","protocol":"https","tls_verify":true,"tls_verify_depth":2})", "null"},
      {R"({"host":"a","protocol":"https","tls_verify_depth":65})",
       R"({"tls_verify_depth":"value should be between 0 and 64"})"},
  };
  for (const FaultCase& c : cases) EXPECT_EQ(faults(services(), c.input), c.expected) << c.input;
}

TEST(Services, UrlStandsForFourFields) {
  struct Case {
    const char* url;
    const char* protocol;
    const char* host;
    int port;
    const char* path;  // null pointer: null
  } cases[] = {
      {"http://a.test", "http", "a.test", 80, nullptr},
      {"https://a.test/", "https", "a.test", 443, "/"},
      {"https://a.test:8443/b/c", "https", "a.test", 8443, "/b/c"},
      {"http://[::1]:81/x?y#z", "http", "::1", 81, "/x"},
      {"http://user:secret@a.test/x", "http", "a.test", 80, "/x"},
      {"tcp://a.test:9000", "tcp", "a.test", 9000, nullptr},
      {"grpc://a.test", "grpc", "a.test", 80, nullptr},
  };
  for (const Case& c : cases) {
    Json row = completed(services(), to_text(Json{{"url", c.url}}));
    EXPECT_TRUE(validate(services(), row).is_null()) << c.url;
    EXPECT_EQ(row["protocol"], c.protocol) << c.url;
    EXPECT_EQ(row["host"], c.host) << c.url;
    EXPECT_EQ(row["port"], c.port) << c.url;
    EXPECT_EQ(row["path"], c.path == nullptr ? Json(nullptr) : Json(c.path)) << c.url;
    EXPECT_FALSE(row.contains("url"));
  }
}

TEST(Services, FaultyUrlsNameTheFieldsTheyStandFor) {
  EXPECT_EQ(faults(services(), R"({"url":"invalid url"})"),
            R"({"host":"required field missing","path":"should start with: /"})");
  EXPECT_EQ(faults(services(), R"({"url":7})"), R"({"url":"expected a string"})");
  EXPECT_EQ(faults(services(), R"({"url":"ftp://a.test:x"})"),
            R"({"protocol":"expected one of: grpc, grpcs, http, https, tcp, tls, )"
            R"(tls_passthrough, udp","port":"expected an integer"})");
  EXPECT_EQ(faults(services(), R"({"url":null,"host":"a"})"), "null");
}

TEST(Services, DefaultsAndAutomaticFields) {
  Json row = completed(services(), R"({"host":"a","tags":["x","y","x"],"retries":3.0})");
  EXPECT_TRUE(row["id"].is_string());
  EXPECT_EQ(row["created_at"], 1'700'000'000);
  EXPECT_EQ(row["updated_at"], 1'700'000'000);
  EXPECT_EQ(to_text(row["tags"]), R"(["x","y"])");
  EXPECT_EQ(to_text(row["retries"]), "3");
  EXPECT_EQ(row["read_timeout"], 60000);
  EXPECT_EQ(row["enabled"], true);
  EXPECT_TRUE(row["name"].is_null());
  EXPECT_TRUE(row["client_certificate"].is_null());
  EXPECT_EQ(row.size(), services().fields.size());
}

TEST(Services, TimesThatWereGivenStay) {
  Json row = completed(services(), R"({"host":"a","created_at":5,"updated_at":5})");
  EXPECT_EQ(row["created_at"], 5);
  EXPECT_EQ(row["updated_at"], 1'700'000'000);
}

}  // namespace
}  // namespace sallyport::model
