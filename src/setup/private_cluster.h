// A PostgreSQL cluster of our own, for trying the product: made under a directory, run as an
// unprivileged user, reachable through its Unix socket by that user and over loopback by whoever
// its pg_hba.conf lets in. Main thread of a command; blocking.
#pragma once

#include <string>

#include "base/error.h"
#include "setup/child_process.h"

namespace sallyport::setup {

class PrivateCluster {
 public:
  // `directory` holds data/, log and the socket; it must be reachable for the server's user (when
  // we are root: postgres). `programs` is where initdb and pg_ctl are; "" to look for them. Errors:
  // "cluster.package" (no PostgreSQL 15 or newer there), "cluster.directory" (too long for a
  // socket, or not reachable).
  static Result<PrivateCluster> at(const std::string& directory, const std::string& programs = "");

  // Makes the cluster unless it is there. A half-made one of a run that was cut off is made anew.
  // True when it was made now.
  Result<bool> make();

  // Writes port and addresses, and starts it unless it runs; returns when it takes connections.
  Result<void> start(int port);
  Result<void> stop();
  bool running() const;
  // The port of the running server; 0 when it does not run.
  int port() const;

  // Makes a role that may log in, and a database of its own, unless they are there.
  Result<void> make_database(const std::string& role, const std::string& database);

  std::string data_directory() const { return directory_ + "/data"; }
  std::string log_file() const { return directory_ + "/log"; }
  const Account& account() const { return account_; }

 private:
  Result<void> await_connections() const;
  PrivateCluster(std::string directory, std::string programs, Account account)
      : directory_(std::move(directory)),
        programs_(std::move(programs)),
        account_(std::move(account)) {}

  std::string directory_;
  std::string programs_;  // where initdb and pg_ctl are
  Account account_;
};

}  // namespace sallyport::setup
