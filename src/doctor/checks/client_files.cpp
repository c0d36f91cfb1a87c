// The client certificate and its key.
#include <algorithm>

#include <fmt/format.h>

#include "doctor/checks/tables.h"
#include "doctor/checks/wording.h"
#include "doctor/evidence.h"
#include "pki/findings.h"

namespace sallyport::doctor {
namespace {

// The leaf that is shown to the server; null, with a finding, when there is none.
const pki::CertificateInfo* leaf(const Evidence& e, Findings& out) {
  if (!e.files.certificate) {
    out.skip({}, "no client certificate is in use");
  } else if (e.files.certificate->certificates.empty()) {
    out.skip(e.files.certificate->file.path, "the certificate could not be read");
  } else {
    return &e.files.certificate->certificates.front().info();
  }
  return nullptr;
}

void certificate(const Evidence& e, Findings& out) {
  if (!e.files.certificate) return out.skip({}, "no client certificate is in use");
  const CertificateFile& item = *e.files.certificate;
  std::string subject = fmt::format("{}: {}", item.file.setting, item.file.path);
  std::string words = fmt::format("could not read certificate file \"{}\"", item.file.path);
  if (item.file.state != FileState::good) {
    FileAdvice advice = advise(item.file);
    std::string cause = advice.cause;
    if (item.file.state == FileState::missing) {
      cause += "; libpq alone would ignore that and connect without a certificate";
    }
    return out.fail(subject, fmt::format("{}: {}", words, describe(item.file)), cause,
                    advice.remedy);
  }
  if (item.content == Content::pem) {
    return out.ok(subject,
                  fmt::format("{}, PEM, {}", counted(item.certificates.size(), "certificate"),
                              describe(item.file)));
  }
  bool der = item.content == Content::der;
  out.fail(subject, words + ": no start line",
           der                                ? "the file is DER (binary); it has to be PEM"
           : item.content == Content::empty   ? "the file is empty"
           : item.content == Content::damaged ? "a certificate in it is cut short or damaged"
                                              : "there is no certificate in the file",
           der ? fmt::format("openssl x509 -inform der -in {0} -out {0}.pem, and set {1} to it",
                             item.file.path, item.file.setting)
               : fmt::format("set {} to the PEM file of the client certificate, leaf first",
                             item.file.setting));
}

void validity(const Evidence& e, Findings& out) {
  const pki::CertificateInfo* info = leaf(e, out);
  if (info == nullptr) return;
  std::string renew = fmt::format(
      "renew it (sallyport pki renew client, or ask its CA) and replace "
      "{}; it is read anew for every connection",
      e.files.certificate->file.path);
  std::string seen = validity_of(*info, e.now);
  if (info->not_after < e.now) {
    out.fail(label(*info), seen,
             "the client certificate has expired (the server answers: "
             "certificate expired)",
             renew);
  } else if (info->not_before > e.now) {
    out.fail(label(*info), seen,
             fmt::format("the client certificate is not yet valid, or this clock, at {}, is behind",
                         date(e.now)),
             "compare the clocks (timedatectl); else reissue it");
  } else if (info->days_left(e.now) < pki::kExpiryWarningDays) {
    out.warn(label(*info), seen, "when it expires the server refuses the gateway", renew);
  } else {
    out.ok(label(*info), seen);
  }
}

void purpose(const Evidence& e, Findings& out) {
  const pki::CertificateInfo* info = leaf(e, out);
  if (info == nullptr) return;
  if (info->client_auth) return out.ok(label(*info), info->purpose());
  out.fail(label(*info), "extendedKeyUsage: " + join(info->extended_key_usage),
           "the certificate is not made for TLS clients: PostgreSQL refuses it (unsupported "
           "certificate)",
           "reissue it with extendedKeyUsage = clientAuth (sallyport pki issue client)");
}

void common_name(const Evidence& e, Findings& out) {
  const pki::CertificateInfo* info = leaf(e, out);
  if (info == nullptr) return;
  const std::string& user = e.settings->user;
  std::string seen = fmt::format("CN \"{}\", {} = {}", info->common_name,
                                 setting_name(e.settings->role, "pg_user"), user);
  if (info->common_name == user) return out.ok(label(*info), seen);
  if (e.outcome.connected) {
    return out.ok(label(*info), seen +
                                    "; the server took it (by a user map, or its pg_hba.conf "
                                    "line does not compare the name)");
  }
  std::string cause =
      info->common_name.empty()
          ? "the certificate has no CN: PostgreSQL finds no user name in it"
          : "PostgreSQL compares the CN with the role, case included, on lines with `cert` or "
            "`clientcert=verify-full`; only `cert` lines can map other names";
  out.warn(
      label(*info), seen, cause,
      fmt::format("issue a certificate with CN = {0}, or map it on the server: \"gw \\\"{1}\\\" "
                  "{0}\" in pg_ident.conf and map=gw on the cert line",
                  user, info->common_name));
}

void chain(const Evidence& e, Findings& out) {
  const pki::CertificateInfo* info = leaf(e, out);
  if (info == nullptr) return;
  const auto& own = e.files.certificate->certificates;
  std::vector<pki::Certificate> pool = own;
  auto trusted = e.files.trusted_certificates();
  pool.insert(pool.end(), trusted.begin(), trusted.end());
  auto built = pki::build_chain(own.front(), pool);
  const pki::CertificateInfo& top = built.back().info();
  std::string seen = counted(own.size(), "certificate") + " in the file";
  if (info->self_signed) return out.ok(label(*info), seen + ", self-signed");
  for (size_t i = 1; i < built.size(); ++i) {
    bool in_file = std::ranges::find(own, built[i]) != own.end();
    if (in_file || built[i].info().self_signed) continue;
    return out.warn(
        label(*info),
        fmt::format("{}; the intermediate {} is missing", seen, label(built[i].info())),
        "the server can complete the chain only when its ssl_ca_file holds the "
        "intermediate; it works by luck of the trust list otherwise",
        fmt::format("append the intermediate's certificate to {}", e.files.certificate->file.path));
  }
  if (top.self_signed) return out.ok(label(*info), seen + "; it leads to " + label(top));
  out.ok(label(*info), fmt::format("{}; issued by \"{}\", which has to be in the server's "
                                   "ssl_ca_file",
                                   seen, top.issuer));
}

void form(const Evidence& e, Findings& out) {
  const pki::CertificateInfo* info = leaf(e, out);
  if (info == nullptr) return;
  report_form(*info, pki::Purpose::client, e.now, out);
  if (!out.any()) out.ok(label(*info), "has the form that strict software asks for");
}

constexpr Check kChecks[] = {
    {"file.client_cert", Stage::files, "The client certificate can be read",
     "pg_ssl_cert names a PEM file: the client's certificate first, then the intermediates, if "
     "any. libpq ignores a missing file silently and connects without a certificate; here it is "
     "a fault. DER certificates are not accepted (DER keys are).",
     certificate},
    {"file.client_cert.validity", Stage::files, "The client certificate is valid",
     "An expired or not yet valid client certificate is refused by the server. Warned of 30 days "
     "ahead. The file is read anew for every connection: replacing it needs no restart.",
     validity},
    {"file.client_cert.purpose", Stage::files, "The client certificate is made for clients",
     "A certificate with extendedKeyUsage must list clientAuth; PostgreSQL refuses one that is "
     "for servers only. Without the extension it may be used for both.",
     purpose},
    {"file.client_cert.name", Stage::files, "The client certificate names the role",
     "On pg_hba.conf lines with `cert`, or with `clientcert=verify-full`, PostgreSQL compares the "
     "common name (CN) with the role, case included. `cert` lines can use map= and pg_ident.conf "
     "to allow other names; `clientcert=verify-full` on another method cannot. With a password "
     "method and a wrong CN the client only reads \"password authentication failed\", although "
     "the password is right: look at the CN first.",
     common_name},
    {"file.client_cert.chain", Stage::files, "The client certificate brings its chain",
     "PostgreSQL needs every certificate between the client's and a root in its ssl_ca_file: "
     "either the client sends the intermediates, or ssl_ca_file holds them. Sending them is the "
     "way that works with every server. OpenSSL also completes what the client sends from the "
     "client's own trust list, which hides a missing intermediate until that list changes.",
     chain},
    {"file.client_cert.form", Stage::files, "The client certificate has the form of today",
     "X.509 version 1, a leaf that is a CA (whoever holds its key can sign further client "
     "certificates that the server accepts), SHA-1, weak keys: all of these work with today's "
     "PostgreSQL or just about, and not with stricter software.",
     form},
};

}  // namespace

std::span<const Check> client_file_checks() {
  return kChecks;
}

}  // namespace sallyport::doctor
