// Renewing a certificate of a hierarchy: same names, new serial and validity, the same key or a new
// one; what earlier tools left out (version 3, subjectAltName, keyUsage, purpose) is put right on
// the way. Blocking; takes the directory lock.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "pki/hierarchy.h"
#include "pki/verification.h"

namespace sallyport::pki {

struct RenewOptions {
  std::string name = {};  // "server", "client", "root", "intermediate", or another base
  int days = 0;           // 0: as long as the certificate was made for
  std::vector<std::string> server_names = {};  // added to those that it has
  bool new_key = false;             // leaves only: a new key for an authority is a new hierarchy
  std::optional<KeySpec> key = {};  // with new_key; nothing: the same kind as before
  Purpose purpose = Purpose::any;   // any: by its extensions, else by its file name
};

struct RenewReport {
  Certificate before;
  Certificate after;
  std::vector<std::string> made;    // file names
  std::string backup;               // directory with what was replaced
  std::vector<std::string> broken;  // certificate files of the directory that the renewed authority
                                    // no longer verifies: renew these, too
};

// Errors: "file.missing", "pki.validity" (its issuer ends too early), "pki.issuer", "pki.weak_key",
// "pki.purpose" (cannot tell whether it is a server or a client), those of load_key.
Result<RenewReport> renew(const Hierarchy& hierarchy, const RenewOptions& options,
                          const PassphraseSource& passphrase);

}  // namespace sallyport::pki
