#include "doctor/report.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "doctor/evidence.h"

namespace sallyport::doctor {
namespace {

Report sample() {
  Report report;
  report.configuration = "/etc/kong/kong.conf";
  report.link = "kong@db.test:5432/kong";
  report.findings = {
      {"conf.read", Stage::configuration, Verdict::ok, "/etc/kong/kong.conf", "read", "", ""},
      {"file.client_cert", Stage::files, Verdict::skipped, "", "none is in use", "", ""},
      {"file.client_key", Stage::files, Verdict::skipped, "", "none is in use", "", ""},
      {"chain.validity", Stage::chain, Verdict::warn, "db.test", "12 days left", "it will expire",
       "renew it"},
      {"tls.host_name", Stage::chain, Verdict::fail, "db.test", "for \"a\"", "asked for \"b\"",
       "set pg_host = a"},
  };
  report.chains = {{"db.test",
                    {{"root", "EC P-256", "from the trust list", Verdict::ok},
                     {"db.test", "EC P-256", "sent by the server", Verdict::warn}}}};
  report.reason_check = "tls.host_name";
  report.reason = "asked for \"b\"";
  report.remedy = "set pg_host = a";
  return report;
}

TEST(Report, APipeGetsPlainAscii) {
  std::string text = render_text(sample(), TextStyle{});
  for (char c : text) EXPECT_TRUE(c == '\n' || (c >= 0x20 && c < 0x7f)) << static_cast<int>(c);
  EXPECT_TRUE(text.contains("FAIL tls.host_name  db.test: for \"a\"\n"));
  EXPECT_TRUE(text.contains("do: set pg_host = a"));
  EXPECT_TRUE(text.contains("`- db.test"));
  EXPECT_TRUE(text.contains("NOT CONNECTED\n  why: asked for \"b\" (tls.host_name)\n"));
  EXPECT_TRUE(text.contains("1 ok, 1 warnings, 1 failures, 2 skipped"));
}

TEST(Report, WhatWasSkippedForOneReasonSharesALine) {
  std::string text = render_text(sample(), TextStyle{});
  EXPECT_TRUE(text.contains("-    file.client_cert, file.client_key  none is in use\n")) << text;
}

TEST(Report, ATerminalGetsColourAndLines) {
  TextStyle style{.colour = true, .line_drawing = true, .columns = 60};
  std::string text = render_text(sample(), style);
  EXPECT_TRUE(text.contains("\x1b["));
  EXPECT_TRUE(text.contains("└─ "));
}

TEST(Report, LongLinesAreWrappedOnATerminalOnly) {
  Report report = sample();
  report.findings.back().cause = std::string(30, 'a') + " " + std::string(30, 'b');
  EXPECT_TRUE(render_text(report, TextStyle{}).contains(report.findings.back().cause));
  TextStyle narrow{.colour = false, .line_drawing = true, .columns = 50};
  EXPECT_FALSE(render_text(report, narrow).contains(report.findings.back().cause));
}

TEST(Report, NamesCannotSteerTheTerminal) {
  Report report = sample();
  report.findings.back().evidence =
      "for \"\x1b]0;owned\x07\xc2\x9b"
      "31m\nFAIL\"";
  report.chains[0].lines[0].name = "root\x1b[2J";
  std::string text = render_text(report, TextStyle{});
  EXPECT_FALSE(text.contains('\x1b'));
  EXPECT_FALSE(text.contains('\x07'));
  EXPECT_FALSE(text.contains("\xc2\x9b"));
  EXPECT_TRUE(text.contains("for \"?]0;owned??31m?FAIL\"")) << text;
}

TEST(Report, JsonHasAStableStructure) {
  Json json = render_json(sample());
  EXPECT_EQ(json["version"], 1);
  EXPECT_EQ(json["connected"], false);
  EXPECT_EQ(json["exit_code"], 1);
  EXPECT_EQ(json["conclusion"]["check"], "tls.host_name");
  EXPECT_EQ(json["summary"]["skipped"], 2);
  const Json& finding = json["findings"].back();
  for (const char* field :
       {"check", "stage", "verdict", "subject", "evidence", "cause", "remedy"}) {
    EXPECT_TRUE(finding.contains(field)) << field;
  }
  EXPECT_EQ(finding["stage"], "chain");
  EXPECT_EQ(finding["verdict"], "fail");
  EXPECT_EQ(json["chains"][0]["certificates"][1]["from"], "sent by the server");
}

TEST(Report, ExitCodes) {
  Report report;
  EXPECT_EQ(report.exit_code(), 1);
  report.bad_configuration = true;
  EXPECT_EQ(report.exit_code(), 2);
  report.connected = true;
  EXPECT_EQ(report.exit_code(), 0);
}

TEST(Report, FaultsOfTheConfigurationAreReportedAllAtOnce) {
  Evidence evidence;
  evidence.configuration = "kong.conf";
  evidence.faults = {{"kong.conf", 3, "pg_ssl", "unknown word 'yes'"},
                     {"kong.conf", 4, "pg_prot", "unknown key"}};
  Report report = make_report(evidence);
  EXPECT_EQ(report.exit_code(), 2);
  EXPECT_EQ(report.count(Verdict::fail), 2U);
  EXPECT_EQ(report.reason_check, "conf.read");
  std::string text = render_text(report, TextStyle{});
  EXPECT_TRUE(text.contains("edit line 3 of kong.conf"));
  EXPECT_TRUE(text.contains("unknown key"));
}

TEST(Report, WhatDoesNotStopAnOpenLinkIsAWarning) {
  Evidence evidence;
  evidence.settings.emplace().hosts = {"gone.test", "db.test"};
  for (const std::string& name : evidence.settings->hosts) {
    evidence.hosts.emplace_back().host = name;
  }
  evidence.hosts[0].resolve_error = "no such name";
  evidence.hosts[1].addresses = {"192.0.2.1"};
  evidence.outcome.attempted = evidence.outcome.connected = true;
  evidence.outcome.state.host = "db.test";
  Report report = make_report(evidence);
  EXPECT_EQ(report.exit_code(), 0);
  EXPECT_EQ(report.count(Verdict::fail), 0U);
  EXPECT_TRUE(render_text(report, TextStyle{}).contains("WARN name.resolve  gone.test"));
}

TEST(Report, ThePasswordIsNowhere) {
  Evidence evidence;
  auto& settings = evidence.settings.emplace();
  settings.hosts = {"db.test"};
  settings.user = "kong";
  settings.password = Secret("do-not-print-me");
  evidence.hosts.emplace_back().host = "db.test";
  evidence.outcome.attempted = true;
  evidence.outcome.error = {"link.authentication", Side::database, Retry::never,
                            "FATAL:  password authentication failed for user \"kong\"", ""};
  Report report = make_report(evidence);
  EXPECT_FALSE(render_text(report, TextStyle{}).contains("do-not-print-me"));
  EXPECT_FALSE(to_text(render_json(report)).contains("do-not-print-me"));
}

TEST(Explain, PrintsAPage) {
  std::string page = explain(*find_check("tls.host_name"), TextStyle{});
  EXPECT_TRUE(page.starts_with("tls.host_name"));
  for (const Check& check : checks()) {
    EXPECT_TRUE(explain_list(TextStyle{}).contains(check.id)) << check.id;
  }
}

}  // namespace
}  // namespace sallyport::doctor
