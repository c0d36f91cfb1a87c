#include "setup/private_cluster.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/errno_text.h"
#include "base/file.h"
#include "base/text.h"
#include "setup/managed_block.h"
#include "setup/server_layout.h"

namespace sallyport::setup {
namespace {

constexpr int kOldestMajor = 15;
constexpr size_t kLongestSocketPath = 107;  // sun_path

// Where Debian and its like keep the programs; the newest version wins.
std::string find_programs() {
  std::string best;
  int64_t best_major = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/usr/lib/postgresql", error)) {
    auto major = text::to_integer(entry.path().filename().string());
    std::string programs = entry.path().string() + "/bin";
    if (!major || *major < kOldestMajor || *major <= best_major) continue;
    if (access((programs + "/initdb").c_str(), X_OK) != 0) continue;
    best = programs;
    best_major = *major;
  }
  return best;
}

// Every directory above must let the server's user pass.
Result<void> check_reachable(const std::string& directory, const Account& account) {
  for (std::filesystem::path path = directory; path.has_relative_path();
       path = path.parent_path()) {
    struct stat status;
    if (stat(path.c_str(), &status) != 0) continue;
    bool passes = (status.st_mode & 0001) ||
                  (status.st_uid == account.uid && (status.st_mode & 0100)) ||
                  (status.st_gid == account.gid && (status.st_mode & 0010));
    if (passes) continue;
    return fail("cluster.directory", Side::config,
                fmt::format("the server's user {} may not enter {}", account.name, path.string()),
                "choose another directory with --prefix, or chmod o+x it");
  }
  return {};
}

std::string last_lines(const std::string& path, size_t count) {
  auto content = read_file(path);
  if (!content) return "";
  auto lines = text::split(text::trim(*content), '\n');
  std::string out;
  for (size_t i = lines.size() - std::min(count, lines.size()); i < lines.size(); ++i) {
    out += fmt::format("\n  {}", lines[i]);
  }
  return out;
}

}  // namespace

Result<PrivateCluster> PrivateCluster::at(const std::string& directory, const std::string& wanted) {
  std::string programs = wanted.empty() ? find_programs() : wanted;
  if (!wanted.empty() && access((wanted + "/initdb").c_str(), X_OK) != 0) {
    return fail("cluster.package", Side::config, fmt::format("there is no initdb in {}", wanted),
                "name the directory of initdb and pg_ctl with --postgres-bin");
  }
  if (programs.empty()) {
    return fail("cluster.package", Side::config,
                fmt::format("PostgreSQL {} or newer is not installed", kOldestMajor),
                fmt::format("apt-get install postgresql-{}", kOldestMajor));
  }
  auto account = find_account(geteuid() == 0 ? "postgres" : "");
  if (!account) return fail(account.error());
  if (directory.size() + sizeof "/.s.PGSQL.55432" > kLongestSocketPath) {
    return fail("cluster.directory", Side::config,
                fmt::format("{} is too long a path for a Unix socket", directory),
                "choose a shorter one with --prefix");
  }
  if (auto reachable = check_reachable(std::filesystem::path(directory).parent_path(), *account);
      !reachable) {
    return fail(reachable.error());
  }
  return PrivateCluster(directory, std::move(programs), std::move(*account));
}

Result<bool> PrivateCluster::make() {
  if (access((data_directory() + "/PG_VERSION").c_str(), F_OK) == 0) return false;
  if (auto made = make_directories(directory_, 0700); !made) return fail(made.error());
  if (geteuid() == 0 && chown(directory_.c_str(), account_.uid, account_.gid) != 0) {
    return fail(
        "cluster.directory", Side::config,
        fmt::format("cannot give {} to {}: {}", directory_, account_.name, errno_text(errno)));
  }
  // Beside its place first: a data directory that is there is whole.
  std::string fresh = data_directory() + ".new";
  std::error_code error;
  std::filesystem::remove_all(fresh, error);
  auto done = run({programs_ + "/initdb", "-D", fresh, "-U", account_.name, "--auth-local=peer",
                   "--auth-host=reject", "-E", "UTF8", "--locale=C", "--data-checksums"},
                  account_);
  if (!done) return fail(done.error());
  if (done->exit_code != 0) {
    std::filesystem::remove_all(fresh, error);
    bool full = done->output.find("No space left") != std::string::npos;
    return fail("cluster.initdb", Side::config,
                fmt::format("initdb failed: {}", text::trim(done->output)),
                full ? "free some space (the cluster needs about 50 MB) and run this again" : "");
  }
  std::filesystem::rename(fresh, data_directory(), error);
  if (error) {
    return fail("cluster.directory", Side::config,
                fmt::format("cannot put the cluster at {}: {}", data_directory(), error.message()));
  }
  return true;
}

Result<void> PrivateCluster::start(int port) {
  // A run that was cut off may have left it starting.
  if (running()) return await_connections();
  std::string path = data_directory() + "/postgresql.auto.conf";
  // Not postgresql.conf: that one is edited by the set-up of TLS as an operator's would be.
  std::string settings = fmt::format(
      "# Written by sallyport quickstart.\nport = {}\nlisten_addresses = '127.0.0.1,::1'\n"
      "unix_socket_directories = '{}'\nlog_connections = on\nmax_connections = 50\n",
      port, directory_);
  if (auto written = write_file_atomically(path, settings, 0600); !written) return written;
  if (geteuid() == 0 && chown(path.c_str(), account_.uid, account_.gid) != 0) {
    return fail("cluster.directory", Side::config, fmt::format("cannot set the owner of {}", path));
  }
  auto done = run(
      {programs_ + "/pg_ctl", "-D", data_directory(), "-w", "-t", "30", "-l", log_file(), "start"},
      account_);
  if (!done) return fail(done.error());
  if (done->exit_code != 0) {
    return fail("cluster.start", Side::database,
                fmt::format("PostgreSQL did not start:{}", last_lines(log_file(), 5)),
                fmt::format("the whole log is {}", log_file()));
  }
  return {};
}

Result<void> PrivateCluster::stop() {
  if (!running()) return {};
  auto done =
      run({programs_ + "/pg_ctl", "-D", data_directory(), "-w", "-m", "fast", "stop"}, account_);
  if (!done) return fail(done.error());
  if (done->exit_code == 0) return {};
  return fail("cluster.stop", Side::database, std::string(text::trim(done->output)));
}

Result<void> PrivateCluster::await_connections() const {
  auto deadline = Clock::now() + std::chrono::seconds(30);
  for (;; usleep(50'000)) {
    auto server = find_server(data_directory(), data_directory() + "/postgresql.conf");
    if (server && server->running) return {};
    if (Clock::now() < deadline) continue;
    return fail("cluster.start", Side::database,
                fmt::format("PostgreSQL runs and takes no connection: {}",
                            server ? "it has just ended" : server.error().detail),
                fmt::format("its log is {}", log_file()));
  }
}

bool PrivateCluster::running() const {
  return port() != 0;
}

int PrivateCluster::port() const {
  auto server = find_running(data_directory());
  return server ? server->port : 0;
}

Result<void> PrivateCluster::make_database(const std::string& role, const std::string& database) {
  auto server = find_server(data_directory(), "");
  if (!server) return fail(server.error());
  auto session = open_local_session(*server);
  if (!session) return fail(session.error());
  auto identifier = [](const std::string& name) {
    std::string out = "\"";
    for (char c : name) out += c == '"' ? "\"\"" : std::string(1, c);
    return out + "\"";
  };
  auto there = session->query("select 1 from pg_roles where rolname = $1", {role});
  if (!there) return fail(there.error());
  if (there->empty()) {
    auto made = session->query(fmt::format("create role {} login", identifier(role)));
    if (!made) return fail(made.error());
  }
  there = session->query("select 1 from pg_database where datname = $1", {database});
  if (!there) return fail(there.error());
  if (there->empty()) {
    auto made = session->query(
        fmt::format("create database {} owner {}", identifier(database), identifier(role)));
    if (!made) return fail(made.error());
  }
  return {};
}

}  // namespace sallyport::setup
