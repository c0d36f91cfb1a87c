#include "conf/reference.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/text.h"
#include "conf/directives.h"
#include "conf/load_for_test.h"

namespace sallyport::conf {
namespace {

// Tests run at the root of the repository, or below it.
std::string root() {
  std::filesystem::path here = std::filesystem::current_path();
  while (!std::filesystem::exists(here / "CMakePresets.json") && here != here.root_path()) {
    here = here.parent_path();
  }
  return here;
}

TEST(Reference, IsUpToDate) {
  constexpr const char* kRemedy = "; run: build/dev/sallyport generate";
  auto file = read_file(root() + "/sallyport.conf.default");
  ASSERT_TRUE(file) << file.error().text() << kRemedy;
  EXPECT_TRUE(*file == default_file()) << "sallyport.conf.default is not up to date" << kRemedy;
  auto page = read_file(root() + "/docs/configuration.md");
  ASSERT_TRUE(page) << page.error().text() << kRemedy;
  EXPECT_TRUE(*page == reference_page()) << "docs/configuration.md is not up to date" << kRemedy;
}

TEST(Reference, DefaultFileChangesNothing) {
  Loaded loaded = load_for_test(default_file());
  EXPECT_EQ(faults_of(loaded), "");
  EXPECT_EQ(warnings_of(loaded), "");
  for (const Directive& row : directives()) EXPECT_FALSE(loaded.written(row.key)) << row.name;
}

// Every commented setting, taken out of its comment, is the default that it says it is.
TEST(Reference, DefaultFileSaysTheDefaults) {
  std::string file = default_file();
  std::string all;
  for (std::string_view line : text::split(file, '\n')) {
    bool setting = line.size() > 1 && line[0] == '#' && line[1] >= 'a' && line[1] <= 'z';
    if (setting) line.remove_prefix(1);
    all += std::string(line) + "\n";
  }
  Loaded written = load_for_test(all);
  Loaded untouched = load_for_test("");
  EXPECT_EQ(faults_of(written), "");
  for (const Directive& row : directives()) {
    EXPECT_EQ(written.settings.display(row.key), untouched.settings.display(row.key)) << row.name;
    EXPECT_EQ(written.written(row.key), !row.initial.empty()) << row.name;
  }
}

TEST(Reference, PageNamesEveryDirective) {
  std::string page = reference_page();
  for (const Directive& row : directives()) {
    EXPECT_NE(page.find("`" + std::string(row.name) + "`"), std::string::npos) << row.name;
  }
}

}  // namespace
}  // namespace sallyport::conf
