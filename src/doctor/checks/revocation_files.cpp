// The CRL files that the settings name.
#include <fmt/format.h>

#include "doctor/checks/tables.h"
#include "doctor/checks/wording.h"
#include "doctor/evidence.h"

namespace sallyport::doctor {
namespace {

constexpr const char* kNone = "no CRL is configured";

void directory(const FileFacts& facts, size_t lists, Findings& out) {
  std::string subject = fmt::format("{}: {}", facts.setting, facts.path);
  if (facts.state == FileState::directory && lists > 0) {
    out.ok(subject, counted(lists, "CRL"));
  } else if (facts.state == FileState::directory) {
    out.fail(subject, "no CRL in the directory",
             "every CA of the server's chain needs a current CRL once revocation is checked",
             "put the CRLs there, as PEM");
  } else if (facts.state == FileState::good || facts.state == FileState::special) {
    out.fail(subject, "is not a directory", facts.setting + " has to name a directory",
             "use pg_ssl_crl for a single file");
  } else {
    FileAdvice advice = advise(facts);
    out.fail(subject, describe(facts), advice.cause, advice.remedy);
  }
}

void readable(const Evidence& e, Findings& out) {
  if (!e.files.revocation_asked()) return out.skip({}, kNone);
  size_t in_directory = 0;
  for (const RevocationFile& item : e.files.lists) {
    if (e.files.revocation_directory &&
        item.file.setting == e.files.revocation_directory->setting) {
      ++in_directory;
      continue;
    }
    std::string subject = fmt::format("{}: {}", item.file.setting, item.file.path);
    if (item.file.state != FileState::good) {
      FileAdvice advice = advise(item.file);
      out.fail(subject, describe(item.file),
               advice.cause + "; libpq alone would ignore that and check no revocation",
               advice.remedy);
    } else if (item.lists.empty()) {
      out.fail(subject, item.fault, "there is no CRL in the file",
               fmt::format("set {} to a PEM file of CRLs", item.file.setting));
    } else {
      out.ok(subject, counted(item.lists.size(), "CRL"));
    }
  }
  if (e.files.revocation_directory) directory(*e.files.revocation_directory, in_directory, out);
}

void currency(const Evidence& e, Findings& out) {
  if (!e.files.revocation_asked()) return out.skip({}, kNone);
  for (const RevocationFile& item : e.files.lists) {
    for (const pki::RevocationList& list : item.lists) {
      std::string seen = fmt::format("issued {}, next due {}", date(list.last_update()),
                                     list.next_update() == 0 ? "never" : date(list.next_update()));
      std::string remedy =
          fmt::format("fetch the CA's new CRL, or make one (sallyport pki crl), and replace {}",
                      item.file.path);
      if (list.next_update() != 0 && list.next_update() < e.now) {
        out.fail(list.issuer(), seen,
                 "CRL has expired: an outdated list refuses every certificate of its CA", remedy);
      } else if (list.next_update() != 0 &&
                 list.next_update() < e.now + int64_t{pki::kExpiryWarningDays} * 86400) {
        out.warn(list.issuer(), seen,
                 fmt::format("it is outdated {}; then every certificate of its CA is refused",
                             days_from(list.next_update(), e.now)),
                 remedy);
      } else {
        out.ok(list.issuer(), seen);
      }
    }
  }
  if (!out.any()) out.skip({}, "there is no CRL to look at");
}

constexpr Check kChecks[] = {
    {"file.crl", Stage::files, "The CRLs can be read",
     "pg_ssl_crl names a PEM file with certificate revocation lists, pg_ssl_crl_dir a directory "
     "of them. libpq ignores a missing or broken CRL silently and connects; here it is a fault.",
     readable},
    {"file.crl.currency", Stage::files, "The CRLs are current",
     "A CRL says when the next one is due. Past that date OpenSSL refuses every certificate of "
     "that CA (result 12, CRL has expired). Warned of 30 days ahead; a CA that issues weekly will "
     "always be within that: then let a timer fetch it.",
     currency},
};

}  // namespace

std::span<const Check> revocation_file_checks() {
  return kChecks;
}

}  // namespace sallyport::doctor
