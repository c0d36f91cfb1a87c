// Signing certificates that are right by construction: X.509 v3, names in subjectAltName, critical
// basicConstraints and keyUsage, extendedKeyUsage, key identifiers, random 128-bit serials;
// `openssl verify -x509_strict` accepts all of them. Touches no file; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "pki/certificate.h"
#include "pki/key.h"

namespace sallyport::pki {

enum class Role : uint8_t { root, intermediate, server, client };

// notBefore lies this far in the past, so that a peer whose clock is behind accepts a new one.
inline constexpr int64_t kClockSkewSeconds = 600;

struct Authority {
  Certificate certificate;
  Key key;
};

struct CertificateRequest {
  Role role = Role::server;
  bool server_auth = false;  // both false: what the role says
  bool client_auth = false;
  std::string common_name;            // at most 64 characters; unused with `like`
  std::vector<std::string> names;     // DNS names (one leading `*.` allowed) and IP addresses
  int days = 365;                     // 1 to 36500
  int path_length = 0;                // for a CA: intermediates allowed below it
  const Certificate* like = nullptr;  // take its subject and its names, and add `names`
};

// Signs a certificate for the public half of `key`; with `issuer` null it is self-signed by `key`.
// A self-signed server or client certificate is no authority, and is still its own trust anchor.
// Errors: "pki.name" (a name that cannot be), "pki.validity" (outlives its issuer, or days out of
// range), "pki.issuer" (is no authority, expired, or its key does not belong), "pki.weak_key".
Result<Certificate> issue(const CertificateRequest& request, const Key& key,
                          const Authority* issuer, int64_t now);

// A server name as it goes into a certificate: a DNS name in lower case without the last dot, or an
// IP address in its canonical form. Errors: "pki.name", saying what is wrong with it.
Result<std::string> normalize_server_name(std::string_view name);
bool is_ip_address(std::string_view name);

}  // namespace sallyport::pki
