#include "postgres/verify_refusal.h"

#include <fmt/format.h>

#include "postgres/certificate_facts.h"
#include "postgres/openssl_handles.h"

namespace sallyport::postgres {
namespace {

// A code and what to do; `remedy` may name {issuer}, {subject}, {crl}.
struct Advice {
  std::string_view code;
  std::string remedy;
};

Advice trust_advice(const VerifyFault& fault, const CertificateFacts& culprit) {
  if (fault.namesake_trusted || fault.error == X509_V_ERR_CERT_SIGNATURE_FAILURE) {
    return {"link.untrusted",
            fmt::format("A CA of the name \"{}\" is trusted, but another one signed: put the right "
                        "one into lua_ssl_trusted_certificate",
                        culprit.issuer)};
  }
  switch (fault.error) {
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return {
          "link.untrusted",
          "The server's certificate is signed by itself: put it into lua_ssl_trusted_certificate "
          "if it is the right one"};
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      return {
          "link.untrusted",
          fmt::format("Put the CA \"{}\" into lua_ssl_trusted_certificate if it is the right one",
                      culprit.subject)};
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return {
          "link.untrusted",
          fmt::format("A CA of the name \"{}\" is trusted, but another one signed: put the right "
                      "one into lua_ssl_trusted_certificate",
                      culprit.issuer)};
    default:
      return {
          "link.untrusted",
          fmt::format("Put the CA \"{}\" into lua_ssl_trusted_certificate; if that is an "
                      "intermediate, append it to the server's certificate file (ssl_cert_file) "
                      "or add it to the list beside its root",
                      culprit.issuer)};
  }
}

Advice revocation_advice(const VerifyFault& fault, const CertificateFacts& culprit) {
  std::string crl =
      setting_name(fault.role, "pg_ssl_crl") + " / " + setting_name(fault.role, "pg_ssl_crl_dir");
  switch (fault.error) {
    case X509_V_ERR_CERT_REVOKED:
      return {"link.revoked",
              fmt::format("\"{}\" was withdrawn by \"{}\": give the server a new certificate",
                          culprit.subject, culprit.issuer)};
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
      return {"link.crl", fmt::format("Every CA of the chain needs a CRL: add that of \"{}\" to {}",
                                      culprit.issuer, crl)};
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_CRL_NOT_YET_VALID:
      return {"link.crl", fmt::format("Fetch a current CRL of \"{}\" for {}; is the clock right?",
                                      culprit.issuer, crl)};
    default:
      return {"link.crl", fmt::format("The CRL of \"{}\" in {} is not good: fetch it anew",
                                      culprit.issuer, crl)};
  }
}

Advice advice_for(const VerifyFault& fault, const CertificateFacts& culprit) {
  switch (fault.error) {
    case X509_V_ERR_CERT_CHAIN_TOO_LONG:
      if (fault.needed_depth < 0) return {"link.chain_too_long", "Raise lua_ssl_verify_depth"};
      return {"link.chain_too_long",
              fmt::format("The chain has {} intermediate CAs, lua_ssl_verify_depth allows {}: set "
                          "lua_ssl_verify_depth = {}",
                          fault.needed_depth, fault.allowed_depth, fault.needed_depth)};
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return {"link.expired", fmt::format("Renew the certificate \"{}\"", culprit.subject)};
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return {"link.not_yet_valid", "Check the clocks of both machines, or wait"};
    case X509_V_ERR_INVALID_PURPOSE:
      return {"link.purpose", fmt::format("extendedKeyUsage of \"{}\" lacks serverAuth: reissue it",
                                          culprit.subject)};
    case X509_V_ERR_INVALID_CA:
    case X509_V_ERR_PATH_LENGTH_EXCEEDED:
    case X509_V_ERR_KEYUSAGE_NO_CERTSIGN:
      return {"link.not_a_ca",
              fmt::format("\"{}\" may not sign certificates (basicConstraints CA:TRUE, keyUsage "
                          "keyCertSign): reissue it",
                          culprit.subject)};
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
    case X509_V_ERR_CA_MD_TOO_WEAK:
      return {"link.weak",
              fmt::format("Reissue \"{}\": RSA of 2048 bits or more, or ECDSA, with SHA-256",
                          culprit.subject)};
    case X509_V_ERR_CERT_REVOKED:
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_CRL_NOT_YET_VALID:
    case X509_V_ERR_CRL_SIGNATURE_FAILURE:
    case X509_V_ERR_KEYUSAGE_NO_CRL_SIGN:
    case X509_V_ERR_DIFFERENT_CRL_SCOPE:
    case X509_V_ERR_CRL_PATH_VALIDATION_ERROR:
      return revocation_advice(fault, culprit);
    default:
      return trust_advice(fault, culprit);
  }
}

}  // namespace

Error verify_refusal(const VerifyFault& fault) {
  CertificateFacts culprit = fault.culprit.value_or(CertificateFacts{});
  Advice advice = advice_for(fault, culprit);
  std::string detail = fmt::format(
      "SSL error: certificate verify failed: {} (verify error {} at depth {}: {}); the server sent "
      "{}",
      X509_verify_cert_error_string(fault.error), fault.error, fault.depth,
      fault.culprit ? brief(culprit) : "no certificate", brief(fault.sent));
  return Error{advice.code, Side::database, Retry::other_target, std::move(detail),
               std::move(advice.remedy)};
}

Error host_name_refusal(const std::string& text, const CertificateFacts& leaf, LinkRole role) {
  std::string names;
  for (const std::string& name : leaf.names) names += (names.empty() ? "" : ", ") + name;
  std::string remedy = names.empty()
                           ? std::string("Reissue the server's certificate with a subjectAltName")
                           : fmt::format(
                                 "Set {} to one of the certificate's names ({}), or reissue the "
                                 "certificate with this host in its subjectAltName",
                                 setting_name(role, "pg_host"), names);
  remedy +=
      fmt::format("; {} = off would skip this check", setting_name(role, "pg_ssl_verify_host"));
  return Error{"link.host_name", Side::database, Retry::other_target, text, std::move(remedy)};
}

}  // namespace sallyport::postgres
