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

// Whether every authority has a current list: without one the server refuses all of its clients.
// Part of check(); alone for lists that the server is told of elsewhere.
std::vector<FileFault> check_revocation(const ServerFiles& files);

// A name as `openssl rehash` gives it to a revocation list: the only ones that are looked up.
bool is_hashed_crl_name(std::string_view name);

}  // namespace sallyport::setup
