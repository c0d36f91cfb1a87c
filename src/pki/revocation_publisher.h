// Revoking certificates of a hierarchy and publishing its CRLs: AUTHORITY.crl for each authority,
// chain.crl with all of them (ssl_crl_file, pg_ssl_crl), and the directory crl/ with the names that
// OpenSSL looks for (ssl_crl_dir, pg_ssl_crl_dir). Blocking; takes the directory lock.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "pki/hierarchy.h"
#include "pki/revocation.h"

namespace sallyport::pki {

struct PublishedList {
  std::string authority;  // "root", "intermediate"
  RevocationList list;
  bool made = true;  // false: the authority's key is elsewhere, its list is still current and kept
};

struct PublishReport {
  std::vector<PublishedList> lists;
  std::vector<std::string> made;  // file names
};

// Signs a new CRL for every authority of the chain: a verifier refuses a chain of which one list is
// missing or outdated. An authority whose key is not there keeps its list as long as it is current.
// Errors: "pki.no_authority" (a self-signed hierarchy), "pki.crl_missing", those of load_key.
Result<PublishReport> publish_revocation_lists(const Hierarchy& hierarchy, int days,
                                               const PassphraseSource& passphrase);

struct RevokeOptions {
  std::string file = {};       // a certificate, inside the directory or elsewhere; or:
  std::string serial = {};     // hexadecimal, as `pki show` and openssl print it
  std::string authority = {};  // with serial: "root" or "intermediate"; "": the lowest
  std::string reason = {};     // "": none
  int days = 30;               // until the new lists' nextUpdate
};

struct RevokeReport {
  RevokedCertificate revoked;
  std::string authority;
  bool before = false;  // it was revoked already; the lists are made anew all the same
  PublishReport published;
};

// Errors: "pki.no_authority", "pki.reason", "pki.serial", "pki.not_ours" (signed by none of the
// authorities), "pki.root" (nobody can revoke a root).
Result<RevokeReport> revoke(const Hierarchy& hierarchy, const RevokeOptions& options,
                            const PassphraseSource& passphrase);

}  // namespace sallyport::pki
