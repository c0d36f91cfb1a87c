// A directory of CRLs as OpenSSL searches it (ssl_crl_dir, pg_ssl_crl_dir): files named for the
// hash of the issuer's name, HASH.r0, HASH.r1 ..., as `openssl rehash` names them. PostgreSQL reads
// it for each connection, so a new list needs no reload. Blocking.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "pki/revocation.h"

namespace sallyport::pki {

// Puts `lists` into `directory` (made with mode 0755), each in the place of the earlier one of the
// same issuer and key; other files stay. Returns the names. Errors: "file.*".
Result<std::vector<std::string>> write_crl_directory(const std::string& directory,
                                                     const std::vector<RevocationList>& lists);

// Every CRL of a file or of a hashed directory. Errors: those of RevocationList::load.
Result<std::vector<RevocationList>> load_crls(const std::string& path);

}  // namespace sallyport::pki
