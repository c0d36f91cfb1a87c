#include <cstdio>
#include <filesystem>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/quickstart.h"

namespace sallyport::app {
namespace {

struct Options {
  QuickstartOptions quickstart;
  bool stop = false;
  bool reset = false;
  bool yes = false;
};

int finish(const Result<void>& result, const char* done) {
  if (!result) {
    fmt::print(stderr, "Error: {}\n", result.error().text());
    return 1;
  }
  if (*done) fmt::print("{}\n", done);
  return 0;
}

int reset(const Options& options) {
  const std::string& prefix = options.quickstart.prefix;
  if (!options.yes) {
    if (!isatty(0)) {
      fmt::print(stderr, "Error: --reset removes {} with its database and keys; give --yes\n",
                 prefix);
      return 1;
    }
    fmt::print("Remove {} with its database and keys? [y/N] ", prefix);
    std::fflush(stdout);
    int answer = std::getchar();
    if (answer != 'y' && answer != 'Y') return 1;
  }
  return finish(quickstart_reset(prefix, options.quickstart.postgres_bin), "Removed");
}

}  // namespace

Action quickstart_command(CLI::App& command) {
  auto options = std::make_shared<Options>();
  QuickstartOptions& q = options->quickstart;
  q.prefix = default_quickstart_prefix();
  command.add_option("-p,--prefix", q.prefix, "Where everything lives")->capture_default_str();
  command.add_option("--proxy-port", q.ports.proxy, "Usually 8000")->check(CLI::Range(1, 65535));
  command.add_option("--admin-port", q.ports.admin, "Usually 8001")->check(CLI::Range(1, 65535));
  command.add_option("--status-port", q.ports.status, "Usually 8007")->check(CLI::Range(1, 65535));
  command.add_option("--database-port", q.ports.database, "Usually 55432")
      ->check(CLI::Range(1, 65535));
  command.add_option("--echo-port", q.ports.echo, "Usually 9080")->check(CLI::Range(1, 65535));
  command.add_option("--postgres-bin", q.postgres_bin,
                     "Where initdb and pg_ctl are, when not under /usr/lib/postgresql");
  command.add_flag("--stop", options->stop, "End what quickstart started; keep what it wrote");
  command.add_flag("--reset", options->reset, "End it and remove everything, after asking");
  command.add_flag("-y,--yes", options->yes, "Do not ask");
  command.footer(
      "A second run reuses what is there, and completes one that was interrupted.\n"
      "Everything listens on 127.0.0.1 only.\n"
      "\n"
      "Examples:\n"
      "  sallyport quickstart\n"
      "  sallyport quickstart --stop");
  return [options] {
    std::filesystem::path prefix = std::filesystem::absolute(options->quickstart.prefix);
    options->quickstart.prefix = prefix.lexically_normal().string();
    if (options->reset) return reset(*options);
    if (options->stop) {
      return finish(quickstart_stop(options->quickstart.prefix, options->quickstart.postgres_bin),
                    "Stopped");
    }
    return finish(quickstart(options->quickstart), "");
  };
}

}  // namespace sallyport::app
