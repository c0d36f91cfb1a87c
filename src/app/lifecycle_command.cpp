// stop, quit, reload, health: words to a running node, by its pid file.
#include <chrono>
#include <csignal>
#include <memory>
#include <string>
#include <thread>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/commands.h"
#include "app/configuration.h"
#include "app/pid_file.h"

namespace sallyport::app {
namespace {

// Where the node runs. -p is enough for these commands, whatever the file says.
std::string prefix_of(const ConfigurationOptions& options) {
  if (!options.prefix.empty()) return options.prefix;
  return conf::load(sources_of(options)).settings.string(conf::Key::prefix);
}

int not_running(const std::string& prefix) {
  fmt::print(stderr, "Error: Sallyport is not running in {}\n", prefix);
  return 1;
}

int end(const ConfigurationOptions& options, int signal, int seconds, const char* done) {
  std::string prefix = prefix_of(options);
  auto pid = PidFile::owner(prefix);
  if (!pid) return not_running(prefix);
  kill(*pid, signal);
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
  fmt::print(stderr, "Error: process {} does not stop\n", *pid);
  return 1;
}

}  // namespace

Action stop_command(CLI::App& command) {
  auto options = std::make_shared<ConfigurationOptions>();
  add_configuration_options(command, *options);
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
  return [options, timeout, wait] {
    std::this_thread::sleep_for(std::chrono::seconds(*wait));
    return end(*options, SIGQUIT, *timeout, "Sallyport stopped (gracefully)");
  };
}

Action reload_command(CLI::App& command) {
  auto options = std::make_shared<ConfigurationOptions>();
  add_configuration_options(command, *options);
  return [options] {
    auto loaded = load_configuration(*options);
    if (!loaded) return 1;
    std::string prefix = loaded->settings.string(conf::Key::prefix);
    auto pid = PidFile::owner(prefix);
    if (!pid) return not_running(prefix);
    kill(*pid, SIGHUP);
    fmt::print("Sallyport reloaded\n");
    return 0;
  };
}

Action health_command(CLI::App& command) {
  auto options = std::make_shared<ConfigurationOptions>();
  add_configuration_options(command, *options);
  return [options] {
    std::string prefix = prefix_of(*options);
    auto pid = PidFile::owner(prefix);
    if (!pid) return not_running(prefix);
    fmt::print("sallyport (pid {}) is running\n\nSallyport is healthy at {}\n", *pid, prefix);
    return 0;
  };
}

}  // namespace sallyport::app
