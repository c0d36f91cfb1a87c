// sallyport postgres setup: PostgreSQL's side of the link.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "app/commands.h"
#include "base/file.h"
#include "base/terminal.h"
#include "base/text.h"
#include "pki/certificate.h"
#include "pki/hierarchy.h"
#include "setup/server_change.h"
#include "setup/server_layout.h"
#include "setup/server_plan.h"
#include "setup/server_proof.h"
#include "setup/server_verdict.h"

namespace sallyport::app {
namespace {

struct SetupOptions {
  std::string data_directory;
  std::string config_file;
  std::string method = "cert";
  std::vector<std::string> databases = {"kong"};
  std::vector<std::string> roles = {"kong"};
  std::vector<std::string> addresses = {"all"};
  std::vector<std::string> map;
  std::string pki;
  setup::ServerFiles files;
  std::string minimum_tls = "TLSv1.2";
  bool in_place = false;
  bool keep_plain = false;
  bool print = false;
  bool dry_run = false;
  bool yes = false;
  std::string client_certificate;
  std::string client_key;
  std::string trust;
  std::string host;
  std::string password_file;
};

int refuse(const Error& error) {
  fmt::print(stderr, "Error: {}\n", error.text());
  return 1;
}

// A hierarchy of `sallyport pki init` names every file by itself.
Result<void> take_hierarchy(SetupOptions& options) {
  if (options.pki.empty()) return {};
  auto hierarchy = pki::Hierarchy::open(options.pki);
  if (!hierarchy) return fail(hierarchy.error());
  auto fill = [](std::string& value, const std::string& path) {
    if (value.empty()) value = path;
  };
  fill(options.files.certificate, hierarchy->path("server.crt"));
  fill(options.files.key, hierarchy->path("server.key"));
  fill(options.files.authorities, hierarchy->trust_for_server());
  fill(options.trust, hierarchy->trust_for_gateway());
  std::string client = hierarchy->path("client.crt");
  if (options.client_certificate.empty() && access(client.c_str(), R_OK) == 0) {
    options.client_certificate = client;
    options.client_key = hierarchy->path("client.key");
  }
  return {};
}

Result<setup::ServerRequest> request_of(const SetupOptions& options) {
  setup::ServerRequest request;
  auto method = setup::parse_method(options.method);
  if (!method) return fail(method.error());
  request.rules.method = *method;
  request.rules.databases = options.databases;
  request.rules.roles = options.roles;
  request.rules.addresses = options.addresses;
  request.rules.reject_plain = !options.keep_plain;
  for (const std::string& entry : options.map) {
    size_t equals = entry.rfind('=');
    if (equals == std::string::npos) {
      return fail("setup.map", Side::config, fmt::format("--map {}: no '='", entry),
                  "write NAME=ROLE, for example gateway-1.example.com=kong");
    }
    request.rules.map.emplace_back(entry.substr(0, equals), entry.substr(equals + 1));
  }
  request.files = options.files;
  if (!setup::wants_client_certificate(*method)) request.files.authorities.clear();
  request.in_place = options.in_place;
  request.minimum_tls = options.minimum_tls;
  return request;
}

void print_faults(const std::vector<setup::FileFault>& faults) {
  for (const setup::FileFault& fault : faults) {
    fmt::print(stderr, "{}: {}{}{}\n", fault.fatal ? "error" : "warning", fault.text,
               fault.remedy.empty() ? "" : ". ", fault.remedy);
  }
}

bool confirmed() {
  if (!isatty(0)) return false;
  fmt::print("Write these changes? [y/N] ");
  std::fflush(stdout);
  int answer = std::getchar();
  return answer == 'y' || answer == 'Y';
}

// The name to connect with, so that it is one of the certificate's: localhost, a literal, or
// --host.
Result<std::string> proof_host(const SetupOptions& options) {
  if (!options.host.empty()) return options.host;
  auto chain = pki::Certificate::load(options.files.certificate);
  if (!chain) return fail(chain.error());
  auto names = chain->front().info().names();
  for (const char* local : {"localhost", "127.0.0.1", "::1"}) {
    if (std::ranges::find(names, local) != names.end()) return std::string(local);
  }
  return fail("setup.host", Side::config,
              fmt::format("the certificate is for {}, not for localhost", text::join(names, ", ")),
              "name the host to prove it with: --host");
}

Result<postgres::LinkSettings> proof_link(const SetupOptions& options,
                                          const setup::ServerRequest& request, int port) {
  postgres::LinkSettings link;
  auto host = proof_host(options);
  if (!host) return fail(host.error());
  link.hosts = {*host};
  link.port = static_cast<uint16_t>(port);
  link.user = options.roles.front() == "all" ? "kong" : options.roles.front();
  link.database = options.databases.front() == "all" ? "kong" : options.databases.front();
  link.ssl = link.ssl_required = link.verify = true;
  link.version = postgres::TlsVersion::any;
  link.verify_depth = 8;
  link.hosts_file = "/etc/hosts";
  if (options.trust.empty()) {
    return fail("setup.trust", Side::config, "no authority to verify the server with",
                "name it with --trust, or use --pki");
  }
  link.trusted = {options.trust};
  if (setup::wants_client_certificate(request.rules.method)) {
    if (options.client_certificate.empty()) {
      return fail("setup.client", Side::config, "no client certificate to prove it with",
                  "name one with --client-cert and --client-key, or use --pki");
    }
    link.certificate = options.client_certificate;
    link.key = options.client_key;
  }
  if (setup::wants_password(request.rules.method)) {
    if (options.password_file.empty()) {
      return fail("setup.password", Side::config, "no password to prove it with",
                  "write it into a file and name that with --password-file");
    }
    auto password = read_file(options.password_file, 4096);
    if (!password) return fail(password.error());
    link.password = Secret(std::string(text::trim(*password)));
  }
  return link;
}

int print_proof(const SetupOptions& options, const setup::ServerRequest& request,
                const setup::ServerLayout& server) {
  if (options.host.empty() && !setup::covers_loopback(request.rules)) {
    fmt::print(
        "Not proved: this machine's loopback is not among --address. Name the server's own "
        "address with --host, or run `sallyport doctor` where the gateway runs\n");
    return 0;
  }
  auto link = proof_link(options, request, server.running->port);
  if (!link) {
    fmt::print("Not proved: {}\n", link.error().text());
    return 0;
  }
  int wrong = 0;
  int unclear = 0;
  for (const setup::Trial& trial : setup::prove(*link, request.rules)) {
    const char* mark = trial.outcome == setup::Trial::Outcome::as_demanded ? "ok"
                       : trial.outcome == setup::Trial::Outcome::wrong     ? "WRONG"
                                                                           : "unclear";
    wrong += trial.outcome == setup::Trial::Outcome::wrong;
    unclear += trial.outcome == setup::Trial::Outcome::inconclusive;
    fmt::print("  {:<8} {} ({}): {}\n", mark, trial.what,
               trial.must_connect ? "must connect" : "must be refused", trial.seen);
  }
  if (wrong == 0 && unclear > 0) {
    fmt::print(
        "Not proved: where it says unclear, the server did not decide. Name the address that "
        "it listens on with --host, or run `sallyport doctor` where the gateway runs\n");
  }
  if (wrong == 0) return 0;
  fmt::print(stderr,
             "Error: the server does not behave as demanded; the changes are in place, the "
             "backups beside the files\n");
  return 1;
}

// 0: go on to the proof.
int show_and_apply(const SetupOptions& options, const setup::ServerLayout& server,
                   const setup::ServerPlan& plan) {
  fmt::print("{}", plan.diff());
  if (options.dry_run) return 0;
  if (!options.yes && !confirmed()) {
    fmt::print(stderr, "Nothing was written; confirm with y, or give --yes\n");
    return 1;
  }
  auto report = setup::apply(server, plan);
  if (!report) return refuse(report.error());
  for (const std::string& backup : report->backups) fmt::print("Backup: {}\n", backup);
  fmt::print("{}\n", report->reloaded
                         ? "The server read the files, found no fault, and uses them"
                         : "Written; the server does not run: it reads them when it starts");
  if (!report->remark.empty()) fmt::print("note: {}\n", report->remark);
  return 0;
}

// The files are right; a run that was cut off before the reload may have left them unread.
int make_current(const SetupOptions& options, const setup::ServerLayout& server,
                 const setup::ServerPlan& plan) {
  fmt::print("Nothing to change: the server's files are as demanded\n");
  if (options.dry_run || !server.running) return 0;
  auto read = setup::has_read(server, plan);
  if (!read) return refuse(read.error());
  if (!*read) {
    if (auto reloaded = setup::reload(server); !reloaded) return refuse(reloaded.error());
    fmt::print("The server had not read them yet: reloaded\n");
  }
  auto remark = setup::judge_in_use(server, plan);
  if (!remark) {
    Error error = remark.error();
    error.remedy = "look into the server's log, for \"SSL configuration was not reloaded\"";
    return refuse(error);
  }
  if (!remark->empty()) fmt::print("note: {}\n", *remark);
  return 0;
}

int print_instructions(const setup::ServerRequest& request) {
  // What a managed server would refuse is the same; which version it is nobody said.
  if (!request.files.certificate.empty()) {
    print_faults(setup::check(request.files, request.rules.method, 15));
  }
  fmt::print("{}", setup::instructions(request));
  return 0;
}

int run_setup(SetupOptions options) {
  if (auto taken = take_hierarchy(options); !taken) return refuse(taken.error());
  auto request = request_of(options);
  if (!request) return refuse(request.error());
  if (auto checked = check(request->rules); !checked) return refuse(checked.error());
  if (options.print) return print_instructions(*request);
  if (options.data_directory.empty()) {
    return refuse(Error{"setup.data_directory", Side::config, Retry::never, "no server named",
                        "give --data-dir, or --print for a managed server"});
  }
  auto server = setup::find_server(options.data_directory, options.config_file);
  if (!server) return refuse(server.error());
  auto plan = setup::plan(*server, *request);
  if (!plan) return refuse(plan.error());
  print_faults(plan->faults);
  if (!plan->possible()) return 1;
  if (auto judged = setup::judge_before(*server, *plan); !judged) return refuse(judged.error());
  for (const std::string& note : plan->notes) fmt::print("note: {}\n", note);
  int code = plan->empty() ? make_current(options, *server, *plan)
                           : show_and_apply(options, *server, *plan);
  if (code != 0 || options.dry_run) return code;
  if (!server->running) {
    fmt::print("Nothing was proved. Run this again when the server runs\n");
    return 0;
  }
  return print_proof(options, *request, *server);
}

void add_options(CLI::App& command, SetupOptions& options) {
  command.add_option("-D,--data-dir", options.data_directory, "The server's data directory");
  command.add_option("--config-file", options.config_file,
                     "Its postgresql.conf, where that is neither there nor where Debian keeps it");
  command
      .add_option("--method", options.method,
                  "cert, trust-verify-full, scram-verify-full, scram-verify-ca, or scram")
      ->capture_default_str();
  command.add_option("--database", options.databases, "Databases, or all")->capture_default_str();
  command.add_option("--user", options.roles, "Roles, or all")->capture_default_str();
  command.add_option("--address", options.addresses, "From where: all, samenet, CIDR, host name")
      ->capture_default_str();
  command.add_option("--map", options.map,
                     "NAME=ROLE: a certificate with that CN may be that role (method cert). A NAME "
                     "that begins with / is a regular expression");
  command.add_option("--pki", options.pki, "A directory of `sallyport pki init`: names all files");
  command.add_option("--cert", options.files.certificate, "Server certificate, PEM, leaf first");
  command.add_option("--key", options.files.key, "Its private key, PEM");
  command.add_option("--ca", options.files.authorities, "Who signs client certificates, PEM");
  command.add_option("--crl", options.files.crl, "Revocation list, one file");
  command.add_option("--crl-dir", options.files.crl_directory, "Revocation lists, hashed names");
  command.add_option("--min-tls", options.minimum_tls, "TLSv1.2 or TLSv1.3")
      ->capture_default_str()
      ->check(CLI::IsMember({"TLSv1.2", "TLSv1.3"}));
  command.add_flag("--in-place", options.in_place,
                   "Use the files where they are, instead of copying them to DATA/tls");
  command.add_flag("--keep-plain", options.keep_plain,
                   "Do not add the line that refuses these roles without TLS");
  command.add_flag("--print", options.print, "For a managed server: print what to configure there");
  command.add_flag("--dry-run", options.dry_run, "Show the difference and stop");
  command.add_flag("-y,--yes", options.yes, "Write without asking");
  command.add_option("--client-cert", options.client_certificate, "For the proof");
  command.add_option("--client-key", options.client_key, "For the proof");
  command.add_option("--trust", options.trust, "For the proof: who signed the server certificate");
  command.add_option("--host", options.host, "For the proof: the server's name");
  command.add_option("--password-file", options.password_file, "For the proof");
}

}  // namespace

Action postgres_command(CLI::App& command) {
  command.require_subcommand(1);
  CLI::App* setup = command.add_subcommand(
      "setup",
      "Write PostgreSQL's TLS settings, pg_hba.conf and pg_ident.conf lines; show the difference "
      "first, keep backups, let the server validate, reload it, and prove it by connecting");
  auto options = std::make_shared<SetupOptions>();
  add_options(*setup, *options);
  setup->footer(
      "Examples:\n"
      "  sallyport postgres setup -D /var/lib/postgresql/15/main --pki /etc/sallyport/pki\n"
      "  sallyport postgres setup -D DIR --pki DIR --method cert --map '/^gw-[0-9]+$=kong'\n"
      "  sallyport postgres setup --print --method scram-verify-full --cert server.crt \\\n"
      "      --key server.key --ca chain.crt\n"
      "Exit: 0 as demanded, 1 not.");
  return [options] { return run_setup(*options); };
}

}  // namespace sallyport::app
