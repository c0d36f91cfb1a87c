// The parts of `sallyport pki`, one file each, and what they share. Command line only.
#pragma once

#include <string>
#include <vector>

#include "app/commands.h"
#include "base/error.h"
#include "pki/key.h"
#include "pki/passphrase.h"

namespace sallyport::app {

Action pki_init_command(CLI::App& command);
Action pki_issue_command(CLI::App& command);
Action pki_renew_command(CLI::App& command);
Action pki_revoke_command(CLI::App& command);
Action pki_crl_command(CLI::App& command);
Action pki_show_command(CLI::App& command);
Action pki_verify_command(CLI::App& command);

// --dir, --passphrase-file and --passphrase-env.
struct PkiOptions {
  std::string directory = ".";
  pki::PassphraseOptions passphrase;
};
void add_pki_options(CLI::App& command, PkiOptions& options);

// --key WORD. The word is read by parse_key_spec() when the command runs.
void add_key_option(CLI::App& command, std::string& word);

// "error: DETAIL", and the remedy on a line of its own, to standard error. Returns exit code 1.
int report_error(const Error& error);

// "wrote a, b", "kept c", "the old files are in d", to standard output.
void report_files(std::string_view verb, const std::vector<std::string>& files);
void report_backup(const std::string& backup);

}  // namespace sallyport::app
