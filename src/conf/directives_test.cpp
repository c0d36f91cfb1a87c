// What has to hold for every row of the table, whatever it says.
#include "conf/directives.h"

#include <ostream>
#include <set>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "base/text.h"
#include "conf/display.h"
#include "conf/load_for_test.h"
#include "conf/names.h"

namespace sallyport::conf {

void PrintTo(const Directive& row, std::ostream* out) {
  *out << row.name;
}

namespace {

class EveryDirective : public testing::TestWithParam<Directive> {};

INSTANTIATE_TEST_SUITE_P(Table, EveryDirective, testing::ValuesIn(directives()),
                         [](const auto& row) { return std::string(row.param.name); });

std::string line(const Directive& row, std::string_view value) {
  return fmt::format("{} = {}\n", row.name, value);
}

// A value that no row of this type accepts; empty where everything is accepted.
std::string_view bad_value(const Directive& row) {
  switch (row.type) {
    case Type::flag:
    case Type::on_off:
      return "yes";
    case Type::integer:
    case Type::number:
    case Type::size:
    case Type::duration:
    case Type::buffers:
      return "many";
    case Type::word:
      return "nonsense";
    case Type::listen:
      return "8000";
    case Type::list:
    case Type::string:
      return row.form == Form::any ? "" : "::/129 ?";
    case Type::path:
    case Type::secret:
      return "";
  }
  return "";
}

// A value that is not the default.
std::string other_value(const Directive& row) {
  switch (row.type) {
    case Type::flag:
    case Type::on_off:
      return row.initial == "on" ? "off" : "on";
    case Type::integer:
    case Type::number:
      return fmt::format("{}", row.least > 1 ? row.least : 1);
    case Type::word:
      return std::string(accepted_words(row).back());
    case Type::size:
      return "3k";
    case Type::duration:
      return "7m";
    case Type::buffers:
      return "3 9k";
    case Type::listen:
      return "127.0.0.1:9";
    case Type::path:
      return "/somewhere/else";
    case Type::secret:
      return "hunter2";
    default:
      break;
  }
  switch (row.form) {
    case Form::any:
    case Form::host:
    case Form::name:
    case Form::header:
      return "else";
    case Form::words:
    case Form::words_nocase:
      return std::string(accepted_words(row).back());
    case Form::cidr:
    case Form::resolver:
      return "10.0.0.1";
    case Form::port_map:
      return "80:8000";
    case Form::label:
      return "a:b";
    case Form::url_path:
      return "/else";
    case Form::uuid:
      return "6e1f4f4e-9a39-4ab0-a5f8-5f3f3c9a0b11";
    case Form::url:
      return "https://else.example";
  }
  return "";
}

// Written alone, some keys contradict the defaults.
std::string company(const Directive& row) {
  std::string name(row.name);
  for (std::string_view end : {"ssl_cert", "ssl_cert_key"}) {
    bool pair = row.type == Type::list || row.section == Section::postgres_tls ||
                row.section == Section::postgres_read_only;
    if (!pair || !name.ends_with(end)) continue;
    std::string other = end == "ssl_cert" ? name + "_key" : name.substr(0, name.size() - 4);
    return other + " = /other\n";
  }
  if (name.ends_with("channel_binding")) return "pg_ssl = on\n";
  if (name.ends_with("ssl_crl") || name.ends_with("ssl_crl_dir")) {
    return "pg_ssl_verify = on\n";  // with pg_ssl, should that be on
  }
  return "";
}

TEST_P(EveryDirective, IsDescribed) {
  const Directive& row = GetParam();
  EXPECT_FALSE(row.about.empty());
  EXPECT_TRUE(row.about.ends_with('.') || row.about.ends_with(')')) << row.about;
  EXPECT_EQ(row.effect == Effect::never, !row.why.empty());
  EXPECT_EQ(std::string(row.name), text::lower(row.name));
  EXPECT_EQ(find_key(row.name), row.key);
  EXPECT_EQ(&directive(row.key) - directives().data(), static_cast<long>(row.key));
}

TEST_P(EveryDirective, HasADefaultThatParses) {
  const Directive& row = GetParam();
  Loaded loaded = load_for_test(line(row, row.initial));
  EXPECT_EQ(faults_of(loaded), "");
  Loaded untouched = load_for_test("");
  EXPECT_EQ(untouched.settings.is_set(row.key),
            !row.initial.empty() || (row.inherits && !directive(*row.inherits).initial.empty()));
}

TEST_P(EveryDirective, TakesAnotherValueFromFileEnvironmentAndCommandLine) {
  const Directive& row = GetParam();
  std::string value = other_value(row);
  std::string variable = variable_of(row.name);
  for (const Loaded& loaded : {load_for_test(line(row, value) + company(row)),
                               load_for_test(company(row), {{variable, value}}),
                               load_for_test(company(row), {}, {{std::string(row.name), value}})}) {
    EXPECT_EQ(faults_of(loaded), "");
    EXPECT_TRUE(loaded.settings.is_set(row.key));
    EXPECT_TRUE(loaded.written(row.key));
    EXPECT_NE(loaded.settings.origin(row.key), Origin::defaults);
    EXPECT_EQ(loaded.settings.display(row.key), row.masked() ? "******" : value);
  }
}

TEST_P(EveryDirective, RefusesWhatItCannotMean) {
  const Directive& row = GetParam();
  std::string_view bad = bad_value(row);
  if (bad.empty()) return;
  Loaded loaded = load_for_test("\n" + line(row, bad));
  ASSERT_EQ(loaded.faults.size(), 1u) << faults_of(loaded);
  EXPECT_EQ(loaded.faults[0].line, 2);
  EXPECT_EQ(loaded.faults[0].key, row.name);
  if (row.masked()) {
    EXPECT_EQ(loaded.faults[0].message.find(bad), std::string::npos);
  }
}

TEST_P(EveryDirective, HoldsItsRange) {
  const Directive& row = GetParam();
  bool whole = row.type == Type::integer || row.type == Type::size;
  if (!whole && row.type != Type::number) return;
  if (row.least > -1e300) {
    EXPECT_EQ(load_for_test(line(row, fmt::format("{}", row.least - 1))).faults.size(), 1u);
    EXPECT_EQ(faults_of(load_for_test(line(row, fmt::format("{}", row.least)))), "");
  }
  if (row.most < 1e300) {
    EXPECT_EQ(faults_of(load_for_test(line(row, fmt::format("{}", row.most)))), "");
    EXPECT_EQ(load_for_test(line(row, fmt::format("{}", row.most + 1))).faults.size(), 1u);
  }
}

TEST_P(EveryDirective, HidesItsSecret) {
  const Directive& row = GetParam();
  if (!row.masked()) return;
  std::string value = row.form == Form::url ? "http://user:hunter2@proxy" : "hunter2";
  Loaded loaded = load_for_test(line(row, value) + company(row));
  EXPECT_EQ(faults_of(loaded), "");
  EXPECT_EQ(loaded.settings.display(row.key), "******");
  EXPECT_EQ(to_json(loaded.settings).dump().find("hunter2"), std::string::npos);
  EXPECT_EQ((faults_of(loaded) + warnings_of(loaded)).find("hunter2"), std::string::npos);
}

TEST_P(EveryDirective, ReadsAVaultReference) {
  const Directive& row = GetParam();
  std::string value = other_value(row);
  Loaded loaded =
      load_for_test(line(row, "{vault://env/a-value}") + company(row), {{"A_VALUE", value}});
  // The vaults themselves, and the prefix of their names, cannot be behind a vault that they name.
  EXPECT_EQ(faults_of(loaded), "");
  EXPECT_EQ(loaded.settings.display(row.key), row.masked() ? "******" : "{vault://env/a-value}");
}

TEST_P(EveryDirective, IsNamedInTheWarningExactlyWhenItDoesNothing) {
  const Directive& row = GetParam();
  Loaded loaded = load_for_test(line(row, other_value(row)) + company(row));
  std::string warnings = warnings_of(loaded);
  bool named = warnings.find("without effect in this version: ") != std::string::npos &&
               warnings.find(fmt::format("{} (line 1", row.name)) != std::string::npos;
  bool missed = row.effect != Effect::active && other_value(row) != row.inert;
  EXPECT_EQ(named, missed) << warnings;
}

TEST_P(EveryDirective, InheritsFromAnEarlierRowOfItsKind) {
  const Directive& row = GetParam();
  if (!row.inherits) return;
  const Directive& parent = directive(*row.inherits);
  EXPECT_LT(parent.key, row.key);
  EXPECT_EQ(parent.type, row.type);
  EXPECT_EQ(parent.words, row.words);
  EXPECT_EQ(parent.form, row.form);
  EXPECT_EQ(parent.least, row.least);
  EXPECT_EQ(parent.most, row.most);
  EXPECT_TRUE(row.initial.empty());
  std::string value = other_value(parent);
  Loaded loaded = load_for_test(line(parent, value) + company(parent));
  EXPECT_EQ(loaded.settings.display(row.key), parent.masked() ? "******" : value);
  EXPECT_TRUE(loaded.settings.is_inherited(row.key));
  EXPECT_EQ(loaded.settings.origin(row.key), Origin::file);
}

TEST_P(EveryDirective, TakesTheDefaultForAnEmptyValue) {
  const Directive& row = GetParam();
  std::string variable = variable_of(row.name);
  Loaded loaded = load_for_test(line(row, other_value(row)), {{variable, ""}});
  EXPECT_EQ(faults_of(loaded), "");
  Loaded untouched = load_for_test("");
  EXPECT_EQ(loaded.settings.display(row.key), untouched.settings.display(row.key));
  EXPECT_EQ(loaded.settings.is_set(row.key), untouched.settings.is_set(row.key));
  EXPECT_FALSE(loaded.written(row.key));
}

TEST(Directives, HaveDistinctNames) {
  std::set<std::string_view> names;
  for (const Directive& row : directives()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    if (!row.alias.empty()) {
      EXPECT_TRUE(names.insert(row.alias).second) << row.alias;
    }
    if (!row.former.empty()) {
      EXPECT_TRUE(names.insert(row.former).second) << row.former;
    }
  }
}

TEST(Directives, HaveAReadOnlyTwinForEverySettingOfTheLink) {
  for (const Directive& row : directives()) {
    if (row.section != Section::postgres && row.section != Section::postgres_tls) continue;
    std::string twin = "pg_ro_" + std::string(row.name.substr(3));
    auto key = find_key(twin);
    ASSERT_TRUE(key) << twin;
    if (row.key != Key::pg_host) {
      EXPECT_EQ(directive(*key).inherits, row.key) << twin;
    }
  }
}

}  // namespace
}  // namespace sallyport::conf
