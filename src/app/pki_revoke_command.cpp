#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/pki_commands.h"
#include "pki/calendar.h"
#include "pki/revocation_publisher.h"

namespace sallyport::app {
namespace {

struct Options {
  PkiOptions pki;
  pki::RevokeOptions revoke;
  int days = 30;
};

void print_lists(const pki::Hierarchy& hierarchy, const pki::PublishReport& report) {
  for (const pki::PublishedList& one : report.lists) {
    fmt::print("{}.crl: number {}, {} revoked, {} {}{}\n", one.authority, one.list.number(),
               one.list.revoked().size(), "new list due before",
               pki::date_and_time(one.list.next_update()),
               one.made ? "" : " (kept: its key is not here)");
  }
  report_files("Wrote", report.made);
  bool several = report.lists.size() > 1;
  fmt::print(
      "PostgreSQL:  ssl_crl_file = {} takes effect with SELECT pg_reload_conf();\n"
      "             ssl_crl_dir = {} with the next connection\n",
      hierarchy.path(several ? "chain.crl" : "root.crl"), hierarchy.path("crl"));
}

int run_revoke(const Options& options) {
  auto hierarchy = pki::Hierarchy::open(options.pki.directory);
  if (!hierarchy) return report_error(hierarchy.error());
  pki::RevokeOptions wanted = options.revoke;
  wanted.days = options.days;
  auto report = pki::revoke(*hierarchy, wanted, pki::opening_passphrase(options.pki.passphrase));
  if (!report) return report_error(report.error());
  const pki::RevokedCertificate& entry = report->revoked;
  fmt::print("{} {}{} of {}.crt{}\n", report->before ? "Was revoked already:" : "Revoked",
             entry.serial, entry.subject.empty() ? "" : " (" + entry.subject + ")",
             report->authority,
             report->before ? ", on " + pki::date_and_time(entry.revoked_at) : "");
  print_lists(*hierarchy, report->published);
  fmt::print("Sessions that are open live on: end them with pg_terminate_backend().\n");
  return 0;
}

int run_crl(const Options& options) {
  auto hierarchy = pki::Hierarchy::open(options.pki.directory);
  if (!hierarchy) return report_error(hierarchy.error());
  auto report = pki::publish_revocation_lists(*hierarchy, options.days,
                                              pki::opening_passphrase(options.pki.passphrase));
  if (!report) return report_error(report.error());
  print_lists(*hierarchy, *report);
  return 0;
}

void add_days(CLI::App& command, Options& options) {
  command.add_option("--days", options.days, "Days until the lists have to be made anew")
      ->capture_default_str();
}

}  // namespace

Action pki_revoke_command(CLI::App& command) {
  auto options = std::make_shared<Options>();
  CLI::Option* file = command.add_option("FILE", options->revoke.file, "The certificate");
  CLI::Option* serial =
      command.add_option("--serial", options->revoke.serial, "Its serial number, in hexadecimal")
          ->type_name("HEX");
  file->excludes(serial);
  command
      .add_option("--authority", options->revoke.authority,
                  "With --serial: root or intermediate (default: the one that signs leaves)")
      ->type_name("NAME")
      ->needs(serial);
  command
      .add_option("--reason", options->revoke.reason,
                  "Recorded in the list: " + pki::revocation_reasons())
      ->type_name("WORD");
  add_pki_options(command, options->pki);
  add_days(command, *options);
  command.footer(
      "The revocation is recorded in AUTHORITY.revoked.json, then the lists of all authorities "
      "are\n"
      "made anew, as `sallyport pki crl` does. A certificate that was replaced lies in backup/.\n"
      "\n"
      "Examples:\n"
      "  sallyport pki revoke client.crt --reason keyCompromise\n"
      "  sallyport pki revoke backup/20260301T120000Z/client.crt --reason superseded\n"
      "  sallyport pki revoke --serial 5F1C9A0B");
  return [options] {
    if (options->revoke.file.empty() && options->revoke.serial.empty()) {
      return report_error({"pki.serial", Side::config, Retry::never, "nothing to revoke was named",
                           "Name a certificate file, or its --serial"});
    }
    return run_revoke(*options);
  };
}

Action pki_crl_command(CLI::App& command) {
  auto options = std::make_shared<Options>();
  add_pki_options(command, options->pki);
  add_days(command, *options);
  command.footer(
      "Writes AUTHORITY.crl for every authority, chain.crl with all of them, and crl/ with the\n"
      "hashed names that ssl_crl_dir and pg_ssl_crl_dir need. A verifier refuses every "
      "certificate\n"
      "of a chain of which one list is missing or out of date: run this from a timer, well before\n"
      "--days are over. An authority whose key is kept elsewhere keeps its list while that is\n"
      "current.\n"
      "\n"
      "Examples:\n"
      "  sallyport pki crl --dir /etc/sallyport/pki\n"
      "  sallyport pki crl --days 90 --passphrase-file /run/secrets/ca");
  return [options] { return run_crl(*options); };
}

}  // namespace sallyport::app
