#include <filesystem>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/pki_commands.h"
#include "base/clock.h"
#include "base/terminal.h"
#include "pki/hierarchy.h"
#include "pki/picture.h"

namespace sallyport::app {
namespace {

struct Options {
  PkiOptions pki;
  pki::HierarchyOptions hierarchy;
  std::string chain = "intermediate";
  std::string key = "ec";
};

constexpr const char* kFooter =
    "The three hierarchies:\n"
    "  intermediate   root signs intermediate, intermediate signs server and client; both sides\n"
    "                 trust chain.crt. The root key can then be kept offline.\n"
    "  root           root signs server and client; both sides trust root.crt.\n"
    "  self-signed    server.crt and client.crt stand alone; PostgreSQL trusts client.crt, the\n"
    "                 gateway trusts server.crt. Nothing can be revoked.\n"
    "\n"
    "Keys are made with mode 0600 and never leave the directory; nothing is overwritten without\n"
    "--force, which keeps the old files in backup/. A run that was interrupted is completed by "
    "the\n"
    "next one, which keeps what is there. The authority keys are encrypted when --encrypt,\n"
    "--passphrase-file or --passphrase-env is given; server and client keys are not, for "
    "PostgreSQL\n"
    "and the gateway open them unattended.\n"
    "\n"
    "Ed25519 goes with certificate authentication. With SCRAM, libpq 15 needs\n"
    "pg_channel_binding = disable: it knows no digest for such a signature.\n"
    "\n"
    "Examples:\n"
    "  sallyport pki init --server-name db.example.com --server-name 10.0.0.5\n"
    "  sallyport pki init --chain root --dir /etc/sallyport/pki --user kong --days 90\n"
    "  sallyport pki init --chain self-signed --key rsa:2048\n"
    "  sallyport pki init --encrypt";

int run(const Options& options) {
  pki::HierarchyOptions wanted = options.hierarchy;
  // Whole paths, for they go into configuration files.
  std::error_code ignored;
  auto whole = std::filesystem::weakly_canonical(options.pki.directory, ignored);
  wanted.directory = ignored ? options.pki.directory : whole.string();
  auto chain = pki::parse_chain(options.chain);
  if (!chain) return report_error(chain.error());
  wanted.chain = *chain;
  auto key = pki::parse_key_spec(options.key);
  if (!key) return report_error(key.error());
  wanted.key = *key;
  auto passphrase = pki::new_passphrase(options.pki.passphrase);
  if (!passphrase) return report_error(passphrase.error());
  wanted.passphrase = *passphrase;
  auto report = pki::make_hierarchy(wanted);
  if (!report) return report_error(report.error());

  report_files("Kept", report->kept);
  report_files("Wrote", report->made);
  report_backup(report->backup);
  auto hierarchy = pki::Hierarchy::open(wanted.directory);
  if (!hierarchy) return report_error(hierarchy.error());
  int64_t now = unix_seconds();
  pki::Inventory inventory = pki::take_inventory({wanted.directory}, now);
  inventory.keys.clear();
  inventory.lists.clear();
  fmt::print("\n{}", pki::picture(inventory, {text_style(1), now}));
  fmt::print(
      "PostgreSQL:  ssl_cert_file = {}, ssl_key_file = {}, ssl_ca_file = {}\n"
      "kong.conf:   pg_ssl_cert = {}\n"
      "             pg_ssl_cert_key = {}\n"
      "             lua_ssl_trusted_certificate = {}\n",
      hierarchy->path("server.crt"), hierarchy->path("server.key"), hierarchy->trust_for_server(),
      hierarchy->path("client.crt"), hierarchy->path("client.key"), hierarchy->trust_for_gateway());
  return 0;
}

}  // namespace

Action pki_init_command(CLI::App& command) {
  auto options = std::make_shared<Options>();
  pki::HierarchyOptions& wanted = options->hierarchy;
  command.add_option("--chain", options->chain, "intermediate, root or self-signed")
      ->type_name("KIND")
      ->capture_default_str();
  add_pki_options(command, options->pki);
  command
      .add_option("--server-name", wanted.server_names,
                  "DNS name or IP address of the server; repeatable, the first one is also the CN "
                  "(default: localhost, 127.0.0.1, ::1 and this host's name)")
      ->type_name("NAME")
      ->allow_extra_args(false);
  command.add_option("--user", wanted.user, "CN of the client: the PostgreSQL role")
      ->type_name("ROLE")
      ->capture_default_str();
  command.add_option("--days", wanted.days, "Validity of the server and client certificates")
      ->capture_default_str();
  command
      .add_option("--intermediate-days", wanted.intermediate_days, "Validity of the intermediate")
      ->capture_default_str();
  command.add_option("--root-days", wanted.root_days, "Validity of the root")
      ->capture_default_str();
  add_key_option(command, options->key);
  command.add_option("--root-name", wanted.root_name, "CN of the root")->type_name("CN");
  command.add_option("--intermediate-name", wanted.intermediate_name, "CN of the intermediate")
      ->type_name("CN");
  command.add_flag("--encrypt", options->pki.passphrase.ask,
                   "Encrypt the authority keys; asks for the pass phrase on the terminal");
  command.add_flag("--force", wanted.force,
                   "Replace what is there; keeps the old files in backup/");
  command.footer(kFooter);
  return [options] { return run(*options); };
}

}  // namespace sallyport::app
