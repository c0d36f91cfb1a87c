// Making one more server or client certificate in a hierarchy. Blocking; takes the directory lock.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "pki/hierarchy.h"

namespace sallyport::pki {

struct IssueOptions {
  Role role = Role::server;                    // server or client
  std::string name = {};                       // base of the file names; "": "server" or "client"
  std::vector<std::string> server_names = {};  // of a server; empty: default_server_names()
  std::string user = "kong";                   // CN of a client: the PostgreSQL role
  KeySpec key = {};
  int days = 365;
  bool force = false;  // replace what is there; the old files go to backup/
};

struct IssueReport {
  Certificate certificate;
  std::vector<std::string> made;  // file names
  std::vector<std::string> kept;  // a key without certificate that was there and is used
  std::string backup;             // directory with the replaced files; "" when none were
};

// Signed by the lowest authority; self-signed in a self-signed hierarchy. The certificate file
// holds the leaf first, then the intermediate. Errors: "pki.exists", "pki.file_name", those of
// issue() and of Hierarchy::signer().
Result<IssueReport> issue_leaf(const Hierarchy& hierarchy, const IssueOptions& options,
                               const PassphraseSource& passphrase);

// Whether `name` can be the base of a leaf's file names: letters, digits, `.`, `-`, `_`, and none
// of the names that the hierarchy itself uses. Errors: "pki.file_name".
Result<void> check_file_name(std::string_view name);

// The content of a leaf's certificate file: the leaf, then its authorities but for the root.
std::string leaf_bundle(const Hierarchy& hierarchy, const Certificate& leaf);

}  // namespace sallyport::pki
