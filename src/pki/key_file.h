// Keys in files. Blocking; any thread.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"
#include "pki/hierarchy.h"
#include "pki/key.h"

namespace sallyport::pki {

// Reads a private key; asks `passphrase` only when it is encrypted.
// Errors: "file.*", "pki.key", "pki.key_encrypted", "pki.passphrase", those of `passphrase`.
Result<Key> load_key(const std::string& path, const PassphraseSource& passphrase);

// The same pass phrase for every key; an empty one opens only keys that are not encrypted.
PassphraseSource fixed_passphrase(Secret passphrase);

// The mode for a key that takes the place of `path`: the old one's as far as PostgreSQL and libpq
// accept it (0640 at most, with group access only for root's files), 0600 otherwise.
uint32_t key_mode(const std::string& path);

// The mode of the certificate file at `path`, or 0644.
uint32_t certificate_mode(const std::string& path);

}  // namespace sallyport::pki
