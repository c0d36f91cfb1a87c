// The files that PostgreSQL's side of TLS is made of, looked at with the server's eyes before it
// sees them: what it would refuse at start, or silently keep the old ones for at reload
// (docs/postgres.md has the list). Reads files; main thread of a command.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "setup/access_rules.h"

namespace sallyport::setup {

struct ServerFiles {
  std::string certificate;    // PEM, leaf first
  std::string key;            // PEM, not encrypted
  std::string authorities;    // ssl_ca_file: who may sign client certificates; "" for none
  std::string crl;            // ssl_crl_file; "" for none
  std::string crl_directory;  // ssl_crl_dir, names as `openssl rehash` makes them; "" for none
};

struct FileFault {
  bool fatal = true;  // false: the server takes it, and it will hurt later
  std::string text;
  std::string remedy;
};

std::vector<FileFault> check(const ServerFiles& files, Method method, int server_major);

}  // namespace sallyport::setup
