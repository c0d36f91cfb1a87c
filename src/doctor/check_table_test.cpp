#include <cstdlib>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "base/file.h"
#include "doctor/check.h"
#include "doctor/evidence.h"
#include "doctor/report.h"

namespace sallyport::doctor {
namespace {

TEST(CheckTable, EveryCheckIsNamedOnceAndExplained) {
  std::set<std::string_view> ids;
  for (const Check& check : checks()) {
    EXPECT_TRUE(ids.insert(check.id).second) << check.id << " is there twice";
    EXPECT_FALSE(check.title.empty()) << check.id;
    EXPECT_GT(check.explanation.size(), 60U) << check.id << " needs a page";
    EXPECT_TRUE(check.explanation.ends_with('.')) << check.id;
    EXPECT_NE(check.examine, nullptr) << check.id;
    EXPECT_EQ(find_check(check.id), &check);
  }
  EXPECT_EQ(find_check("no.such.check"), nullptr);
}

TEST(CheckTable, StandsInTheOrderOfTheWalk) {
  Stage last = Stage::configuration;
  for (const Check& check : checks()) {
    EXPECT_GE(check.stage, last) << check.id;
    last = check.stage;
  }
}

TEST(CheckTable, EveryCheckAnswersToEmptyEvidence) {
  Evidence evidence;
  auto findings = examine(evidence);
  std::set<std::string_view> answered;
  for (const Finding& finding : findings) answered.insert(finding.check);
  EXPECT_EQ(answered.size(), checks().size());
}

TEST(CheckTable, EveryCheckAnswersWhenNothingCouldBeReached) {
  Evidence evidence;
  evidence.settings.emplace().hosts = {"db.test"};
  evidence.hosts.emplace_back().host = "db.test";
  evidence.hosts.front().resolve_error = "no such name";
  evidence.outcome.attempted = true;
  evidence.outcome.error = {"link.name", Side::config, Retry::never, "no such name", ""};
  std::set<std::string_view> answered;
  for (const Finding& finding : examine(evidence)) answered.insert(finding.check);
  EXPECT_EQ(answered.size(), checks().size());
}

// docs/doctor.md holds the table of all checks. With SALLYPORT_UPDATE_DOCS set it is written anew.
TEST(CheckTable, DocumentationIsCurrent) {
  constexpr std::string_view kBegin = "<!-- checks: begin -->\n";
  constexpr std::string_view kEnd = "<!-- checks: end -->";
  const std::string path = "docs/doctor.md";
  auto text = read_file(path);
  ASSERT_TRUE(text) << text.error().text();
  size_t begin = text->find(kBegin);
  size_t end = text->find(kEnd);
  ASSERT_NE(begin, std::string::npos);
  ASSERT_NE(end, std::string::npos);
  begin += kBegin.size();
  std::string current = text->substr(begin, end - begin);
  if (std::getenv("SALLYPORT_UPDATE_DOCS") != nullptr && current != checks_as_markdown()) {
    std::string updated = text->substr(0, begin) + checks_as_markdown() + text->substr(end);
    ASSERT_TRUE(write_file_atomically(path, updated, 0644));
    return;
  }
  EXPECT_EQ(current, checks_as_markdown())
      << "run SALLYPORT_UPDATE_DOCS=1 doctor_test --gtest_filter=CheckTable.* in the root";
}

}  // namespace
}  // namespace sallyport::doctor
