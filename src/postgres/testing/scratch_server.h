// A PostgreSQL server of the test's own, on a free loopback port, in a temporary directory that is
// removed with it; without TLS, which the tests of the link cover. Tests only.
#pragma once

#include <string>

#include "postgres/connection.h"
#include "postgres/link_settings.h"

namespace sallyport::postgres::testing {

class ScratchServer {
 public:
  // One server for all tests of the process, started at the first call. Aborts when the PostgreSQL
  // programs are missing: a test that cannot run must not pass.
  static ScratchServer& instance();

  // An empty database of a new name.
  LinkSettings new_database();
  // A new database that has been bootstrapped.
  LinkSettings new_gateway_database();
  // The same server, another database or role.
  LinkSettings settings(const std::string& database, const std::string& role = "postgres") const;

  void start();
  void stop();  // "immediate": sessions are cut as in a crash

  ~ScratchServer();

 private:
  ScratchServer();
  void control(const std::string& verb) const;
  LinkSettings create(const std::string& from);

  std::string directory_;
  uint16_t port_ = 0;
  int databases_ = 0;
  bool has_template_ = false;
};

// What a test cannot go on without: prints the error and aborts.
Connection connect(const LinkSettings& settings);
Rows must(Connection& connection, const std::string& sql);

}  // namespace sallyport::postgres::testing
