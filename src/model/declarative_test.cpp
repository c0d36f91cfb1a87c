#include "model/declarative.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "model/declarative_document.h"
#include "model/declarative_ids.h"
#include "model/schemas.h"

namespace sallyport::model {
namespace {

const Json& row(const Declaration& declaration, const EntitySchema& entity, size_t index = 0) {
  for (const Declaration::Rows& rows : declaration.entities) {
    if (rows.entity == &entity) return rows.rows.at(index);
  }
  throw std::out_of_range(entity.name);
}

Declaration read(std::string_view text) {
  auto declaration = read_declaration(text, 1.5e9);
  EXPECT_TRUE(declaration) << declaration.error().text();
  return declaration ? *declaration : Declaration{};
}

DeclarationFaults faults(std::string_view text) {
  auto declaration = read_declaration(text, 1.5e9);
  EXPECT_FALSE(declaration);
  return declaration ? DeclarationFaults("") : declaration.error();
}

constexpr std::string_view kNested = R"(
_format_version: "3.0"
_transform: true
_info: {select_tags: [a]}
services:
- name: example
  url: https://example.com:8443/base
  _comment: ours
  routes:
  - name: first
    paths: [/first]
    tags: &tags [blue, green]
  - paths: [/second]
    tags: *tags
upstreams:
- name: backend.example
  targets:
  - target: 10.0.0.1:80
consumers: []
)";

TEST(Declarative, ReadsNestedEntities) {
  Declaration declaration = read(kNested);
  EXPECT_EQ(declaration.size(), 5);
  const Json& service = row(declaration, services());
  EXPECT_EQ(service["host"], "example.com");
  EXPECT_EQ(service["port"], 8443);
  EXPECT_EQ(service["created_at"], 1500000000);
  const Json& second = row(declaration, routes(), 1);
  EXPECT_EQ(second["service"]["id"], service["id"]);
  EXPECT_EQ(second["tags"], Json::parse(R"(["blue","green"])"));
  EXPECT_EQ(declaration.hash, md5(kNested));
}

// RFC 9562's version 5, in the namespace that Kong and its tools share; computed with Python's
// uuid.uuid5(uuid.uuid5(UUID("fd02801f-0957-4a15-a55a-c8d9606f30b5"), entity), key).
TEST(Declarative, DerivesIdsAsKongDoes) {
  Declaration declaration = read(kNested);
  std::string upstream = row(declaration, upstreams())["id"];
  EXPECT_EQ(row(declaration, services())["id"], "89dd9e9d-3f98-5e11-ab72-c90b6c2d30a2");
  EXPECT_EQ(row(declaration, routes())["id"], "2ccad8ae-af6b-53ef-97f7-ac8a362acfe1");
  EXPECT_EQ(upstream, "7448aa3f-fc1a-545d-b4f9-5cb63560dd67");
  EXPECT_EQ(row(declaration, targets())["id"], declared_id("targets", "10.0.0.1:80:" + upstream));
  EXPECT_EQ(declared_id("targets", "10.0.0.1:80:" + upstream),
            "9b51e418-0286-54dc-addf-b759fb198fb4");
}

TEST(Declarative, GivesWhatHasNoNameTheSameIdOnEveryNode) {
  constexpr std::string_view kTwins = R"({"_format_version": "3.0", "routes": [
      {"paths": ["/a"]}, {"paths": ["/a"]}, {"paths": ["/b"]}]})";
  Declaration once = read(kTwins), again = read(kTwins);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(row(once, routes(), i)["id"], row(again, routes(), i)["id"]);
  }
  EXPECT_NE(row(once, routes(), 0)["id"], row(once, routes(), 1)["id"]);
}

TEST(Declarative, ResolvesReferencesByNameAndId) {
  Declaration declaration = read(R"(
_format_version: "2.1"
routes:
- {name: a, paths: [/a], service: example}
- {name: b, paths: ['/b(1|2)'], service: {name: example}}
- {name: c, paths: [/c], service: 3a1f8f63-1d3f-4d0f-9bb0-1a3b8c2d7e01}
services:
- {name: example, host: example.com}
- {id: 3a1f8f63-1d3f-4d0f-9bb0-1a3b8c2d7e01, host: example.com}
)");
  EXPECT_EQ(row(declaration, routes(), 0)["service"], row(declaration, routes(), 1)["service"]);
  EXPECT_EQ(row(declaration, routes(), 2)["service"]["id"], row(declaration, services(), 1)["id"]);
  EXPECT_EQ(row(declaration, routes(), 1)["paths"][0], "~/b(1|2)");  // what 2.1 took for a regex
}

TEST(Declarative, FindsEveryFaultAtOnce) {
  DeclarationFaults found = faults(R"(
_format_version: "4.0"
nonsense: []
services:
- {name: good, host: example.com}
- name: bad
  port: 70000
  tags: [t]
  routes:
  - {name: r, paths: [no-slash], protocols: [http]}
routes:
- {name: x, paths: [/x], service: nobody}
upstreams:
- just a text
consumers:
- {username: twin}
- {username: twin}
)");
  const Json& fields = found.fields();
  EXPECT_EQ(fields["_format_version"], "expected one of: 1.1, 2.1, 3.0");
  EXPECT_EQ(fields["nonsense"], "unknown field");
  EXPECT_TRUE(fields["services"][0].is_null());
  EXPECT_EQ(fields["services"][1]["host"], "required field missing");
  EXPECT_EQ(fields["services"][1]["port"], "value should be between 0 and 65535");
  EXPECT_EQ(fields["services"][1]["routes"][0]["paths"][0],
            "should start with: / (fixed path) or ~/ (regex path)");
  EXPECT_EQ(fields["routes"][0]["@entity"][0],
            "invalid reference 'service: nobody' (no such entry in 'services')");
  EXPECT_EQ(fields["upstreams"][0], "expected a record");
  EXPECT_EQ(fields["consumers"][1]["@entity"].size(), 2);  // the id and the name
  EXPECT_EQ(found.outside().size(), 2);
  EXPECT_NE(found.text().find("- in entry 2 of 'services':"), std::string::npos);
}

TEST(Declarative, FlattensFaultsByEntity) {
  DeclarationFaults found = faults(R"(
_format_version: "3.0"
services:
- name: bad
  tags: [t]
  port: 70000
  host: h
  routes:
  - {name: r, methods: [GET], paths: [no-slash]}
)");
  Json service = found.flattened().at(0);
  EXPECT_EQ(service["entity_type"], "service");
  EXPECT_EQ(service["entity_name"], "bad");
  EXPECT_EQ(service["entity_tags"], Json::parse(R"(["t"])"));
  EXPECT_FALSE(service["entity"].contains("routes"));
  EXPECT_EQ(service["errors"], Json::parse(R"([{"field": "port",
            "message": "value should be between 0 and 65535", "type": "field"}])"));
  EXPECT_EQ(found.flattened()[1]["errors"][0]["field"], "paths.1");
  EXPECT_EQ(found.flattened().size(), 2);
}

TEST(Declarative, FlattenedReferencesThatLeadNowhereKeepTheirOwnId) {
  DeclarationFaults found = faults(R"(
_format_version: "3.0"
routes:
- {name: r, paths: [/], service: nobody}
)");
  Json route = found.flattened().at(0)["entity"];
  EXPECT_EQ(route["service"]["id"], declared_id("services", "nobody"));
  EXPECT_NE(route["service"]["id"], route["id"]);
}

TEST(Declarative, KeepsNoPasswordAsItWasWritten) {
  const char* text = R"(
_format_version: "3.0"
_transform: %
consumers:
- username: ann
  basicauth_credentials:
  - username: ann
    password: open sesame
)";
  auto password = [&](std::string_view transform) {
    std::string document = text;
    document.replace(document.find('%'), 1, transform);
    Declaration found = read(document);
    for (const Declaration::Rows& rows : found.entities) {
      if (rows.entity->name == "basicauth_credentials") {
        return rows.rows.at(0)["password"].get<std::string>();
      }
    }
    return std::string();
  };
  std::string hashed = password("true");
  EXPECT_EQ(hashed.size(), 40) << hashed;  // SHA-1 in hexadecimal, as Kong stores it
  EXPECT_EQ(password("false"), "open sesame");
}

TEST(Declarative, ComesBackFromItsOwnText) {
  Declaration first = read(kNested);
  Declaration second = read(write_yaml(declaration_document(first)));
  EXPECT_FALSE(second.transform);
  ASSERT_EQ(first.entities.size(), second.entities.size());
  for (size_t i = 0; i < first.entities.size(); ++i) {
    EXPECT_EQ(first.entities[i].rows, second.entities[i].rows);
  }
}

}  // namespace
}  // namespace sallyport::model
