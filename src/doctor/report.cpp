#include "doctor/report.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/json.h"
#include "doctor/checks/wording.h"
#include "doctor/diagnosis.h"
#include "doctor/evidence.h"

namespace sallyport::doctor {
namespace {

ChainPicture picture_of(const HostEvidence& host, int64_t now) {
  ChainPicture picture{host.host, {}};
  const ChainJudgement& chain = *host.chain;
  for (auto at = chain.chain.rbegin(); at != chain.chain.rend(); ++at) {
    const pki::CertificateInfo& info = at->info();
    Verdict verdict = info.not_after < now || info.not_before > now ? Verdict::fail
                      : info.days_left(now) < 30                    ? Verdict::warn
                                                                    : Verdict::ok;
    picture.lines.push_back({label(info), fmt::format("{}, {}", info.key, validity_of(info, now)),
                             chain.was_sent(*at) ? "sent by the server" : "from the trust list",
                             verdict});
  }
  const pki::CertificateInfo& top = chain.chain.back().info();
  if (!top.self_signed) {
    picture.lines.insert(picture.lines.begin(),
                         {label_of_name(top.issuer), "not sent, and not in the trust list",
                          "missing", Verdict::fail});
  }
  return picture;
}

// The finding that explains a failure best: the one of the diagnosed check, else the first failure
// of the walk that is not the summary itself.
const Finding* decisive(const std::vector<Finding>& findings, std::string_view check) {
  auto of_check = std::ranges::find_if(findings, [&](const Finding& finding) {
    return finding.verdict == Verdict::fail && finding.check == check;
  });
  if (of_check != findings.end()) return &*of_check;
  auto first = std::ranges::find_if(findings, [](const Finding& finding) {
    return finding.verdict == Verdict::fail && finding.check != "link.open";
  });
  if (first != findings.end()) return &*first;
  auto any = std::ranges::find(findings, Verdict::fail, &Finding::verdict);
  return any == findings.end() ? nullptr : &*any;
}

void conclude(const Evidence& evidence, Report& report) {
  if (report.connected) return;
  auto diagnosis = diagnose(evidence);
  if (diagnosis && !diagnosis->cause.empty()) {
    report.reason_check = diagnosis->check;
    report.reason = diagnosis->cause;
    report.remedy = diagnosis->remedy;
    return;
  }
  const Finding* finding = decisive(report.findings, diagnosis ? diagnosis->check : "");
  if (finding == nullptr) return;
  report.reason_check = finding->check;
  report.reason = finding->cause.empty() ? finding->evidence : finding->cause;
  report.remedy = finding->remedy;
}

bool is_bad_configuration(const Evidence& evidence) {
  if (!evidence.faults.empty() || evidence.contradiction) return true;
  return !evidence.outcome.connected && is_file_fault(evidence.outcome.error);
}

Json to_json(const Finding& finding) {
  return {{"check", finding.check},           {"stage", word(finding.stage)},
          {"verdict", word(finding.verdict)}, {"subject", finding.subject},
          {"evidence", finding.evidence},     {"cause", finding.cause},
          {"remedy", finding.remedy}};
}

Json to_json(const ChainPicture& picture) {
  Json lines = Json::array();
  for (const PictureLine& line : picture.lines) {
    lines.push_back({{"name", line.name},
                     {"detail", line.detail},
                     {"from", line.from},
                     {"verdict", word(line.verdict)}});
  }
  return {{"host", picture.host}, {"certificates", std::move(lines)}};
}

}  // namespace

int Report::exit_code() const {
  if (connected) return 0;
  return bad_configuration ? 2 : 1;
}

size_t Report::count(Verdict verdict) const {
  return static_cast<size_t>(std::ranges::count(findings, verdict, &Finding::verdict));
}

Report make_report(const Evidence& evidence) {
  Report report;
  report.configuration = evidence.configuration;
  report.connected = evidence.outcome.connected;
  report.encrypted = report.connected && evidence.outcome.state.tls;
  report.bad_configuration = is_bad_configuration(evidence);
  if (evidence.settings) {
    const auto& s = *evidence.settings;
    report.link = fmt::format("{}@{}:{}/{}", s.user, join(s.hosts, ","), s.port, s.database);
  }
  report.findings = examine(evidence);
  for (const HostEvidence& host : evidence.hosts) {
    if (host.chain) report.chains.push_back(picture_of(host, evidence.now));
  }
  conclude(evidence, report);
  return report;
}

Json render_json(const Report& report) {
  Json findings = Json::array();
  for (const Finding& finding : report.findings) findings.push_back(to_json(finding));
  Json chains = Json::array();
  for (const ChainPicture& picture : report.chains) chains.push_back(to_json(picture));
  Json conclusion = nullptr;
  if (!report.connected) {
    conclusion = {
        {"check", report.reason_check}, {"cause", report.reason}, {"remedy", report.remedy}};
  }
  return {{"version", 1},
          {"configuration", report.configuration},
          {"link", report.link},
          {"connected", report.connected},
          {"encrypted", report.encrypted},
          {"exit_code", report.exit_code()},
          {"conclusion", std::move(conclusion)},
          {"summary",
           {{"ok", report.count(Verdict::ok)},
            {"warn", report.count(Verdict::warn)},
            {"fail", report.count(Verdict::fail)},
            {"skipped", report.count(Verdict::skipped)}}},
          {"findings", std::move(findings)},
          {"chains", std::move(chains)}};
}

}  // namespace sallyport::doctor
