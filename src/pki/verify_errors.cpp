// Plain words for OpenSSL's verification errors.
#include <openssl/x509_vfy.h>

#include "pki/verification.h"

namespace sallyport::pki {
namespace {

struct Entry {
  int error;
  const char* cause;
  const char* remedy;
};

constexpr Entry kEntries[] = {
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, "the authority that signed it is not at hand",
     "Put the root certificate into the trust file"},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
     "the authority that signed it is neither trusted nor sent along",
     "Append the intermediate certificate to the leaf's file, or put the issuer into the trust "
     "file"},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,
     "it came alone and nothing in the trust file signed it",
     "Put its issuer's certificate into the trust file"},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, "it is self-signed and not in the trust file",
     "Put this very certificate into the trust file; after a renewal, the new one"},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, "the chain ends in a root that is not trusted",
     "Put that root into the trust file, if it is the right one"},
    {X509_V_ERR_CERT_SIGNATURE_FAILURE,
     "its signature is not its issuer's: there are two authorities of the same name, or the file "
     "was altered",
     "Compare the fingerprints of the authority on both sides (sallyport pki show)"},
    {X509_V_ERR_CRL_SIGNATURE_FAILURE,
     "the signature of the revocation list is not the authority's",
     "Make the list anew with this authority's key (sallyport pki crl)"},
    {X509_V_ERR_CERT_NOT_YET_VALID, "it is not valid yet",
     "Set the clock of this machine, or of the one that made the certificate"},
    {X509_V_ERR_CERT_HAS_EXPIRED, "it has expired", "Renew it (sallyport pki renew)"},
    {X509_V_ERR_CRL_NOT_YET_VALID, "its authority's revocation list is not valid yet",
     "Set the clock of this machine, or of the one that made the list"},
    {X509_V_ERR_CRL_HAS_EXPIRED,
     "its authority's revocation list is out of date; until there is a new one, every certificate "
     "of that authority is refused",
     "Make a new list (sallyport pki crl)"},
    {X509_V_ERR_UNABLE_TO_GET_CRL,
     "there is no revocation list of the authority that signed it; every authority of the chain "
     "needs one",
     "Make the lists of all authorities (sallyport pki crl), and give all of them"},
    {X509_V_ERR_CERT_REVOKED, "it has been revoked",
     "Issue a new one with a new key (sallyport pki renew --new-key)"},
    {X509_V_ERR_CERT_CHAIN_TOO_LONG, "the chain has more intermediate authorities than are allowed",
     "Raise the depth (lua_ssl_verify_depth)"},
    {X509_V_ERR_INVALID_CA,
     "it signed another certificate and is no authority (basicConstraints CA:FALSE)",
     "Issue from a real authority (sallyport pki init)"},
    {X509_V_ERR_INVALID_NON_CA, "it is an authority where a plain certificate is demanded",
     "Renew it (sallyport pki renew)"},
    {X509_V_ERR_PATH_LENGTH_EXCEEDED,
     "the chain is longer than one of its authorities allows (path length)",
     "Issue from an authority higher up, or make one with a greater path length"},
    {X509_V_ERR_INVALID_PURPOSE, "it is not for this use (extendedKeyUsage)",
     "Issue it as what it is used for: sallyport pki issue server, or client"},
    {X509_V_ERR_CERT_UNTRUSTED, "it is marked as not trusted for this use", ""},
    {X509_V_ERR_CERT_REJECTED, "it is marked as rejected for this use", ""},
    {X509_V_ERR_KEYUSAGE_NO_CERTSIGN,
     "it signed another certificate and may not (keyUsage lacks keyCertSign)",
     "Renew the authority (sallyport pki renew)"},
    {X509_V_ERR_KEYUSAGE_NO_CRL_SIGN,
     "it signed a revocation list and may not (keyUsage lacks cRLSign)",
     "Renew the authority (sallyport pki renew)"},
    {X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION,
     "it has a critical extension that OpenSSL does not know", ""},
    {X509_V_ERR_HOSTNAME_MISMATCH, "the host name is none of the certificate's names",
     "Use one of its names, or renew it with this one (--server-name)"},
    {X509_V_ERR_IP_ADDRESS_MISMATCH, "the IP address is none of the certificate's names",
     "Use one of its names, or renew it with this one (--server-name)"},
    {X509_V_ERR_EE_KEY_TOO_SMALL, "its key is too weak (OpenSSL refuses RSA below 2048 bits)",
     "Renew it with a new key (sallyport pki renew --new-key)"},
    {X509_V_ERR_CA_KEY_TOO_SMALL,
     "the key of this authority is too weak (OpenSSL refuses RSA below 2048 bits)",
     "Make a new hierarchy (sallyport pki init)"},
    {X509_V_ERR_CA_MD_TOO_WEAK, "it is signed with a digest that is broken (MD5, SHA-1)",
     "Renew it (sallyport pki renew)"},
    {X509_V_ERR_CA_CERT_MISSING_KEY_USAGE,
     "this authority does not say that it may sign (no keyUsage); strict verifiers refuse it",
     "Renew the authority (sallyport pki renew)"},
    {X509_V_ERR_MISSING_AUTHORITY_KEY_IDENTIFIER,
     "it does not say which key signed it (no authorityKeyIdentifier); strict verifiers refuse it",
     "Renew it (sallyport pki renew)"},
    {X509_V_ERR_MISSING_SUBJECT_KEY_IDENTIFIER,
     "it does not name its key (no subjectKeyIdentifier); strict verifiers refuse it",
     "Renew it (sallyport pki renew)"},
    {X509_V_ERR_CA_BCONS_NOT_CRITICAL,
     "its basicConstraints are not marked critical; strict verifiers refuse it",
     "Renew the authority (sallyport pki renew)"},
    {X509_V_ERR_EXTENSIONS_REQUIRE_VERSION_3,
     "it has extensions and is not of version 3; strict verifiers refuse it",
     "Renew it (sallyport pki renew)"},
};

}  // namespace

Explanation explain_verify_error(int error) {
  for (const Entry& entry : kEntries) {
    if (entry.error == error) return {entry.cause, entry.remedy};
  }
  return {X509_verify_cert_error_string(error), {}};
}

}  // namespace sallyport::pki
