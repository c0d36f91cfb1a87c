// `pki verify`: one certificate file, as the other side of a connection would judge it, with the
// hierarchy beside it for what the caller leaves out. Blocking; reads only.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "pki/findings.h"
#include "pki/verification.h"

namespace sallyport::pki {

struct FileVerificationOptions {
  std::string file;                    // the leaf first, then what is sent with it
  std::vector<std::string> trusted;    // files; empty: the hierarchy's, or the file if self-signed
  std::vector<std::string> untrusted;  // files with further intermediates
  std::vector<std::string> crls;       // files or hashed directories; empty: none are looked at
  Purpose purpose = Purpose::any;      // any: by the certificate, else by the file's name
  std::string host;
  int max_depth = -1;  // intermediates allowed; -1: any number
  bool strict = false;
};

struct FileVerification {
  Verification result;
  Purpose purpose = Purpose::any;
  std::vector<std::string> trusted;  // the files that were trusted
  // What is wrong or will be, with each certificate of the chain.
  std::vector<std::pair<std::string, Finding>> findings;  // subject, finding
};

// Errors: files that cannot be read; "pki.no_trust" when there is nothing to verify against.
Result<FileVerification> verify_file(const FileVerificationOptions& options);

}  // namespace sallyport::pki
