#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/pki_commands.h"
#include "base/clock.h"
#include "base/terminal.h"
#include "pki/issuance.h"
#include "pki/picture.h"

namespace sallyport::app {
namespace {

struct Options {
  PkiOptions pki;
  pki::IssueOptions issue;
  std::string key = "ec";
};

int run(const Options& options, pki::Role role) {
  pki::IssueOptions wanted = options.issue;
  wanted.role = role;
  auto key = pki::parse_key_spec(options.key);
  if (!key) return report_error(key.error());
  wanted.key = *key;
  auto hierarchy = pki::Hierarchy::open(options.pki.directory);
  if (!hierarchy) return report_error(hierarchy.error());
  auto report =
      pki::issue_leaf(*hierarchy, wanted, pki::opening_passphrase(options.pki.passphrase));
  if (!report) return report_error(report.error());
  report_files("Used the key that was there:", report->kept);
  report_files("Wrote", report->made);
  report_backup(report->backup);
  int64_t now = unix_seconds();
  pki::Inventory inventory = pki::take_inventory({hierarchy->path(report->made.back())}, now);
  fmt::print("\n{}", pki::picture(inventory, {text_style(1), now}));
  return 0;
}

void add_common(CLI::App& command, Options& options, const char* name) {
  add_pki_options(command, options.pki);
  command
      .add_option("--name", options.issue.name,
                  fmt::format("Base of the file names, NAME.crt and NAME.key (default: {})", name))
      ->type_name("NAME");
  command.add_option("--days", options.issue.days, "Validity")->capture_default_str();
  add_key_option(command, options.key);
  command.add_flag("--force", options.issue.force,
                   "Replace what is there; keeps the old files in backup/");
}

}  // namespace

Action pki_issue_command(CLI::App& command) {
  auto options = std::make_shared<Options>();
  command.require_subcommand(1);
  CLI::App* server = command.add_subcommand("server", "A certificate for a PostgreSQL server");
  add_common(*server, *options, "server");
  server
      ->add_option("--server-name", options->issue.server_names,
                   "DNS name or IP address; repeatable, the first one is also the CN "
                   "(default: localhost, 127.0.0.1, ::1 and this host's name)")
      ->type_name("NAME")
      ->allow_extra_args(false);
  server->footer(
      "Example:\n"
      "  sallyport pki issue server --name standby --server-name standby.example.com");
  CLI::App* client = command.add_subcommand("client", "A certificate for a gateway or a person");
  add_common(*client, *options, "client");
  client->add_option("--user", options->issue.user, "CN: the PostgreSQL role")
      ->type_name("ROLE")
      ->capture_default_str();
  client->footer(
      "Example:\n"
      "  sallyport pki issue client --name gateway2 --user kong");
  command.footer(
      "Signed by the intermediate, or by the root where there is none; self-signed in a\n"
      "self-signed hierarchy. NAME.crt holds the leaf first, then the intermediate.\n"
      "\n"
      "Examples:\n"
      "  sallyport pki issue server --name standby --server-name standby.example.com\n"
      "  sallyport pki issue client --name reporting --user reporting --days 30");
  return [options, server] {
    return run(*options, server->parsed() ? pki::Role::server : pki::Role::client);
  };
}

}  // namespace sallyport::app
