#include "doctor/check.h"

#include <algorithm>
#include <utility>

#include "doctor/checks/tables.h"
#include "doctor/evidence.h"

namespace sallyport::doctor {
namespace {

std::vector<Check> join_tables() {
  std::vector<Check> all;
  for (auto table :
       {configuration_checks(), trust_file_checks(), client_file_checks(), client_key_checks(),
        revocation_file_checks(), network_checks(), tls_checks(), tls_version_checks(),
        chain_checks(), server_identity_checks(), client_certificate_checks(), session_checks(),
        database_checks(), server_checks()}) {
    all.insert(all.end(), table.begin(), table.end());
  }
  return all;
}

}  // namespace

std::string_view word(Verdict verdict) {
  constexpr std::string_view kWords[] = {"ok", "warn", "fail", "skipped"};
  return kWords[std::to_underlying(verdict)];
}

std::string_view word(Stage stage) {
  constexpr std::string_view kWords[] = {"configuration", "files",    "network",
                                         "tls",           "chain",    "client_certificate",
                                         "session",       "database", "server"};
  return kWords[std::to_underlying(stage)];
}

std::string_view title(Stage stage) {
  constexpr std::string_view kTitles[] = {
      "Configuration",      "Files",   "Network",  "TLS",   "Server certificate",
      "Client certificate", "Session", "Database", "Server"};
  return kTitles[std::to_underlying(stage)];
}

void Findings::add(Verdict verdict, std::string subject, std::string evidence, std::string cause,
                   std::string remedy) {
  any_ = true;
  out_.push_back({check_, stage_, verdict, std::move(subject), std::move(evidence),
                  std::move(cause), std::move(remedy)});
}

void Findings::ok(std::string subject, std::string evidence) {
  add(Verdict::ok, std::move(subject), std::move(evidence), {}, {});
}

void Findings::warn(std::string subject, std::string evidence, std::string cause,
                    std::string remedy) {
  add(Verdict::warn, std::move(subject), std::move(evidence), std::move(cause), std::move(remedy));
}

void Findings::fail(std::string subject, std::string evidence, std::string cause,
                    std::string remedy) {
  Verdict verdict = connected_ ? Verdict::warn : Verdict::fail;
  add(verdict, std::move(subject), std::move(evidence), std::move(cause), std::move(remedy));
}

void Findings::skip(std::string subject, std::string reason) {
  add(Verdict::skipped, std::move(subject), std::move(reason), {}, {});
}

std::span<const Check> checks() {
  static const std::vector<Check> kAll = join_tables();
  return kAll;
}

const Check* find_check(std::string_view id) {
  auto found = std::ranges::find(checks(), id, &Check::id);
  return found == checks().end() ? nullptr : &*found;
}

std::vector<Finding> examine(const Evidence& evidence) {
  std::vector<Finding> all;
  for (const Check& check : checks()) {
    Findings findings(all, check.id, check.stage, evidence.outcome.connected);
    if (!evidence.settings && check.stage != Stage::configuration) {
      findings.skip({}, "the configuration has faults");
      continue;
    }
    check.examine(evidence, findings);
  }
  return all;
}

}  // namespace sallyport::doctor
