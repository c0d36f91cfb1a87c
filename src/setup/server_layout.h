// Where a PostgreSQL server keeps its files and who owns them: read from its data directory, and
// from the server itself when it runs. Blocking; main thread of a command.
#pragma once

#include <optional>
#include <string>

#include <sys/types.h>

#include "base/error.h"
#include "postgres/local_session.h"

namespace sallyport::setup {

struct RunningServer {
  pid_t pid = 0;
  int port = 5432;
  std::string socket_directory;  // "" when it listens on TCP only
  std::string listen_address;    // the first one; "*" for all, "" when it listens on none
};

struct ServerLayout {
  std::string data_directory;
  std::string config_file;
  std::string hba_file;
  std::string ident_file;
  std::string include_directory;  // of config_file (`include_dir`), absolute; "" when there is none
  int major = 15;
  uid_t owner = 0;  // of the data directory: the server's user
  gid_t group = 0;
  std::string owner_name;
  std::optional<RunningServer> running;
};

// The server of a data directory, by its postmaster.pid; one that is starting counts.
std::optional<RunningServer> find_running(const std::string& data_directory);

// `config_file` may be empty: it is looked for in the data directory and where Debian keeps it.
// Errors: "setup.data_directory", "setup.config_file", naming what is missing.
Result<ServerLayout> find_server(const std::string& data_directory, std::string config_file);

// A superuser's session with the running server. Error "setup.not_running" when there is none.
Result<postgres::LocalSession> open_local_session(const ServerLayout& server);

}  // namespace sallyport::setup
