#include <array>
#include <memory>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "app/pki_commands.h"
#include "base/terminal.h"
#include "base/text.h"

namespace sallyport::app {
namespace {

struct Part {
  const char* name;
  const char* summary;
  Action (*add)(CLI::App&);
};

constexpr std::array kParts = {
    Part{"init", "Make a certificate hierarchy", pki_init_command},
    Part{"issue", "Make one more server or client certificate", pki_issue_command},
    Part{"renew", "Renew certificates of the hierarchy", pki_renew_command},
    Part{"revoke", "Revoke a certificate, and publish the revocation lists", pki_revoke_command},
    Part{"crl", "Make the revocation lists of all authorities anew", pki_crl_command},
    Part{"show", "Draw certificates, revocation lists and keys", pki_show_command},
    Part{"verify", "Verify a certificate as the other side would", pki_verify_command},
};

}  // namespace

Action pki_command(CLI::App& command) {
  command.require_subcommand(1);
  command.footer(
      "A hierarchy is a directory with root.crt, root.key, intermediate.crt, intermediate.key,\n"
      "server.crt, server.key, client.crt, client.key and chain.crt. One that openssl commands "
      "made\n"
      "under these names is taken over as it is.\n"
      "\n"
      "Examples:\n"
      "  sallyport pki init --dir /etc/sallyport/pki --server-name db.example.com --user kong\n"
      "  sallyport pki show /etc/sallyport/pki\n"
      "  sallyport pki renew server --dir /etc/sallyport/pki\n"
      "\n"
      "`sallyport pki PART --help` tells more. Exit code 0: done, 1: not.");
  auto parts = std::make_shared<std::vector<std::pair<CLI::App*, Action>>>();
  for (const Part& entry : kParts) {
    CLI::App* part = command.add_subcommand(entry.name, entry.summary);
    parts->emplace_back(part, entry.add(*part));
  }
  return [parts] {
    for (auto& [part, action] : *parts) {
      if (part->parsed()) return action();
    }
    return 1;
  };
}

void add_pki_options(CLI::App& command, PkiOptions& options) {
  command.add_option("--dir", options.directory, "Directory of the hierarchy")
      ->type_name("DIR")
      ->capture_default_str();
  CLI::Option* file =
      command
          .add_option("--passphrase-file", options.passphrase.file,
                      "File whose first line is the pass phrase of the authority keys")
          ->type_name("FILE");
  command
      .add_option("--passphrase-env", options.passphrase.environment,
                  "Environment variable with that pass phrase")
      ->type_name("NAME")
      ->excludes(file);
}

void add_key_option(CLI::App& command, std::string& word) {
  command
      .add_option("--key", word,
                  "Kind of key: ec (ECDSA P-256), rsa (3072 bits), rsa:2048 ... rsa:4096, ed25519")
      ->type_name("KIND");
}

int report_error(const Error& error) {
  fmt::print(stderr, "error: {}\n", printable(error.detail));
  if (!error.remedy.empty()) fmt::print(stderr, "       {}.\n", error.remedy);
  return 1;
}

void report_files(std::string_view verb, const std::vector<std::string>& files) {
  if (!files.empty()) fmt::print("{} {}\n", verb, text::join(files, ", "));
}

void report_backup(const std::string& backup) {
  if (!backup.empty()) fmt::print("The replaced files are in {}\n", backup);
}

}  // namespace sallyport::app
