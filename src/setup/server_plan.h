// What `sallyport postgres setup` is about to write on the server's machine: every file as it is
// and as it shall be, computed before anything is touched. Reads files; main thread of a command.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "base/error.h"
#include "setup/access_rules.h"
#include "setup/server_files.h"
#include "setup/server_layout.h"

namespace sallyport::setup {

struct ServerRequest {
  AccessRules rules;
  ServerFiles files;                    // where the certificates are now
  bool in_place = false;                // refer to them there, instead of copying them
  std::string minimum_tls = "TLSv1.2";  // TLSv1, TLSv1.1, TLSv1.2, TLSv1.3
};

struct FileChange {
  std::string path;
  std::optional<std::string> before;  // nothing: the file is new
  std::string after;
  uint32_t mode = 0600;
  bool secret = false;   // never shown
  bool servers = false;  // belongs to the server's user from now on
};

struct ServerPlan {
  std::vector<FileChange> changes;                      // those that change something, in order
  std::vector<std::pair<std::string, uint32_t>> modes;  // to be the server's, with this mode
  std::vector<std::string> directories;                 // to make, mode 0700, the server's
  std::vector<std::string> notes;                       // worth a word, harmless
  std::vector<FileFault> faults;                        // fatal ones forbid applying
  std::string settings_file;                            // with the ssl_* settings
  std::vector<std::string> settings;                    // their names
  ServerFiles used;                                     // what the server is told

  bool possible() const;
  bool empty() const { return changes.empty() && modes.empty(); }
  // The changes as a person reads them: unified diffs, secrets left out.
  std::string diff() const;
};

// Errors: those of reading the server's files; what is wrong with the request is in `faults`.
Result<ServerPlan> plan(const ServerLayout& server, const ServerRequest& request);

// For a managed server, whose files nobody but its console may touch: the settings, the lines and
// the statements to hand over there.
std::string instructions(const ServerRequest& request);

}  // namespace sallyport::setup
