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

namespace sallyport::setup {
namespace {

bool exists(const std::string& path) {
  return access(path.c_str(), F_OK) == 0;
}

std::string directory_of(const std::string& path) {
  return std::filesystem::path(path).parent_path().string();
}

std::string absolute(const std::string& path, const std::string& base) {
  return path.empty() || path.front() == '/' ? path : base + "/" + path;
}

// The last `name = 'value'` of a postgresql.conf; "" when it is not there. Good enough for a server
// that is stopped; a running one is asked.
std::string setting_of(std::string_view config, std::string_view name) {
  std::string value;
  for (std::string_view line : text::split(config, '\n')) {
    line = text::trim(line);
    if (!line.starts_with(name)) continue;
    std::string_view rest = line.substr(name.size());
    if (rest.empty() || (rest[0] != ' ' && rest[0] != '\t' && rest[0] != '=')) continue;
    rest = text::trim(rest);
    if (rest.starts_with('=')) rest = text::trim(rest.substr(1));
    if (rest.starts_with('\'')) {
      value = rest.substr(1, rest.find('\'', 1) - 1);
    } else {
      value = rest.substr(0, rest.find_first_of(" \t#"));
    }
  }
  return value;
}

// Debian keeps the configuration of /var/lib/postgresql/15/main in /etc/postgresql/15/main.
std::string find_config(const std::string& data_directory) {
  std::string inside = data_directory + "/postgresql.conf";
  if (exists(inside)) return inside;
  std::filesystem::path data(data_directory);
  std::string debian =
      fmt::format("/etc/postgresql/{}/{}/postgresql.conf", data.parent_path().filename().string(),
                  data.filename().string());
  return exists(debian) ? debian : "";
}

std::optional<RunningServer> find_running(const std::string& data_directory) {
  auto content = read_file(data_directory + "/postmaster.pid", 4096);
  if (!content) return std::nullopt;
  auto lines = text::split(*content, '\n');
  if (lines.size() < 5) return std::nullopt;
  auto pid = text::to_integer(text::trim(lines[0]));
  auto port = text::to_integer(text::trim(lines[3]));
  if (!pid || !port || *pid <= 1 || kill(static_cast<pid_t>(*pid), 0) != 0) return std::nullopt;
  return RunningServer{static_cast<pid_t>(*pid), static_cast<int>(*port),
                       std::string(text::trim(lines[4]))};
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

  server.config_file = config_file.empty() ? find_config(server.data_directory) : config_file;
  if (server.config_file.empty()) {
    return fail("setup.config_file", Side::config,
                fmt::format("no postgresql.conf for {}", server.data_directory),
                "name it with --config-file");
  }
  auto config = read_file(server.config_file);
  if (!config) return fail(config.error());
  std::string base = directory_of(server.config_file);
  std::string hba = setting_of(*config, "hba_file");
  std::string ident = setting_of(*config, "ident_file");
  server.hba_file = hba.empty() ? server.data_directory + "/pg_hba.conf" : absolute(hba, base);
  server.ident_file =
      ident.empty() ? server.data_directory + "/pg_ident.conf" : absolute(ident, base);
  server.include_directory = absolute(setting_of(*config, "include_dir"), base);
  if (server.running && !server.running->socket_directory.empty()) {
    if (auto asked = ask_server(server); !asked) return fail(asked.error());
  }
  return server;
}

Result<postgres::LocalSession> open_local_session(const ServerLayout& server) {
  if (!server.running || server.running->socket_directory.empty()) {
    return fail("setup.not_running", Side::config,
                fmt::format("the server of {} is not running, or has no Unix socket",
                            server.data_directory),
                "start it first");
  }
  return postgres::LocalSession::open(server.running->socket_directory, server.running->port,
                                      server.owner, server.owner_name, "postgres");
}

}  // namespace sallyport::setup
