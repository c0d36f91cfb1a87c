#include "conf/vault_reference.h"

#include <map>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sallyport::conf {
namespace {

const std::map<std::string, std::string> kVariables = {
    {"MY_SECRET", "s"},
    {"PRE_MY_SECRET", "t"},
    {"JSON", R"({"a":"x","n":7,"f":1.5,"t":true,"o":{},"z":null})"},
    {"LIST", "[1]"},
    {"EMPTY", ""}};

const char* variable(const char* name) {
  auto found = kVariables.find(name);
  return found == kVariables.end() ? nullptr : found->second.c_str();
}

struct Reference {
  const char* text;
  const char* prefix;
  const char* value;  // null: an error
};

class VaultReference : public testing::TestWithParam<Reference> {};

TEST_P(VaultReference, Reads) {
  auto got = read_vault(GetParam().text, GetParam().prefix, variable);
  if (GetParam().value == nullptr) {
    ASSERT_FALSE(got) << *got;
    EXPECT_EQ(got.error().code, "conf.vault");
  } else {
    ASSERT_TRUE(got) << got.error().text();
    EXPECT_EQ(*got, GetParam().value);
  }
}

INSTANTIATE_TEST_SUITE_P(
    References, VaultReference,
    testing::Values(
        Reference{"{vault://env/my-secret}", "", "s"},
        Reference{"{vault://env/MY_SECRET}", "", "s"},
        Reference{"{vault://env/my-secret/}", "", "s"},
        Reference{"{vault://env/my-secret}", "pre-", "t"},
        Reference{"{vault://env/my-secret?prefix=PRE_}", "no_", "t"},
        Reference{"{vault://env/my-secret?ttl=3}", "", "s"},
        Reference{"{vault://env/json/a}", "", "x"}, Reference{"{vault://env/json/n}", "", "7"},
        Reference{"{vault://env/json/f}", "", "1.5"}, Reference{"{vault://env/json/t}", "", "true"},
        Reference{"{vault://env/empty}", "", ""}, Reference{"{vault://env/json/o}", "", nullptr},
        Reference{"{vault://env/json/z}", "", nullptr},
        Reference{"{vault://env/json/none}", "", nullptr},
        Reference{"{vault://env/list/a}", "", nullptr},
        Reference{"{vault://env/my-secret/a}", "", nullptr},
        Reference{"{vault://env/none}", "", nullptr},
        Reference{"{vault://aws/my-secret}", "", nullptr}, Reference{"{vault://env/}", "", nullptr},
        Reference{"{vault://env}", "", nullptr}, Reference{"{vault://}", "", nullptr},
        Reference{"{vault:///x}", "", nullptr}, Reference{"{vault://env/a/b/c}", "", nullptr}));

TEST(VaultReference, IsTheWholeText) {
  EXPECT_TRUE(is_vault_reference("{vault://env/a}"));
  EXPECT_FALSE(is_vault_reference("x{vault://env/a}"));
  EXPECT_FALSE(is_vault_reference("{vault://env/a}x"));
  EXPECT_FALSE(is_vault_reference(""));
}

TEST(VaultReference, NeverRepeatsTheVariable) {
  auto got = read_vault("{vault://env/my-secret/field}", "", [](const char*) { return "hunter2"; });
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().text().find("hunter2"), std::string::npos);
}

}  // namespace
}  // namespace sallyport::conf
