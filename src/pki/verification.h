// Verifying a chain as OpenSSL, libpq and PostgreSQL do, and saying in plain words why it fails.
// Touches no file; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "pki/certificate.h"
#include "pki/revocation.h"

namespace sallyport::pki {

enum class Purpose : uint8_t { any, server, client };

struct VerificationRequest {
  std::vector<Certificate> presented;  // leaf first, then what the peer sends with it
  std::vector<Certificate> trusted;    // self-signed ones are anchors, others only complete chains
  std::vector<Certificate> untrusted;  // further intermediates
  std::vector<RevocationList> crls;
  bool check_crl = false;  // every CA of the chain needs a current CRL
  Purpose purpose = Purpose::any;
  std::string host;     // DNS name or IP address; "": not checked
  int max_depth = -1;   // intermediates allowed, as lua_ssl_verify_depth counts; -1: any number
  bool strict = false;  // also what -x509_strict demands
  int64_t at = 0;       // seconds since 1970; 0: now
};

struct Verification {
  bool valid = false;
  int error = 0;                   // X509_V_ERR_*, 0 when valid
  int depth = 0;                   // of the faulty certificate: 0 is the leaf
  std::string subject;             // of the faulty certificate
  std::string openssl;             // OpenSSL's words for the error
  std::string cause;               // in plain words, with the names involved
  std::string remedy;              // what to do
  std::vector<Certificate> chain;  // leaf first, as far as it could be built
};

// A failure to verify is a result, not an error. Errors: "pki.verify" when OpenSSL itself fails.
Result<Verification> verify(const VerificationRequest& request);

// The chain of `leaf` as far as `pool` holds it, leaf first, root last; signatures are checked,
// dates and purposes are not.
std::vector<Certificate> build_chain(const Certificate& leaf, const std::vector<Certificate>& pool);

// Whether libpq would accept the certificate for a server that is called `host`: subjectAltName, or
// the CN when that has no name of the host's kind (DNS, IP); a wildcard covers one label.
bool matches_host(const CertificateInfo& info, std::string_view host);

struct Explanation {
  std::string cause;
  std::string remedy;
};

// Plain words for an X509_V_ERR_*.
Explanation explain_verify_error(int error);

}  // namespace sallyport::pki
