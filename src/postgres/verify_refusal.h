// Puts into words why a server's certificate was refused: libpq's own text, which users search for,
// then OpenSSL's reason, the certificate to blame, and what to do.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "postgres/link_settings.h"
#include "postgres/link_state.h"

namespace sallyport::postgres {

struct VerifyFault {
  int error = 0;   // X509_V_ERR_*
  int depth = -1;  // 0 is the server's own certificate
  LinkRole role = LinkRole::main;
  std::optional<CertificateFacts> culprit = {};
  std::vector<CertificateFacts> sent = {};  // leaf first
  bool namesake_trusted = false;  // a CA of the missing issuer's name is trusted, with another key
  int allowed_depth = 0;          // of a chain that is too long
  int needed_depth = -1;          // -1: unknown
};

// Codes: "link.untrusted", "link.expired", "link.not_yet_valid", "link.chain_too_long",
// "link.purpose", "link.not_a_ca", "link.revoked", "link.crl", "link.weak".
Error verify_refusal(const VerifyFault& fault);

// `text` is libpq's "server certificate for … does not match host name …". Code: "link.host_name".
Error host_name_refusal(const std::string& text, const CertificateFacts& leaf, LinkRole role);

}  // namespace sallyport::postgres
