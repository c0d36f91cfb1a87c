// The certificates that the server sends: their chain, dates, purpose and form.
#include <algorithm>

#include <fmt/format.h>
#include <openssl/x509_vfy.h>

#include "doctor/checks/tables.h"
#include "doctor/checks/wording.h"
#include "doctor/evidence.h"
#include "pki/findings.h"

namespace sallyport::doctor {
namespace {

using Look = void (*)(const Evidence&, const HostEvidence&, const ChainJudgement&, Findings&);

template <Look look>
void each_chain(const Evidence& e, Findings& out) {
  for (const HostEvidence& host : e.hosts) {
    if (host.chain) {
      look(e, host, *host.chain, out);
    } else {
      out.skip(host.host, "the server showed no certificate");
    }
  }
}

// A fault where the certificate is verified; a warning where it is not.
void fault(const Evidence& e, const std::string& subject, std::string seen, std::string cause,
           std::string remedy, Findings& out) {
  if (e.settings->ssl && e.settings->verify) {
    out.fail(subject, std::move(seen), std::move(cause), std::move(remedy));
  } else {
    out.warn(subject, std::move(seen), cause + " (the link does not verify, so nobody notices)",
             std::move(remedy));
  }
}

void sent(const Evidence&, const HostEvidence& host, const ChainJudgement& chain, Findings& out) {
  std::vector<std::string> names;
  for (const pki::Certificate& certificate : chain.sent) names.push_back(label(certificate.info()));
  std::string seen = join(names, " <- ");
  for (size_t i = 0; i + 1 < chain.sent.size(); ++i) {
    if (chain.sent[i].issued_by(chain.sent[i + 1])) continue;
    return out.warn(host.host, seen + ": not in order",
                    "each certificate should be followed by its issuer; OpenSSL sorts them, other "
                    "software refuses",
                    "put server.crt in order on the server: leaf, intermediates");
  }
  for (const pki::Certificate& certificate : chain.chain) {
    if (certificate.info().self_signed || chain.was_sent(certificate)) continue;
    return out.warn(
        host.host,
        fmt::format("{}; the intermediate {} is not sent", seen, label(certificate.info())),
        "it is found only because it stands in lua_ssl_trusted_certificate; a client "
        "that trusts the root alone refuses this server",
        "append the intermediate to server.crt on the server, and reload");
  }
  out.ok(host.host, seen);
}

// The remedy that fits the error, with the names that are involved.
std::string trust_remedy(const ChainJudgement& chain) {
  const pki::CertificateInfo& last = chain.chain.back().info();
  switch (chain.trust.error) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return fmt::format(
          "if \"{}\" is an intermediate CA, append its certificate to server.crt on "
          "the server; if it is the root, add it to lua_ssl_trusted_certificate",
          last.issuer);
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return "add the server's certificate itself to lua_ssl_trusted_certificate";
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      return fmt::format("if you trust \"{}\", add its certificate to lua_ssl_trusted_certificate",
                         last.subject);
    default:
      return chain.trust.remedy;
  }
}

void trust(const Evidence& e, const HostEvidence& host, const ChainJudgement& chain,
           Findings& out) {
  if (chain.trust.valid) {
    return out.ok(host.host, fmt::format("verified up to {}", label(chain.chain.back().info())));
  }
  fault(e, host.host,
        fmt::format("certificate verify failed: {} (result {}) at depth {}, \"{}\"",
                    chain.trust.openssl, chain.trust.error, chain.trust.depth, chain.trust.subject),
        chain.trust.cause, trust_remedy(chain), out);
}

void validity(const Evidence& e, const HostEvidence& host, const ChainJudgement& chain,
              Findings& out) {
  for (const pki::Certificate& certificate : chain.chain) {
    const pki::CertificateInfo& info = certificate.info();
    std::string subject =
        e.hosts.size() > 1 ? fmt::format("{}: {}", host.host, label(info)) : label(info);
    std::string seen = validity_of(info, e.now);
    if (info.not_after < e.now) {
      fault(e, subject, seen, "certificate has expired",
            "renew it on the server (sallyport pki renew) and reload PostgreSQL", out);
    } else if (info.not_before > e.now) {
      fault(
          e, subject, seen,
          fmt::format("certificate is not yet valid, or this clock, at {}, is behind", date(e.now)),
          "compare the clocks (timedatectl); else reissue the certificate", out);
    } else if (info.days_left(e.now) < pki::kExpiryWarningDays) {
      out.warn(subject, seen, "when it expires, the link stops",
               "renew it on the server (sallyport pki renew) and reload PostgreSQL");
    } else {
      out.ok(subject, seen);
    }
  }
}

void depth(const Evidence& e, const HostEvidence& host, const ChainJudgement& chain,
           Findings& out) {
  int allowed = e.settings->verify_depth;
  if (!chain.trust.valid && chain.depth_needed <= allowed) {
    return out.skip(host.host, "the chain could not be verified");
  }
  std::string seen =
      fmt::format("{} between leaf and root, lua_ssl_verify_depth = {}",
                  counted(static_cast<size_t>(chain.depth_needed), "intermediate"), allowed);
  if (chain.depth_needed <= allowed) return out.ok(host.host, seen);
  fault(
      e, host.host, seen + " (certificate chain too long)",
      "lua_ssl_verify_depth counts the intermediate CAs; neither the server's certificate nor the "
      "root counts",
      fmt::format("set lua_ssl_verify_depth = {}", chain.depth_needed), out);
}

void purpose(const Evidence& e, const HostEvidence& host, const ChainJudgement& chain,
             Findings& out) {
  const pki::CertificateInfo& info = chain.leaf().info();
  if (info.server_auth) return out.ok(host.host, info.purpose());
  fault(e, host.host, "extendedKeyUsage: " + join(info.extended_key_usage),
        "the certificate is not made for servers (unsupported certificate purpose)",
        "reissue it with extendedKeyUsage = serverAuth (sallyport pki issue server)", out);
}

void form(const Evidence& e, const HostEvidence& host, const ChainJudgement& chain, Findings& out) {
  for (const pki::Certificate& certificate : chain.chain) {
    bool is_leaf = &certificate == &chain.chain.front();
    report_form(certificate.info(), is_leaf ? pki::Purpose::server : pki::Purpose::any, e.now, out);
  }
  if (!out.any()) out.ok(host.host, "the chain has the form that strict software asks for");
}

constexpr Check kChecks[] = {
    {"chain.sent", Stage::chain, "The server sends its chain, in order",
     "server.crt on the server should hold the server's certificate first and then every "
     "intermediate up to, but not necessarily including, the root. A missing intermediate can be "
     "made up for by the client's trust list, which works until another client comes along.",
     each_chain<sent>},
    {"chain.trust", Stage::chain, "The chain ends in a trusted root",
     "The chain is built and checked by OpenSSL from what the server sent and what "
     "lua_ssl_trusted_certificate holds, without any limit of depth, CRL or host name: these have "
     "checks of their own. libpq says \"certificate verify failed\" to every fault of a chain; "
     "here are the reason, the depth and the certificate that it is about. Frequent ones: 18 "
     "self-signed certificate, 19 self-signed certificate in certificate chain, 20 unable to get "
     "local issuer certificate, 2 unable to get issuer certificate, 7 certificate signature "
     "failure, 10 certificate has expired, 26 unsupported certificate purpose, 66-68 key or "
     "digest too weak.",
     each_chain<trust>},
    {"chain.validity", Stage::chain, "Every certificate of the chain is valid",
     "The dates of every certificate from the server's to the root, with the days that are left. "
     "Warned of 30 days ahead.",
     each_chain<validity>},
    {"chain.depth", Stage::chain, "The chain is not too long",
     "lua_ssl_verify_depth is the number of intermediate CAs that a chain may have. A certificate "
     "that the root signed, or a self-signed one, needs 0; root, intermediate, server needs 1. "
     "Intermediates count also when they come from the trust list. Old advice says \"at "
     "least 2\", for before OpenSSL 1.1 the leaf and the root counted too.",
     each_chain<depth>},
    {"chain.purpose", Stage::chain, "The certificate is made for servers",
     "A certificate with extendedKeyUsage must list serverAuth. Without the extension it may be "
     "used for anything.",
     each_chain<purpose>},
    {"chain.form", Stage::chain, "The chain has the form of today",
     "What the link accepts today and other software, or tomorrow's, refuses: X.509 version 1 "
     "(rustls refuses it), a name in the CN only (everything but libpq wants subjectAltName), CA "
     "certificates without keyUsage (Python 3.13, `openssl verify -x509_strict`), a server "
     "certificate that is a CA, SHA-1 signatures, weak keys.",
     each_chain<form>},
};

}  // namespace

std::span<const Check> chain_checks() {
  return kChecks;
}

}  // namespace sallyport::doctor
