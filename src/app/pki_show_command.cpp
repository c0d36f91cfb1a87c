#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/pki_commands.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/terminal.h"
#include "pki/inventory.h"
#include "pki/picture.h"

namespace sallyport::app {
namespace {

struct Options {
  std::vector<std::string> paths;
  bool json = false;
  bool long_form = false;
};

int run(const Options& options) {
  int64_t now = unix_seconds();
  std::vector<std::string> paths = options.paths;
  if (paths.empty()) paths.emplace_back(".");
  pki::Inventory inventory = pki::take_inventory(paths, now);
  if (options.json) {
    fmt::print("{}\n",
               pki::to_json(inventory, now).dump(2, ' ', false, Json::error_handler_t::replace));
  } else {
    pki::PictureOptions picture{text_style(1), now, options.long_form};
    fmt::print("{}", pki::picture(inventory, picture));
    for (const Error& error : inventory.errors) report_error(error);
  }
  return inventory.errors.empty() ? 0 : 1;
}

}  // namespace

Action pki_show_command(CLI::App& command) {
  auto options = std::make_shared<Options>();
  command.add_option("PATH", options->paths,
                     "Files, or directories with *.crt, *.pem, *.crl and *.key (default: .)");
  command.add_flag("--json", options->json, "For programs: everything, as JSON");
  command.add_flag("-l,--long", options->long_form,
                   "Also serials, key identifiers, fingerprints, and notes");
  command.footer(
      "Draws each chain from its root down: names, validity and days left, key, purpose, and what\n"
      "is wrong with a certificate (x) or will be refused by others or soon (!). Authorities "
      "beside\n"
      "a file complete its picture. Colours on a terminal, unless NO_COLOR is set; plain text in "
      "a\n"
      "pipe.\n"
      "\n"
      "Examples:\n"
      "  sallyport pki show\n"
      "  sallyport pki show /etc/sallyport/pki/server.crt --long\n"
      "  sallyport pki show --json | jq '.certificates[] | {files, days_left}'");
  return [options] { return run(*options); };
}

}  // namespace sallyport::app
