// The files of lua_ssl_trusted_certificate: what a server's chain may end in.
#include <algorithm>

#include <fmt/format.h>

#include "doctor/checks/tables.h"
#include "doctor/checks/wording.h"
#include "doctor/evidence.h"
#include "pki/findings.h"

namespace sallyport::doctor {
namespace {

constexpr std::string_view kSetting = "lua_ssl_trusted_certificate";
// A bundle of this many is a public one: its single members are nobody's worry here.
constexpr size_t kBundle = 20;

// The files matter only when the server is verified.
bool skipped(const Evidence& e, Findings& out) {
  if (e.settings->ssl && e.settings->verify) return false;
  out.skip(std::string(kSetting), "the server's certificate is not verified, so it is not used");
  return true;
}

// What libpq and OpenSSL say of such a file, for those who search for the words.
std::string libpq_words(const CertificateFile& item) {
  const std::string& path = item.file.path;
  if (item.file.state == FileState::missing) {
    return fmt::format("root certificate file \"{}\" does not exist", path);
  }
  return fmt::format("could not read root certificate file \"{}\"", path);
}

void content_fault(const CertificateFile& item, Findings& out) {
  std::string subject = fmt::format("{}: {}", kSetting, item.file.path);
  std::string words = libpq_words(item);
  if (item.file.path == "system") {
    return out.warn(subject, "no certificate bundle of the operating system was found",
                    "`system` adds nothing to the list", "apt-get install ca-certificates");
  }
  switch (item.content) {
    case Content::pem:
      out.ok(subject, fmt::format("{}, PEM", counted(item.certificates.size(), "certificate")));
      return;
    case Content::der:
      out.fail(subject, words + ": no certificate or crl found",
               "the file is DER (binary); the trust list is read as PEM",
               fmt::format("openssl x509 -inform der -in {0} -out {0}.pem, and set {1} to it",
                           item.file.path, kSetting));
      return;
    case Content::empty:
      out.fail(subject, words + ": no certificate or crl found", "the file is empty",
               "put the CA certificate of the server into it, as PEM");
      return;
    case Content::damaged:
      out.fail(subject,
               fmt::format("{}: {}", words, item.fault.empty() ? "bad end line" : item.fault),
               "a certificate in it is cut short or damaged", "copy the CA certificate again");
      return;
    case Content::other:
      out.fail(subject, words + ": no certificate or crl found",
               "there is no certificate in the file",
               fmt::format("set {} to a PEM file", kSetting));
      return;
    case Content::none:
      break;
  }
  FileAdvice advice = advise(item.file);
  out.fail(subject, fmt::format("{}: {}", words, describe(item.file)), advice.cause, advice.remedy);
}

void readable(const Evidence& e, Findings& out) {
  if (skipped(e, out)) return;
  for (const CertificateFile& item : e.files.trusted) content_fault(item, out);
  if (e.files.trusted.empty()) {
    out.fail(std::string(kSetting), "the list is empty",
             "with nothing trusted every server is refused",
             fmt::format("set {} to the CA certificate of the server", kSetting));
  }
}

void private_key(const Evidence& e, Findings& out) {
  for (const CertificateFile& item : e.files.trusted) {
    if (!item.holds_private_key) continue;
    out.warn(item.file.path, "a PRIVATE KEY block stands in the file",
             "a list of trusted CAs is handed around and readable for many: whoever has a CA's key "
             "can make certificates that this gateway accepts",
             fmt::format("remove the key from {} and replace that CA", item.file.path));
  }
  if (!out.any()) out.ok({}, "no private key in the trusted files");
}

void anchors(const Evidence& e, Findings& out) {
  if (skipped(e, out)) return;
  auto all = e.files.trusted_certificates();
  auto roots = std::ranges::count_if(
      all, [](const pki::Certificate& certificate) { return certificate.info().self_signed; });
  if (all.empty()) return out.skip({}, "there is no certificate in the list");
  if (roots > 0) {
    return out.ok({},
                  counted(static_cast<size_t>(roots), "self-signed certificate") + " to end in");
  }
  out.fail(all.front().info().subject, "no certificate of the list is self-signed",
           "a chain has to end in a root: an intermediate or a leaf of a CA alone is no trust "
           "anchor (unable to get issuer certificate)",
           fmt::format("add the root certificate, issuer \"{}\", to {}", all.front().info().issuer,
                       kSetting));
}

void validity(const Evidence& e, Findings& out) {
  if (skipped(e, out)) return;
  for (const CertificateFile& item : e.files.trusted) {
    if (item.certificates.size() >= kBundle) continue;
    for (const pki::Certificate& certificate : item.certificates) {
      const pki::CertificateInfo& info = certificate.info();
      if (info.days_left(e.now) >= pki::kExpiryWarningDays && info.not_before <= e.now) continue;
      out.warn(label(info), validity_of(info, e.now),
               info.not_after < e.now
                   ? "an expired CA verifies nothing any more"
                   : "when this CA expires, every chain that ends in it is refused",
               fmt::format("add the CA's new certificate to {} ({})", kSetting, item.file.path));
    }
  }
  if (!out.any()) out.ok({}, "no trusted CA expires within 30 days");
}

void form(const Evidence& e, Findings& out) {
  if (skipped(e, out)) return;
  for (const CertificateFile& item : e.files.trusted) {
    if (item.certificates.size() >= kBundle) continue;
    for (const pki::Certificate& certificate : item.certificates) {
      report_form(certificate.info(), pki::Purpose::any, e.now, out);
    }
  }
  if (!out.any())
    out.ok({}, "the trusted certificates have the form that strict software asks for");
}

constexpr Check kChecks[] = {
    {"file.trusted", Stage::files, "The trusted CA files can be read",
     "Every item of lua_ssl_trusted_certificate: `system`, the path of a PEM file, or PEM text "
     "(also base64 of it). A missing, empty, damaged or binary (DER) file is a fault here and at "
     "start: a shorter trust list than written would be a surprise either way. `system` is the "
     "distribution's own bundle, the first that exists of the usual places.",
     readable},
    {"file.trusted.private_key", Stage::files, "No private key among the trusted CAs",
     "It happens that a key is pasted into the bundle of CA certificates together with its "
     "certificate. The link works with it, and the key lies where it must not.",
     private_key},
    {"file.trusted.anchors", Stage::files, "The trust list holds a root",
     "A chain is built from the server's certificate through intermediates up to a self-signed "
     "root that stands in lua_ssl_trusted_certificate. Partial chains are not accepted: trusting "
     "only the intermediate, or only a leaf that a CA has signed, does not work (OpenSSL results "
     "2 and 20). A self-signed server certificate is its own root.",
     anchors},
    {"file.trusted.validity", Stage::files, "The trusted CAs are valid",
     "Expired CAs, and those that expire within 30 days. A CA is replaced in this order: add the "
     "new one beside the old one everywhere, replace the certificates, remove the old one. Large "
     "bundles such as `system` are not listed one by one; the chain in use always is.",
     validity},
    {"file.trusted.form", Stage::files, "The trusted CAs have the form of today",
     "What OpenSSL accepts in its normal mode and other software refuses: CA certificates without "
     "keyUsage (Python 3.13 and `openssl verify -x509_strict` refuse them), X.509 version 1, SHA-1 "
     "signatures, keys below 2048 bits of RSA. `sallyport pki` makes certificates without these.",
     form},
};

}  // namespace

std::span<const Check> trust_file_checks() {
  return kChecks;
}

}  // namespace sallyport::doctor
