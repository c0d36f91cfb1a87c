#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/pki_commands.h"
#include "base/clock.h"
#include "base/text.h"
#include "pki/calendar.h"
#include "pki/renewal.h"

namespace sallyport::app {
namespace {

struct Options {
  PkiOptions pki;
  pki::RenewOptions renew;
  std::vector<std::string> names;
  std::string key;
  std::string purpose;
  int within = 0;  // days; 0: renew in any case
};

constexpr const char* kFooter =
    "NAME is server, client, intermediate, root, or the base of any other certificate file of the\n"
    "directory. The renewed certificate has the same names and, unless --new-key is given, the "
    "same\n"
    "key; serial and validity are new. What older tools left out is put right: version 3, names "
    "in\n"
    "subjectAltName, purpose, key identifiers, no CA:TRUE on servers and clients. Files are "
    "replaced\n"
    "atomically and keep owner and mode; the old ones go to backup/.\n"
    "\n"
    "An authority keeps its key, so that what it signed stays valid; its new certificate is put "
    "into\n"
    "chain.crt and behind each server and client certificate of the directory.\n"
    "\n"
    "A certificate that would outlive its issuer is refused: renew the issuer first.\n"
    "\n"
    "PostgreSQL takes the new files with `SELECT pg_reload_conf()`; the gateway by itself.\n"
    "\n"
    "Examples:\n"
    "  sallyport pki renew server client\n"
    "  sallyport pki renew server --server-name db2.example.com\n"
    "  sallyport pki renew client --new-key --key ed25519\n"
    "  sallyport pki renew server client --within 120\n"
    "  sallyport pki renew root intermediate";

// "server.crt" is taken for "server".
std::string base_of(std::string name) {
  if (name.ends_with(".crt")) name.resize(name.size() - 4);
  return name;
}

Result<pki::Purpose> parse_purpose(const std::string& word) {
  if (word.empty()) return pki::Purpose::any;
  if (word == "server") return pki::Purpose::server;
  if (word == "client") return pki::Purpose::client;
  return fail("pki.purpose", Side::config, fmt::format("unknown purpose `{}`", word),
              "Use server or client");
}

void print_report(const std::string& name, const pki::Hierarchy& hierarchy,
                  const pki::RenewReport& report) {
  const pki::CertificateInfo& info = report.after.info();
  fmt::print("Renewed {}: {}, until {}\n", name, info.subject, pki::date(info.not_after));
  report_files("Wrote", report.made);
  report_backup(report.backup);
  bool authority = info.ca;
  if (!report.broken.empty()) {
    fmt::print("Renew these, too; the renewed authority no longer verifies them: {}\n",
               text::join(report.broken, ", "));
  }
  if (authority && name == "root") {
    fmt::print("Give {} to everyone who trusts this root, before {}\n",
               hierarchy.trust_for_gateway(), pki::date(report.before.info().not_after));
  }
  if (!authority && hierarchy.chain() == pki::Chain::self_signed) {
    fmt::print("Give {} to the other side: a self-signed certificate is trusted as it is\n",
               hierarchy.path(name + ".crt"));
  }
}

// Whether the certificate has so many days left that --within lets it be.
bool is_fresh(const pki::Hierarchy& hierarchy, const std::string& name, int within) {
  if (within <= 0) return false;
  auto loaded = pki::Certificate::load(hierarchy.path(name + ".crt"));
  if (!loaded) return false;  // renew() says what is wrong with it
  int64_t left = loaded->front().info().days_left(unix_seconds());
  if (left < within) return false;
  fmt::print("Kept {}: {} days left\n", name, left);
  return true;
}

int run(const Options& options) {
  pki::RenewOptions wanted = options.renew;
  auto purpose = parse_purpose(options.purpose);
  if (!purpose) return report_error(purpose.error());
  wanted.purpose = *purpose;
  if (!options.key.empty()) {
    auto key = pki::parse_key_spec(options.key);
    if (!key) return report_error(key.error());
    wanted.key = *key;
  }
  pki::PassphraseSource passphrase = pki::opening_passphrase(options.pki.passphrase);
  for (const std::string& name : options.names) {
    // Opened anew each time: renewing the root changes what the intermediate is renewed with.
    auto hierarchy = pki::Hierarchy::open(options.pki.directory);
    if (!hierarchy) return report_error(hierarchy.error());
    wanted.name = base_of(name);
    if (is_fresh(*hierarchy, wanted.name, options.within)) continue;
    auto report = pki::renew(*hierarchy, wanted, passphrase);
    if (!report) return report_error(report.error());
    print_report(wanted.name, *hierarchy, *report);
  }
  return 0;
}

}  // namespace

Action pki_renew_command(CLI::App& command) {
  auto options = std::make_shared<Options>();
  command.add_option("NAME", options->names, "What to renew, in this order")->required();
  add_pki_options(command, options->pki);
  command.add_option("--days", options->renew.days,
                     "Validity (default: as long as the old one was made for)");
  command
      .add_option("--server-name", options->renew.server_names,
                  "A name to add to those that it has; repeatable")
      ->type_name("NAME")
      ->allow_extra_args(false);
  command
      .add_option("--within", options->within,
                  "Renew only what has fewer days left than this; for timers")
      ->type_name("DAYS");
  CLI::Option* new_key =
      command.add_flag("--new-key", options->renew.new_key, "Make a new key as well");
  command
      .add_option("--purpose", options->purpose,
                  "server or client, for a certificate that does not say")
      ->type_name("WORD");
  command.add_option("--key", options->key, "Kind of the new key (default: the same as before)")
      ->type_name("KIND")
      ->needs(new_key);
  command.footer(kFooter);
  return [options] { return run(*options); };
}

}  // namespace sallyport::app
