// What the server says to a client certificate.
#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "doctor/checks/tables.h"
#include "doctor/checks/wording.h"
#include "doctor/diagnosis.h"
#include "doctor/evidence.h"

namespace sallyport::doctor {
namespace {

const std::vector<pki::Certificate>* own_chain(const Evidence& e) {
  if (!e.files.certificate || e.files.certificate->certificates.empty()) return nullptr;
  return &e.files.certificate->certificates;
}

template <typename Look>
void each_secured(const Evidence& e, Findings& out, Look look) {
  for (const HostEvidence& host : e.hosts) {
    const Probe* probe = host.best();
    if (probe == nullptr || probe->reach != Reach::secured) {
      out.skip(host.host, "no TLS handshake succeeded");
    } else {
      look(host.host, *probe);
    }
  }
}

void requested(const Evidence& e, Findings& out) {
  each_secured(e, out, [&](const std::string& host, const Probe& probe) {
    bool have = own_chain(e) != nullptr && e.settings->ssl;
    if (probe.certificate_requested) {
      std::string issuers = probe.acceptable_issuers.empty()
                                ? "of any CA"
                                : "of these CAs: " + join(probe.acceptable_issuers, "; ");
      return out.ok(host, fmt::format("the server asks for a certificate {}{}", issuers,
                                      have ? "" : " (none is configured)"));
    }
    if (!have) return out.ok(host, "the server does not ask for a certificate");
    out.warn(host, "the server does not ask for a certificate",
             "the configured client certificate is never shown: PostgreSQL asks only when "
             "ssl_ca_file is set, and a line with cert or clientcert then refuses everybody",
             "set ssl_ca_file in postgresql.conf to the CA of the client certificates, and select "
             "pg_reload_conf()");
  });
}

void issuer(const Evidence& e, Findings& out) {
  const auto* chain = own_chain(e);
  if (chain == nullptr) return out.skip({}, "no client certificate is in use");
  each_secured(e, out, [&](const std::string& host, const Probe& probe) {
    const auto& named = probe.acceptable_issuers;
    if (named.empty()) return out.skip(host, "the server names no CAs");
    for (const pki::Certificate& certificate : *chain) {
      if (std::ranges::find(named, certificate.info().issuer) == named.end()) continue;
      return out.ok(host, fmt::format("\"{}\" is among the CAs that the server names",
                                      certificate.info().issuer));
    }
    const pki::CertificateInfo& leaf = chain->front().info();
    out.fail(host,
             fmt::format("issued by \"{}\"; the server names {}", leaf.issuer, join(named, "; ")),
             "the client certificate comes from another CA than the server accepts, or an "
             "intermediate between the two is missing in the file",
             fmt::format("append the intermediate to {}, or add the issuer to the server's "
                         "ssl_ca_file",
                         e.files.certificate->file.path));
  });
}

struct Refusal {
  std::string_view alert;
  std::string_view cause;
  std::string_view remedy;
};

constexpr Refusal kRefusals[] = {
    {"unknown ca",
     "the server cannot lead the client certificate to a CA that it trusts: ssl_ca_file lacks the "
     "issuer, or an intermediate is neither sent nor known there, or the server has a CRL for some "
     "of the CAs only",
     "add the issuer's certificate to ssl_ca_file on the server, or append the intermediate to the "
     "client certificate's file; every CA of the chain needs a CRL once the server has one"},
    {"certificate expired",
     "the client certificate has expired, or a CRL of the server is outdated (which refuses "
     "everybody)",
     "renew the client certificate (sallyport pki renew client), or the CRL on the server"},
    {"certificate revoked", "the CA has revoked the client certificate",
     "issue a new certificate with a new key (sallyport pki issue client)"},
    {"unsupported certificate", "the client certificate is not made for TLS clients",
     "reissue it with extendedKeyUsage = clientAuth (sallyport pki issue client)"},
    {"bad certificate",
     "the client certificate is not yet valid by the server's clock, or its key or digest is too "
     "weak",
     "compare the clocks (timedatectl); else reissue it with RSA 2048 or more, or ECDSA, and "
     "SHA-256"},
};

// Where the certificate itself contradicts the alert, the server's CRLs are what is left.
std::optional<Refusal> crl_refusal(const Evidence& e, const std::string& alert) {
  const pki::CertificateInfo& leaf = own_chain(e)->front().info();
  if (alert.contains("certificate expired") && leaf.not_after > e.now) {
    return Refusal{"",
                   "the client certificate has not expired: it is a CRL of the server that is "
                   "outdated, which refuses everybody",
                   "on the server: fetch the CA's new CRL, or make one (sallyport pki crl), for "
                   "ssl_crl_file or ssl_crl_dir, and select pg_reload_conf()"};
  }
  const HostEvidence* host = e.decisive_host();
  const Probe* probe = host != nullptr ? host->best() : nullptr;
  if (!alert.contains("unknown ca") || probe == nullptr) return std::nullopt;
  const std::string& top = own_chain(e)->back().info().issuer;
  if (std::ranges::find(probe->acceptable_issuers, top) == probe->acceptable_issuers.end()) {
    return std::nullopt;
  }
  return Refusal{"",
                 "the server names the CA of the client certificate, so most likely it checks "
                 "revocation and finds no CRL for one of the CAs: with ssl_crl_file or ssl_crl_dir "
                 "every CA of the chain needs one (in a directory under its hashed name); or it "
                 "knows another CA of the same name",
                 "on the server: put the CRLs of all CAs into ssl_crl_file, or run openssl rehash "
                 "on ssl_crl_dir, and select pg_reload_conf()"};
}

void accepted(const Evidence& e, Findings& out) {
  if (own_chain(e) == nullptr || !e.settings->ssl) {
    return out.skip({}, "no client certificate is in use");
  }
  if (e.outcome.connected) {
    const std::string* seen = e.server.find("ssl.client_dn");
    if (seen != nullptr && !seen->empty()) return out.ok({}, "the server took it as " + *seen);
    return out.ok({}, "connected; the server does not say that it has seen the certificate");
  }
  std::string alert = e.identity ? e.identity->identity_refused : "";
  auto diagnosis = diagnose(e);
  bool ours = diagnosis && diagnosis->check == out.check();
  if (alert.empty() && ours) alert = e.outcome.error.detail;
  if (alert.empty()) {
    if (e.identity) return out.ok({}, "shown in a handshake of its own, and taken");
    return out.skip({}, "could not be shown: the link failed before");
  }
  std::string seen = "refused: " + alert;
  if (!e.outcome.error.detail.contains("alert")) {
    seen += "; the session only says \"" + e.outcome.error.detail +
            "\": in TLS 1.3 the refusal comes after the client is done, and may get lost";
  }
  if (auto crl = crl_refusal(e, alert)) {
    return out.fail({}, seen, std::string(crl->cause), std::string(crl->remedy));
  }
  for (const Refusal& refusal : kRefusals) {
    if (!alert.contains(refusal.alert)) continue;
    return out.fail({}, seen, std::string(refusal.cause), std::string(refusal.remedy));
  }
  out.fail({}, seen, "the server refuses the client certificate",
           "read the server's log; PostgreSQL 16 and later name certificate and reason there");
}

constexpr Check kChecks[] = {
    {"client_cert.requested", Stage::client_certificate, "The server asks for a client certificate",
     "PostgreSQL asks every client for a certificate as soon as ssl_ca_file is set, and names the "
     "CAs in it. Whether one is needed is said by pg_hba.conf: cert, clientcert=verify-ca, "
     "clientcert=verify-full. A certificate that is shown must be good even where none is needed.",
     requested},
    {"client_cert.issuer", Stage::client_certificate, "The client certificate is from a named CA",
     "The issuer of the client certificate, or of an intermediate in the same file, should be "
     "among the CAs that the server names. If it is not, the server can complete the chain only "
     "by chance, and most often refuses with \"unknown ca\".",
     issuer},
    {"client_cert.accepted", Stage::client_certificate, "The server accepts the client certificate",
     "After a failure the certificate is shown once more in a handshake of its own, on which no "
     "startup packet follows. In TLS 1.3 the server's refusal comes after the client has finished; "
     "a session that is already sending loses it and only reads \"server closed the connection "
     "unexpectedly\", while this handshake waits for it. The alert says what is wrong: unknown ca, "
     "certificate expired, certificate revoked, unsupported certificate, bad certificate.",
     accepted},
};

}  // namespace

std::span<const Check> client_certificate_checks() {
  return kChecks;
}

}  // namespace sallyport::doctor
