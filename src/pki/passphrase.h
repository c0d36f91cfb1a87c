// Where the pass phrases of encrypted authority keys come from: a file, an environment variable, or
// the terminal. Never the command line, which every process of the machine can read. Blocking.
#pragma once

#include <string>

#include "base/error.h"
#include "base/secret.h"
#include "pki/hierarchy.h"

namespace sallyport::pki {

struct PassphraseOptions {
  std::string file;         // its first line
  std::string environment;  // name of the variable
  bool ask = false;         // a new pass phrase: ask twice on the terminal
};

// For opening keys: from the file or the variable when one is named, else asked for on the terminal
// (three attempts; an answer that opened one key is tried on the next before asking again).
// Errors when used: "pki.passphrase_source", "pki.key_encrypted" (no terminal).
PassphraseSource opening_passphrase(const PassphraseOptions& options);

// For a new hierarchy: empty when the options name no source, so that keys are not encrypted.
// Errors: "pki.passphrase_source" (missing, empty, too short), "terminal.*".
Result<Secret> new_passphrase(const PassphraseOptions& options);

}  // namespace sallyport::pki
