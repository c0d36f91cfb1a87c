#include "doctor/diagnosis.h"

#include <openssl/x509_vfy.h>

#include "doctor/evidence.h"
#include "doctor/symptoms.h"

namespace sallyport::doctor {
namespace {

Diagnosis of_check(std::string_view check) {
  return {check, {}, {}};
}

// What our own verification refused, by OpenSSL's number.
std::optional<Diagnosis> by_verification(const postgres::LinkState& state) {
  switch (state.verify_error) {
    case X509_V_OK:
      return std::nullopt;
    case X509_V_ERR_CERT_CHAIN_TOO_LONG:
      return of_check("chain.depth");
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return of_check("chain.validity");
    case X509_V_ERR_INVALID_PURPOSE:
      return of_check("chain.purpose");
    case X509_V_ERR_CERT_REVOKED:
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_CRL_NOT_YET_VALID:
      return of_check("chain.revocation");
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return of_check("tls.host_name");
    default:
      return of_check("chain.trust");
  }
}

// Cut or silent: how far our own look got says where.
Diagnosis by_reach(const Evidence& e) {
  if (e.identity && !e.identity->identity_refused.empty()) return of_check("client_cert.accepted");
  const HostEvidence* host = e.decisive_host();
  if (host == nullptr || host->addresses.empty()) return of_check("name.resolve");
  const Probe* probe = host->best();
  if (probe == nullptr || probe->reach == Reach::nothing) return of_check("net.connect");
  if (probe->answer != SslAnswer::yes) return of_check("tls.answer");
  if (probe->injected) return of_check("tls.injection");
  if (probe->reach == Reach::answered) return of_check("tls.handshake");
  return of_check("link.open");
}

// What the link refuses about a key is one of four things; the file itself says which.
std::string_view check_of_key(const Evidence& e) {
  if (!e.files.key || e.files.key->file.state != FileState::good) return "file.client_key";
  if (!has_private_mode(e.files.key->file)) return "file.client_key.mode";
  if (e.files.key->encrypted) return "file.client_key.encrypted";
  return e.files.key->key ? "file.client_key.match" : "file.client_key";
}

// "conf.pg_ssl_cert" belongs to the check of that file.
std::string_view check_of_setting(const Evidence& e, std::string_view code) {
  if (code.ends_with("pg_ssl_cert")) return "file.client_cert";
  if (code.ends_with("pg_ssl_cert_key")) return check_of_key(e);
  if (code.contains("pg_ssl_crl")) return "file.crl";
  if (code.ends_with("lua_ssl_trusted_certificate")) return "file.trusted";
  return "conf.consistent";
}

}  // namespace

std::string_view decisive_words(const Error& error) {
  std::string_view detail = error.detail;
  return detail.substr(0, detail.find("; also tried: "));
}

bool is_file_fault(const Error& error) {
  return error.code.starts_with("conf.");
}

std::optional<Diagnosis> diagnose(const Evidence& e) {
  if (e.outcome.connected || !e.outcome.attempted) return std::nullopt;
  const Error& error = e.outcome.error;
  if (is_file_fault(error)) {
    return of_check(check_of_setting(e, error.code));
  }
  if (auto found = by_verification(e.outcome.state)) return found;
  if (error.code == "link.name") return of_check("name.resolve");
  if (auto found = by_words(e, decisive_words(error))) return found;
  return by_reach(e);
}

}  // namespace sallyport::doctor
