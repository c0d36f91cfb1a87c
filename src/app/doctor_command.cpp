#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/configuration.h"
#include "base/json.h"
#include "base/log.h"
#include "doctor/gather.h"
#include "doctor/report.h"

namespace sallyport::app {
namespace {

struct DoctorOptions {
  ConfigurationOptions configuration;
  bool json = false;
  bool read_only = false;
  std::string explain;
};

int explain(const std::string& id) {
  TextStyle style = text_style(STDOUT_FILENO);
  if (id == "list") {
    fmt::print("{}", doctor::explain_list(style));
    return 0;
  }
  if (const doctor::Check* check = doctor::find_check(id)) {
    fmt::print("{}", doctor::explain(*check, style));
    return 0;
  }
  fmt::print(stderr, "there is no check \"{}\"; sallyport doctor --explain list shows all\n", id);
  return 1;
}

int examine(const DoctorOptions& options) {
  // What the link would log is in the report.
  log::set_level(log::Level::emerg);
  conf::Loaded loaded = conf::load(sources_of(options.configuration));
  auto role = options.read_only ? postgres::LinkRole::read_only : postgres::LinkRole::main;
  doctor::Report report = doctor::make_report(doctor::gather(loaded, role));
  if (options.json) {
    fmt::print("{}\n",
               doctor::render_json(report).dump(2, ' ', false, Json::error_handler_t::replace));
  } else {
    fmt::print("{}", doctor::render_text(report, text_style(STDOUT_FILENO)));
  }
  return report.exit_code();
}

}  // namespace

Action doctor_command(CLI::App& command) {
  auto options = std::make_shared<DoctorOptions>();
  add_configuration_options(command, options->configuration);
  command.add_flag("--json", options->json, "Print the report as JSON");
  command.add_flag("--read-only", options->read_only, "Examine the link of pg_ro_host");
  command.add_option("--explain", options->explain,
                     "Print a page about one check; `list` names them all");
  command.footer(
      "Walks the link to PostgreSQL step by step and says for each what is right, what is not,\n"
      "why, and what to do. Changes nothing. Secrets are never printed.\n"
      "Exit code 0: connected as demanded; 1: not connected; 2: bad configuration or files.\n"
      "\n"
      "Example:\n"
      "  sallyport doctor -c /etc/kong/kong.conf");
  return [options] {
    return options->explain.empty() ? examine(*options) : explain(options->explain);
  };
}

}  // namespace sallyport::app
