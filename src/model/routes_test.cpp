// What the declaration of routes accepts and refuses.
#include <gtest/gtest.h>

#include "model/schemas.h"
#include "model/test_rows.h"

namespace sallyport::model {
namespace {

TEST(Routes, FaultsOfOneField) {
  FaultCase cases[] = {
      {R"({"paths":["/"]})", "null"},
      {R"({"paths":["~/a/(?<x>\\d+)$"]})", "null"},
      {R"({"paths":["/","x"]})",
       R"j({"paths":[null,"should start with: / (fixed path) or ~/ (regex path)"]})j"},
      {R"({"paths":["/a//b"]})", R"({"paths":["must not have empty segments"]})"},
      {R"({"paths":["/a b","/\u00e9","/a[0-9]","/a%2Fb","/a%25","/a/"]})", "null"},
      {R"({"paths":["/a/../b"]})",
       R"({"paths":["non-normalized path, consider use '/b' instead"]})"},
      {R"({"paths":["/a/./b/."]})",
       R"({"paths":["non-normalized path, consider use '/a/b/' instead"]})"},
      {R"({"paths":["/%41%20b%2fc"]})",
       R"({"paths":["non-normalized path, consider use '/A b%2Fc' instead"]})"},
      {R"({"paths":["/a%2"]})", R"({"paths":["invalid url-encoded value: '%2'"]})"},
      {R"({"paths":"/"})", R"({"paths":"expected an array"})"},
      {R"({"paths":["/",null]})", R"({"paths":[null,"expected a string"]})"},
      {R"({"headers":{"x":[null]}})", R"({"headers":{"x":["expected a string"]}})"},
      {R"({"methods":["GET","PURGE"]})", "null"},
      {R"({"methods":["get"]})", R"({"methods":["invalid value: get"]})"},
      {R"({"hosts":["a.test","*.a.test","a.*","a.test:80","*.a.test:80"]})", "null"},
      {R"({"hosts":["*.a.*"]})",
       R"({"hosts":["invalid wildcard: must have at most one wildcard"]})"},
      {R"({"hosts":["a.*.b"]})",
       R"({"hosts":["invalid wildcard: must be placed at leftmost or rightmost label"]})"},
      {R"({"hosts":["a b"]})", R"({"hosts":["invalid hostname: a b"]})"},
      {R"({"hosts":["a:99999"]})", R"({"hosts":["invalid port number"]})"},
      {R"({"headers":{"x":["a","~*b+"]}})", "null"},
      {R"({"headers":{"Host":["a"]}})",
       R"({"headers":{"Host":"cannot contain 'host' header, which must be specified in the )"
       R"('hosts' attribute"}})"},
      {R"({"headers":{"a b":["x"]}})",
       R"({"headers":{"a b":"bad header name 'a b', allowed characters are A-Z, a-z, 0-9, '_', )"
       R"(and '-'"}})"},
      {R"({"headers":{"x":"a"}})", R"({"headers":{"x":"expected an array"}})"},
      {R"({"headers":["x"]})", R"({"headers":"expected a map"})"},
      {R"({"paths":["/"],"https_redirect_status_code":303})",
       R"({"https_redirect_status_code":"expected one of: 426, 301, 302, 307, 308"})"},
      {R"({"paths":["/"],"path_handling":"v2"})", R"({"path_handling":"expected one of: v0, v1"})"},
      {R"({"paths":["/"],"regex_priority":"x"})", R"({"regex_priority":"expected an integer"})"},
      {R"({"paths":["/"],"strip_path":null})", R"({"strip_path":"required field missing"})"},
      {R"({"paths":["/"],"service":{"protocol":"http"}})",
       R"({"service":{"id":"missing primary key"}})"},
      {R"({"paths":["/"],"service":{"id":"x"}})", R"({"service":{"id":"expected a valid UUID"}})"},
      {R"({"paths":["/"],"service":null})", "null"},
      {R"({"paths":["/"],"protocols":[]})", R"({"protocols":"length must be at least 1"})"},
      {R"({"paths":["/"],"protocols":"http"})", R"({"protocols":"expected a set"})"},
      {R"({"protocols":["tcp"],"sources":[{"ip":"10.0.0.0/8","port":80}]})", "null"},
      {R"({"protocols":["tcp"],"sources":[{"ip":"10.0.0.0/33"}]})",
       R"({"sources":[{"ip":"invalid ip or cidr range: '10.0.0.0/33'"}]})"},
      {R"({"protocols":["tcp"],"sources":[{}]})",
       R"({"sources":[{"@entity":["at least one of these fields must be non-empty: 'ip', )"
       R"('port'"]}]})"},
      {R"({"protocols":["tls"],"snis":["a.test","*.a.test"]})", "null"},
      {R"({"protocols":["tls"],"snis":["10.0.0.1"]})", R"({"snis":["must not be an IP"]})"},
  };
  for (const FaultCase& c : cases) EXPECT_EQ(faults(routes(), c.input), c.expected) << c.input;
}

TEST(Routes, BrokenRegularExpressionsAreNamed) {
  EXPECT_EQ(faults(routes(), R"({"paths":["~/a("]})"),
            R"j({"paths":["invalid regex: '/a(' (PCRE returned: missing closing parenthesis at )j"
            R"j(offset 3)"]})j");
  EXPECT_NE(faults(routes(), R"({"headers":{"x":["~*a["]}})"), "null");
}

TEST(Routes, EachProtocolNeedsSomethingToMatch) {
  auto entity = [](const std::string& text) { return R"({"@entity":[")" + text + R"("]})"; };
  struct Case {
    const char* input;
    std::string expected;
  } cases[] = {
      {R"({"protocols":["http"]})",
       entity("must set one of 'methods', 'hosts', 'headers', 'paths' when 'protocols' is 'http'")},
      {R"({})", entity("must set one of 'methods', 'hosts', 'headers', 'paths', 'snis' when "
                       "'protocols' is 'https'")},
      {R"({"paths":[]})", entity("must set one of 'methods', 'hosts', 'headers', 'paths', 'snis' "
                                 "when 'protocols' is 'https'")},
      {R"({"protocols":["grpc"]})",
       entity("must set one of 'hosts', 'headers', 'paths' when 'protocols' is 'grpc'")},
      {R"({"protocols":["grpc","grpcs"]})",
       entity("must set one of 'hosts', 'headers', 'paths', 'snis' when 'protocols' is 'grpcs'")},
      {R"({"protocols":["tcp"]})", entity("must set one of 'sources', 'destinations', 'snis' when "
                                          "'protocols' is 'tcp', 'tls' or 'udp'")},
      {R"({"protocols":["tls_passthrough"]})",
       entity("must set snis when 'protocols' is 'tls_passthrough'")},
      {R"({"protocols":["tls_passthrough"],"snis":["a.test"]})", "null"},
      {R"({"protocols":["grpc"],"hosts":["a"]})", "null"},
  };
  for (const Case& c : cases) EXPECT_EQ(faults(routes(), c.input), c.expected) << c.input;
}

TEST(Routes, EachProtocolRefusesWhatItCannotHave) {
  FaultCase cases[] = {
      {R"({"protocols":["grpc"],"paths":["/"],"strip_path":true})",
       R"({"strip_path":"cannot set 'strip_path' when 'protocols' is 'grpc' or 'grpcs'"})"},
      {R"({"protocols":["grpc"],"paths":["/"],"methods":["GET"]})",
       R"({"methods":"cannot set 'methods' when 'protocols' is 'grpc' or 'grpcs'"})"},
      {R"({"paths":["/"],"sources":[{"port":1}]})",
       R"({"sources":"cannot set 'sources' when 'protocols' is 'http' or 'https'"})"},
      {R"({"protocols":["tcp"],"sources":[{"port":1}],"paths":["/"]})",
       R"({"paths":"cannot set 'paths' when 'protocols' is 'tcp', 'tls', 'tls_passthrough' or )"
       R"('udp'"})"},
      {R"({"protocols":["http"],"paths":["/"],"snis":["a.test"]})",
       R"({"snis":"length must be 0","@entity":["'snis' can only be set when 'protocols' is )"
       R"('grpcs', 'https', 'tls' or 'tls_passthrough'"]})"},
      {R"({"protocols":["http","https"],"paths":["/"],"snis":["a.test"]})", "null"},
      {R"({"protocols":["http","tcp"],"paths":["/"]})",
       R"j({"protocols":"these sets are mutually exclusive: ('http'), ('tcp')"})j"},
      {R"({"protocols":["foo","http"],"methods":["GET"]})",
       R"({"protocols":["expected one of: grpc, grpcs, http, https, tcp, tls, tls_passthrough, )"
       R"(udp"]})"},
  };
  for (const FaultCase& c : cases) EXPECT_EQ(faults(routes(), c.input), c.expected) << c.input;
}

TEST(Routes, GrpcRoutesKeepTheirPathByDefault) {
  EXPECT_EQ(completed(routes(), R"({"protocols":["grpc"],"paths":["/"]})")["strip_path"], false);
  EXPECT_EQ(completed(routes(), R"({"paths":["/"]})")["strip_path"], true);
}

TEST(Routes, ReferencesAreCutDownToTheirId) {
  Json row = completed(routes(), R"({"paths":["/"],"service":
      {"id":"7fca84d6-7d37-4a74-a7b0-93e576089a41","host":"a"}})");
  EXPECT_EQ(to_text(row["service"]), R"({"id":"7fca84d6-7d37-4a74-a7b0-93e576089a41"})");
}

TEST(Routes, UpdatesLookAtWhatChanges) {
  Json row = completed(routes(), R"({"paths":["/"]})");
  row["hosts"] = Json::array({"a b"});  // an old row that a newer rule would refuse
  Json patch = parse_json(R"({"name":"x"})");
  EXPECT_TRUE(validate_update(routes(), patch, merge(routes(), row, patch)).is_null());
  patch = parse_json(R"({"paths":null,"hosts":null})");
  EXPECT_FALSE(validate_update(routes(), patch, merge(routes(), row, patch)).is_null());
  patch = parse_json(R"({"nmae":"x"})");
  EXPECT_EQ(to_text(validate_update(routes(), patch, merge(routes(), row, patch))),
            R"({"nmae":"unknown field"})");
}

TEST(Routes, TextsMustBeStorable) {
  Json row = completed(routes(), R"({"paths":["/"]})");
  row["headers"] = Json{{"x", Json::array({"ok", "a\xff"})}};
  EXPECT_EQ(
      to_text(validate(routes(), row)),
      R"({"headers":{"x":[null,"invalid utf-8 character sequence detected at position 2"]}})");
}

TEST(Routes, FaultMessages) {
  struct Case {
    const char* faults;
    const char* expected;
  } cases[] = {
      {R"({"host":"required field missing"})", "schema violation (host: required field missing)"},
      {R"({"path":"p","host":"h"})", "2 schema violations (host: h; path: p)"},
      {R"({"snis":"s","@entity":["e"]})", "2 schema violations (e; snis: s)"},
      {R"({"protocols":[null,"bad"],"service":{"id":"i"}})",
       "2 schema violations (protocols.2: bad; service.id: i)"},
      {R"({"sources":[{"@entity":["e"]}]})", "schema violation (sources.1: e)"},
  };
  for (const Case& c : cases) EXPECT_EQ(fault_message(parse_json(c.faults)), c.expected);
}

}  // namespace
}  // namespace sallyport::model
