// A directory with a certificate hierarchy, in the file names of the well-known tutorial: root.crt,
// root.key, intermediate.crt/.key, server.crt/.key, client.crt/.key, chain.crt. Opening one reads
// certificates only; keys are read when something has to be signed. Blocking; one thread at a time
// for one object, any number of processes for one directory (directory_lock.h).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/secret.h"
#include "pki/authority.h"
#include "pki/certificate.h"

namespace sallyport::pki {

enum class Chain : uint8_t {
  intermediate,  // root -> intermediate -> server, client; chain.crt is what to trust
  root,          // root -> server, client; root.crt is what to trust
  self_signed,   // server and client each on their own; each trusts the other's certificate
};

// "intermediate", "root", "self-signed". Errors: "pki.chain".
Result<Chain> parse_chain(std::string_view word);
std::string_view to_word(Chain chain);

// Gives the pass phrase of an encrypted key file when one is needed. May ask on the terminal.
using PassphraseSource = std::function<Result<Secret>(const std::string& path)>;

class Hierarchy {
 public:
  // Finds out what is there. Errors: "pki.no_hierarchy", those of Certificate::load.
  static Result<Hierarchy> open(const std::string& directory);

  Chain chain() const { return chain_; }
  const std::string& directory() const { return directory_; }
  std::string path(std::string_view file) const;  // directory/file

  // root, or root and intermediate, top down; empty for self_signed.
  const std::vector<Certificate>& authorities() const { return authorities_; }

  // What the gateway trusts (lua_ssl_trusted_certificate), and PostgreSQL (ssl_ca_file).
  std::string trust_for_gateway() const;
  std::string trust_for_server() const;

  // The CA that signs servers and clients, with its key; nothing for self_signed.
  // Errors: those of Key::parse, "file.missing" when the key is kept elsewhere.
  Result<std::optional<Authority>> signer(const PassphraseSource& passphrase) const;
  // One CA by position in authorities().
  Result<Authority> authority(size_t position, const PassphraseSource& passphrase) const;

  // "root" or "intermediate": the base of the CA's file names.
  std::string_view authority_name(size_t position) const;

 private:
  Chain chain_ = Chain::intermediate;
  std::string directory_;
  std::vector<Certificate> authorities_;
};

struct HierarchyOptions {
  Chain chain = Chain::intermediate;
  std::string directory = ".";            // made with mode 0700 when missing
  std::vector<std::string> server_names;  // empty: default_server_names()
  std::string user = "kong";              // CN of the client: the PostgreSQL role
  KeySpec key;
  int days = 365;  // server and client
  int intermediate_days = 1825;
  int root_days = 3650;
  std::string root_name;  // CN; "": "Sallyport root CA " and six random digits
  std::string intermediate_name;
  Secret passphrase;   // encrypts root.key and intermediate.key; empty: not encrypted
  bool force = false;  // replace what is there; the old files go to backup/
};

struct HierarchyReport {
  std::vector<std::string> made;  // file names, in order
  std::vector<std::string> kept;  // were there already and fit
  std::string backup;             // directory with the replaced files; "" when none were
};

// localhost, 127.0.0.1, ::1 and the host's own name.
std::vector<std::string> default_server_names();

// The CN for a server: the first of its names that is short enough for one.
std::string common_name_of(const std::vector<std::string>& server_names);

// Makes a hierarchy. All keys and certificates are made first, then all files appear; what a killed
// run left is completed. Errors: "pki.exists" (names what is there; needs `force`), those of
// issue().
Result<HierarchyReport> make_hierarchy(const HierarchyOptions& options);

}  // namespace sallyport::pki
