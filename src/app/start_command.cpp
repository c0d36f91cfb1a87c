#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/configuration.h"
#include "app/daemon.h"
#include "app/pid_file.h"
#include "app/prefix.h"
#include "app/run_migrations.h"
#include "app/server.h"
#include "base/errno_text.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory_reserve.h"

namespace sallyport::app {
namespace {

using conf::Key;

struct StartOptions {
  ConfigurationOptions configuration;
  bool foreground = false;
  bool run_migrations = false;
  MigrationLimits migrations;
};

void add_start_options(CLI::App& command, StartOptions& options) {
  add_configuration_options(command, options.configuration);
  command.add_flag("--run-migrations", options.run_migrations,
                   "Bring the database up to date first");
  command
      .add_option("--db-timeout", options.migrations.database_timeout_s,
                  "Seconds for each operation of a migration")
      ->check(CLI::Range(1, 86400))
      ->capture_default_str();
  command
      .add_option("--lock-timeout", options.migrations.lock_timeout_s,
                  "Seconds to wait for another node that is migrating")
      ->check(CLI::Range(0, 86400))
      ->capture_default_str();
  accept_nginx_conf(command);
}

std::string under_prefix(const conf::Settings& settings, const std::string& path) {
  return path.starts_with('/') ? path : settings.string(Key::prefix) + "/" + path;
}

// A foreground process talks to its terminal, unless the file says where to.
std::string log_path(const conf::Loaded& loaded, bool foreground) {
  const std::string& path = loaded.settings.string(Key::proxy_error_log);
  if (foreground && !loaded.written(Key::proxy_error_log)) return "";
  return path.starts_with("/dev/std") ? path : under_prefix(loaded.settings, path);
}

// As many descriptors as are asked for, or as this process may have (`wanted` 0); the data plane
// refuses when they run out.
void set_descriptor_limit(int64_t wanted) {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const auto most = static_cast<rlim_t>(wanted);
  limit.rlim_cur = wanted > 0 ? most : limit.rlim_max;
  limit.rlim_max = std::max(limit.rlim_max, limit.rlim_cur);
  if (setrlimit(RLIMIT_NOFILE, &limit) == 0) return;
  log::warn("nginx_main_worker_rlimit_nofile: {} files are not allowed: {}", wanted,
            errno_text(errno));
  if (wanted > 0) set_descriptor_limit(0);
}

// The former process answers what has begun and ends.
bool take_its_place(PidFile& pid_file, pid_t former, const Report& report) {
  if (!pid_file.install() || kill(former, SIGQUIT) != 0) {
    report(fmt::format("process {} ended before this one could take its place", former));
    return false;
  }
  log::notice("took the place of process {}", former);
  return true;
}

// Runs the node, in the place of the process `former` if there is one; `report` is told once
// whether it came up ("" for yes).
int serve(const ConfigurationOptions& options, conf::Loaded loaded, bool foreground,
          std::optional<pid_t> former, const Report& report) {
  // Keys and passwords are in this memory: no core file, no ptrace by others.
  prctl(PR_SET_DUMPABLE, 0);
  memory::set_aside_reserve();
  const std::string prefix = loaded.settings.string(Key::prefix);
  auto pid_file = former ? PidFile::succeed(prefix, *former) : PidFile::take(prefix);
  if (!pid_file) return report(pid_file.error().text()), 1;

  log::Level level = log::Level::notice;
  log::parse_level(loaded.settings.string(Key::log_level), level);
  std::string path = log_path(loaded, foreground);
  if (!log::start(path, level)) {
    return report(fmt::format("cannot open the log {}: {}", path, errno_text(errno))), 1;
  }
  for (const conf::Fault& warning : loaded.warnings) log::warn("{}", warning.text());
  set_descriptor_limit(loaded.settings.integer(Key::nginx_main_worker_rlimit_nofile));

  auto server = Server::start(
      std::move(loaded.settings), [sources = sources_of(options)] { return conf::load(sources); },
      former.has_value());
  if (!server) {
    log::error("{}", server.error().text());
    return report(server.error().text()), 1;
  }
  if (former && !take_its_place(*pid_file, *former, report)) return 1;
  report("");
  (*server)->run();
  return 0;
}

int start(const StartOptions& options, std::optional<pid_t> former = {}) {
  auto loaded = load_configuration(options.configuration);
  if (!loaded) return 1;
  if (auto prepared = prepare_prefix(loaded->settings); !prepared) {
    fmt::print(stderr, "Error: {}\n", prepared.error().text());
    return 1;
  }
  if (options.run_migrations) {
    if (auto done = run_migrations(loaded->settings, options.migrations); !done) {
      fmt::print(stderr, "Error: {}\n", done.error().text());
      return 1;
    }
  }
  bool foreground = options.foreground || !loaded->settings.flag(Key::nginx_daemon);
  auto work = [&](const Report& report) {
    return serve(options.configuration, std::move(*loaded), foreground, former, report);
  };
  if (foreground) return run_foreground(work);
  return run_daemon(work, former ? "Sallyport upgraded" : "Sallyport started");
}

}  // namespace

Action start_command(CLI::App& command) {
  auto options = std::make_shared<StartOptions>();
  add_start_options(command, *options);
  command.add_flag("--foreground", options->foreground,
                   "Stay in the foreground and log to the terminal (as nginx_daemon = off)");
  command.footer(
      "Examples:\n"
      "  sallyport start -c /etc/kong/kong.conf --run-migrations\n"
      "  KONG_PG_HOST=db.example.com sallyport start --foreground -p /var/lib/sallyport");
  return [options] { return start(*options); };
}

// A new process, usually of a new version, takes the listeners; the former one drains.
Action upgrade_command(CLI::App& command) {
  auto options = std::make_shared<StartOptions>();
  add_start_options(command, *options);
  command.footer(
      "Starts this binary beside the one that runs, on the same addresses. When it serves, the\n"
      "former process answers what it has begun and ends; no request is lost. When it cannot, it\n"
      "says why and the former process stays.\n"
      "\n"
      "Example:\n"
      "  sallyport upgrade -c /etc/kong/kong.conf");
  return [options] {
    auto loaded = load_configuration(options->configuration);
    if (!loaded) return 1;
    const std::string prefix = loaded->settings.string(Key::prefix);
    const auto former = PidFile::owner(prefix);
    if (!former) {
      fmt::print(stderr, "Error: Sallyport is not running in {}; `sallyport start` starts it\n",
                 prefix);
      return 1;
    }
    return start(*options, former);
  };
}

// stop, wait until it is gone, start.
Action restart_command(CLI::App& command) {
  auto options = std::make_shared<StartOptions>();
  add_start_options(command, *options);
  command.footer("Example:\n  sallyport restart -c /etc/kong/kong.conf");
  return [options] {
    auto loaded = load_configuration(options->configuration);
    if (!loaded) return 1;
    std::string prefix = loaded->settings.string(Key::prefix);
    if (auto pid = PidFile::owner(prefix)) {
      kill(*pid, SIGTERM);
      if (!wait_until_gone(prefix, std::chrono::seconds(10))) {
        fmt::print(stderr, "Error: process {} does not stop\n", *pid);
        return 1;
      }
    }
    return start(*options);
  };
}

}  // namespace sallyport::app
