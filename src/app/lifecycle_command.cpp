// stop, quit, drain, reload, health: words to a running node, by its pid file.
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/configuration.h"
#include "app/pid_file.h"
#include "app/reload_report.h"
#include "base/errno_text.h"

namespace sallyport::app {
namespace {

// Longer than a link may take to be refused (pg_timeout) on several hosts.
constexpr std::chrono::seconds kReload{60};

// Where the node runs. -p is enough for these commands, whatever the file says.
std::string prefix_of(const ConfigurationOptions& options) {
  if (!options.prefix.empty()) return options.prefix;
  return conf::load(sources_of(options)).settings.string(conf::Key::prefix);
}

int refuse(const std::string& text) {
  fmt::print(stderr, "Error: {}\n", text);
  return 1;
}

int not_running(const std::string& prefix) {
  std::string path = PidFile::path(prefix);
  if (access(path.c_str(), R_OK) != 0 && errno == EACCES) {
    return refuse(fmt::format("cannot read {}; run the command as the node's user", path));
  }
  return refuse(fmt::format("Sallyport is not running in {}", prefix));
}

// False after saying why; a process that is just gone is no fault.
bool send_signal(pid_t pid, int signal) {
  if (kill(pid, signal) == 0 || errno == ESRCH) return true;
  refuse(fmt::format("cannot signal process {}: {}; run the command as its user, or as root", pid,
                     errno_text(errno)));
  return false;
}

int end(const ConfigurationOptions& options, int signal, int seconds, const char* done) {
  std::string prefix = prefix_of(options);
  auto pid = PidFile::owner(prefix);
  if (!pid) return not_running(prefix);
  if (!send_signal(*pid, signal)) return 1;
  if (wait_until_gone(prefix, std::chrono::seconds(seconds))) {
    fmt::print("{}\n", done);
    return 0;
  }
  if (signal == SIGQUIT) {  // as Kong: graceful first, then not
    kill(*pid, SIGTERM);
    if (wait_until_gone(prefix, std::chrono::seconds(10))) {
      fmt::print("Timeout, Sallyport stopped forcefully\n");
      return 0;
    }
  }
  return refuse(fmt::format("process {} does not stop; see its log", *pid));
}

}  // namespace

Action stop_command(CLI::App& command) {
  auto options = std::make_shared<ConfigurationOptions>();
  add_configuration_options(command, *options);
  command.footer("Example:\n  sallyport stop -p /var/lib/sallyport");
  return [options] { return end(*options, SIGTERM, 10, "Sallyport stopped"); };
}

Action quit_command(CLI::App& command) {
  auto options = std::make_shared<ConfigurationOptions>();
  auto timeout = std::make_shared<int>(10);
  auto wait = std::make_shared<int>(0);
  add_configuration_options(command, *options);
  command.add_option("-t,--timeout", *timeout, "Seconds until it is stopped forcefully")
      ->capture_default_str()
      ->check(CLI::Range(0, 86400));
  command.add_option("-w,--wait", *wait, "Seconds to wait before the signal is sent")
      ->capture_default_str()
      ->check(CLI::Range(0, 86400));
  command.footer(
      "Requests that are under way are answered; new connections are not taken.\n"
      "\n"
      "Example:\n"
      "  sallyport quit --wait 5 --timeout 60   # let balancers notice, then drain for a minute");
  return [options, timeout, wait] {
    std::this_thread::sleep_for(std::chrono::seconds(*wait));
    return end(*options, SIGQUIT, *timeout, "Sallyport stopped (gracefully)");
  };
}

bool same_file(const std::string& a, const std::string& b) {
  std::error_code ignored;
  return a == b || std::filesystem::equivalent(a, b, ignored);
}

Action reload_command(CLI::App& command) {
  auto options = std::make_shared<ConfigurationOptions>();
  add_configuration_options(command, *options);
  accept_nginx_conf(command);
  command.footer(
      "The node reads the file anew that it was started with, in its own environment. With a\n"
      "faulty one it keeps its former configuration and says why in its log. Another file, or\n"
      "other KONG_ variables, need a restart.\n"
      "\n"
      "Example:\n"
      "  sallyport reload -c /etc/kong/kong.conf");
  return [options] {
    auto loaded = load_configuration(*options);
    if (!loaded) return 1;
    std::string prefix = loaded->settings.string(conf::Key::prefix);
    auto pid = PidFile::owner(prefix);
    if (!pid) return not_running(prefix);
    ReloadReport report(prefix);
    if (!send_signal(*pid, SIGHUP)) return 1;
    auto running = [&] { return PidFile::owner(prefix) == pid; };
    auto answer = report.wait(kReload, running);
    if (!answer) {
      return refuse(running() ? "the node has not answered yet; its log will say what it did"
                              : "the node ended; see its log");
    }
    if (!answer->fault.empty()) {
      return refuse(fmt::format("{}; the former configuration stays in use", answer->fault));
    }
    // With -p alone, or nothing, whatever file the node has is meant.
    if (!options->conf.empty() && !same_file(answer->file, loaded->path)) {
      return refuse(fmt::format(
          "the node has reloaded from {}, which it was started with, and not from {}; restart it "
          "to use that",
          answer->file.empty() ? "no file" : answer->file, loaded->path));
    }
    fmt::print("Sallyport reloaded\n");
    return 0;
  };
}

Action drain_command(CLI::App& command) {
  auto options = std::make_shared<ConfigurationOptions>();
  add_configuration_options(command, *options);
  command.footer(
      "GET /status/ready of the Status API answers 503 from then on, so that balancers send no "
      "more\n"
      "requests; the node goes on serving those that come.\n"
      "\n"
      "Example:\n"
      "  sallyport drain && sleep 10 && sallyport quit");
  return [options] {
    std::string prefix = prefix_of(*options);
    auto pid = PidFile::owner(prefix);
    if (!pid) return not_running(prefix);
    kill(*pid, SIGUSR2);
    fmt::print("Sallyport's status successfully changed to 'draining'\n");
    return 0;
  };
}

Action health_command(CLI::App& command) {
  auto options = std::make_shared<ConfigurationOptions>();
  add_configuration_options(command, *options);
  command.footer(
      "Exit code 0: it runs; 1: it does not.\n"
      "\n"
      "Example:\n"
      "  sallyport health -p /var/lib/sallyport");
  return [options] {
    std::string prefix = prefix_of(*options);
    auto pid = PidFile::owner(prefix);
    if (!pid) return not_running(prefix);
    fmt::print("sallyport (pid {}) is running\n\nSallyport is healthy at {}\n", *pid, prefix);
    return 0;
  };
}

}  // namespace sallyport::app
