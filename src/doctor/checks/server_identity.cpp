// Whether the certificate is the one of the host that was asked for, and still good.
#include <fmt/format.h>
#include <openssl/x509_vfy.h>

#include "doctor/checks/tables.h"
#include "doctor/checks/wording.h"
#include "doctor/evidence.h"

namespace sallyport::doctor {
namespace {

// libpq's words, with both names.
std::string mismatch(const std::vector<std::string>& names, const std::string& host) {
  if (names.empty()) return "could not get server's host name from server certificate";
  std::string others;
  if (names.size() > 1) {
    others = fmt::format(" (and {} other name{})", names.size() - 1, names.size() == 2 ? "" : "s");
  }
  return fmt::format("server certificate for \"{}\"{} does not match host name \"{}\"",
                     names.front(), others, host);
}

void host_name(const Evidence& e, Findings& out) {
  for (const HostEvidence& host : e.hosts) {
    if (!host.chain) {
      out.skip(host.host, "the server showed no certificate");
      continue;
    }
    std::vector<std::string> names = host.chain->leaf().info().names();
    if (host.chain->name_matches) {
      out.ok(host.host, "the certificate is for " + join(names));
      continue;
    }
    std::string name = setting_name(e.settings->role, "pg_host");
    std::string seen = mismatch(names, host.host);
    if (names.size() > 1) seen += "; its names: " + join(names);
    std::string remedy =
        names.empty()
            ? fmt::format(
                  "reissue the certificate with subjectAltName = {} (sallyport pki issue "
                  "server)",
                  host.host)
            : fmt::format(
                  "set {} = {}, if that name leads to the server (dns_hostsfile can make it), "
                  "or reissue the certificate with \"{}\" in subjectAltName",
                  name, names.front(), host.host);
    std::string cause = fmt::format("{} asks for \"{}\" and the certificate was made for {}", name,
                                    host.host, names.empty() ? "nobody by name" : join(names));
    bool demanded = e.settings->ssl && e.settings->verify && e.settings->verify_host;
    if (demanded) {
      out.fail(host.host, seen, cause, remedy);
    } else {
      out.warn(host.host, seen, cause + "; the link does not compare the names", remedy);
    }
  }
}

void explain_revocation(const std::string& host, const pki::Verification& result, Findings& out) {
  std::string seen = fmt::format("{} (result {}) at depth {}, \"{}\"", result.openssl, result.error,
                                 result.depth, result.subject);
  switch (result.error) {
    case X509_V_ERR_CERT_REVOKED:
      return out.fail(host, seen, "the CA has revoked this certificate (certificate revoked)",
                      "give the server a new certificate and key");
    case X509_V_ERR_UNABLE_TO_GET_CRL:
      return out.fail(host, seen,
                      "revocation is checked for every certificate of the chain, and there is no "
                      "CRL of that one's issuer",
                      "add the CRL of every CA of the chain to pg_ssl_crl or pg_ssl_crl_dir");
    case X509_V_ERR_CRL_HAS_EXPIRED:
      return out.fail(host, seen, "the CRL is outdated",
                      "fetch the CA's new CRL, or make one (sallyport pki crl)");
    default:
      return out.fail(host, seen, result.cause, result.remedy);
  }
}

void revocation(const Evidence& e, Findings& out) {
  for (const HostEvidence& host : e.hosts) {
    if (!host.chain) {
      out.skip(host.host, "the server showed no certificate");
    } else if (!host.chain->revocation_asked) {
      out.skip(host.host, "no CRL is configured (pg_ssl_crl, pg_ssl_crl_dir)");
    } else if (!host.chain->trust.valid) {
      out.skip(host.host, "the chain could not be verified");
    } else if (host.chain->revocation.valid) {
      out.ok(host.host, "not revoked, by current CRLs of every CA of the chain");
    } else {
      explain_revocation(host.host, host.chain->revocation, out);
    }
  }
}

constexpr Check kChecks[] = {
    {"tls.host_name", Stage::chain, "The certificate is the host's",
     "The name in pg_host is compared with the names in the certificate: subjectAltName (DNS and "
     "IP), or the CN when there is none of the host's kind. A wildcard stands for one label. "
     "Kong does not compare; certificates made for Kong therefore often carry another name. Both "
     "names are in the evidence. Either call the server by a name that its certificate has, or "
     "reissue the certificate; `pg_ssl_verify_host = off` is the last resort.",
     host_name},
    {"chain.revocation", Stage::chain, "No certificate of the chain is revoked",
     "With pg_ssl_crl or pg_ssl_crl_dir every certificate of the chain is looked up in its "
     "issuer's CRL: every CA needs one, and it must be current. Without these settings nothing "
     "is checked, as in Kong.",
     revocation},
};

}  // namespace

std::span<const Check> server_identity_checks() {
  return kChecks;
}

}  // namespace sallyport::doctor
