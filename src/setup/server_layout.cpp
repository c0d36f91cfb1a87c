#include "setup/server_layout.h"

#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "setup/server_config.h"

namespace sallyport::setup {
namespace {

bool exists(const std::string& path) {
  return access(path.c_str(), F_OK) == 0;
}

bool same_file(const std::string& a, const std::string& b) {
  std::error_code error;
  return !a.empty() && std::filesystem::equivalent(a, b, error) && !error;
}

std::string absolute(const std::string& path, const std::string& base) {
  return path.empty() || path.front() == '/' ? path : base + "/" + path;
}

// With which one it was started last: Debian's pg_ctlcluster names it on the command line.
std::string config_of_last_start(const std::string& data_directory) {
  auto options = read_file(data_directory + "/postmaster.opts", 65536);
  if (!options) return "";
  constexpr std::string_view kOption = "\"config_file=";
  size_t begin = options->find(kOption);
  if (begin == std::string::npos) return "";
  begin += kOption.size();
  return options->substr(begin, options->find('"', begin) - begin);
}

// Debian keeps the configuration of /var/lib/postgresql/15/main in /etc/postgresql/15/main; that of
// a cluster elsewhere says where it is.
std::string find_in_etc(const std::string& data_directory) {
  std::error_code error;
  for (const auto& version : std::filesystem::directory_iterator("/etc/postgresql", error)) {
    for (const auto& cluster : std::filesystem::directory_iterator(version.path(), error)) {
      std::string path = cluster.path().string() + "/postgresql.conf";
      if (!exists(path)) continue;
      auto config = ServerConfig::read(path, data_directory);
      if (!config) continue;
      if (same_file(config->value("data_directory"), data_directory)) return path;
    }
  }
  return "";
}

std::string find_config(const std::string& data_directory) {
  std::string inside = data_directory + "/postgresql.conf";
  if (exists(inside)) return inside;
  std::string last = config_of_last_start(data_directory);
  return exists(last) ? last : find_in_etc(data_directory);
}

// The server's working directory is its data directory; a number that another process has by now
// is not the server.
bool works_in(pid_t pid, const std::string& data_directory) {
  std::error_code error;
  auto where = std::filesystem::read_symlink(fmt::format("/proc/{}/cwd", pid), error);
  return error ? kill(pid, 0) == 0 : same_file(where.string(), data_directory);
}

Result<void> read_owner(ServerLayout& server) {
  struct stat status;
  if (stat(server.data_directory.c_str(), &status) != 0) {
    return fail("setup.data_directory", Side::config,
                fmt::format("cannot look at {}", server.data_directory), "run as root");
  }
  server.owner = status.st_uid;
  server.group = status.st_gid;
  struct passwd entry;
  struct passwd* found = nullptr;
  std::array<char, 4096> buffer;
  if (getpwuid_r(server.owner, &entry, buffer.data(), buffer.size(), &found) == 0 && found) {
    server.owner_name = entry.pw_name;
  } else {
    server.owner_name = std::to_string(server.owner);
  }
  return {};
}

// The server knows best where its files are.
Result<void> ask_server(ServerLayout& server) {
  auto session = open_local_session(server);
  if (!session) return fail(session.error());
  auto rows = session->query(
      "select current_setting('config_file'), current_setting('hba_file'), "
      "current_setting('ident_file')");
  if (!rows) return fail(rows.error());
  server.config_file = (*rows)[0][0];
  server.hba_file = (*rows)[0][1];
  server.ident_file = (*rows)[0][2];
  return {};
}

}  // namespace

std::optional<RunningServer> find_running(const std::string& data_directory) {
  auto content = read_file(data_directory + "/postmaster.pid", 4096);
  if (!content) return std::nullopt;
  auto lines = text::split(*content, '\n');
  if (lines.size() < 5) return std::nullopt;
  auto pid = text::to_integer(text::trim(lines[0]));
  auto port = text::to_integer(text::trim(lines[3]));
  if (!pid || !port || *pid <= 1 || kill(static_cast<pid_t>(*pid), 0) != 0) return std::nullopt;
  if (!works_in(static_cast<pid_t>(*pid), data_directory)) return std::nullopt;
  RunningServer running{static_cast<pid_t>(*pid), static_cast<int>(*port),
                        std::string(text::trim(lines[4])), ""};
  if (lines.size() > 5) running.listen_address = text::trim(lines[5]);
  return running;
}

Result<ServerLayout> find_server(const std::string& data_directory, std::string config_file) {
  ServerLayout server;
  server.data_directory = std::filesystem::absolute(data_directory).lexically_normal().string();
  if (server.data_directory.size() > 1 && server.data_directory.back() == '/') {
    server.data_directory.pop_back();
  }
  auto version = read_file(server.data_directory + "/PG_VERSION", 64);
  if (!version) {
    return fail(
        "setup.data_directory", Side::config,
        fmt::format("{} is not a PostgreSQL data directory: {}", server.data_directory,
                    version.error().detail),
        "give the directory that `SHOW data_directory` names, as root or the server's user");
  }
  server.major = static_cast<int>(text::to_integer(text::trim(*version)).value_or(0));
  if (server.major < 12) {
    return fail("setup.version", Side::config,
                fmt::format("PostgreSQL {} is too old: clientcert=verify-full came with 12",
                            text::trim(*version)));
  }
  if (auto read = read_owner(server); !read) return fail(read.error());
  server.running = find_running(server.data_directory);

  server.config_file = config_file.empty() ? find_config(server.data_directory)
                                           : std::filesystem::absolute(config_file).string();
  if (server.running && !server.running->socket_directory.empty()) {
    if (auto asked = ask_server(server); !asked) return fail(asked.error());
  }
  if (server.config_file.empty()) {
    return fail("setup.config_file", Side::config,
                fmt::format("no postgresql.conf for {}", server.data_directory),
                "name it with --config-file");
  }
  auto config = ServerConfig::read(server.config_file, server.data_directory);
  if (!config) return fail(config.error());
  // Relative ones are relative to the data directory.
  auto named = [&](std::string_view setting, std::string_view usual) {
    std::string path = config->value(setting);
    if (path.empty()) path = usual;
    return absolute(path, server.data_directory);
  };
  if (server.hba_file.empty()) server.hba_file = named("hba_file", "pg_hba.conf");
  if (server.ident_file.empty()) server.ident_file = named("ident_file", "pg_ident.conf");
  const ConfigLine* directory = config->find("include_dir");
  if (directory && directory->file == server.config_file) {
    server.include_directory = directory->value;
  }
  return server;
}

Result<postgres::LocalSession> open_local_session(const ServerLayout& server) {
  if (!server.running) {
    return fail("setup.not_running", Side::config,
                fmt::format("the server of {} is not running", server.data_directory),
                "start it first");
  }
  if (server.running->socket_directory.empty()) {
    return fail(
        "setup.no_socket", Side::config,
        fmt::format("the server of {} has no Unix socket to ask it through", server.data_directory),
        "set unix_socket_directories; or stop the server, run this, and start it");
  }
  return postgres::LocalSession::open(server.running->socket_directory, server.running->port,
                                      server.owner, server.owner_name, "postgres");
}

}  // namespace sallyport::setup
