// The X.509 v3 extensions of a certificate in the making. Any thread.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "pki/certificate.h"

struct evp_md_st;  // EVP_MD

namespace sallyport::pki {

struct ExtensionPlan {
  bool authority = false;
  int path_length = 0;            // of an authority
  bool key_encipherment = false;  // RSA keys of TLS peers
  bool server_auth = false;
  bool client_auth = false;
  std::vector<std::string> names;     // normalized, for subjectAltName
  const Certificate* like = nullptr;  // its subjectAltName comes first; its key's id is kept
};

// Adds basicConstraints, keyUsage, extendedKeyUsage, subjectAltName, and both key identifiers.
// `out` has its public key already; `issuer` may be `out` itself.
Result<void> add_extensions(x509_st* out, const x509_st* issuer, const ExtensionPlan& plan);

// The digest that `key` signs with; null for Ed25519, which has its own.
const evp_md_st* signature_digest(const Key& key);

}  // namespace sallyport::pki
