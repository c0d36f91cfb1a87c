#include "setup/server_verdict.h"

#include <algorithm>
#include <array>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "doctor/probe.h"
#include "pki/certificate.h"

namespace sallyport::setup {
namespace {

constexpr Milliseconds kReload{10'000};
constexpr Milliseconds kLook{3'000};

// That a hostssl line cannot match yet is a remark on ssl = off, which is about to end; that a
// setting waits for a restart is no fault of a file.
constexpr const char* kAccessFaults =
    "select 'pg_hba.conf line ' || line_number || ': ' || error from pg_hba_file_rules "
    "where error is not null and error not like '%because SSL is disabled'";
constexpr const char* kMapFaults =
    "select 'pg_ident.conf line ' || line_number || ': ' || error from pg_ident_file_mappings "
    "where error is not null";
constexpr const char* kSettingFaults =
    "select coalesce(sourcefile, '') || ' line ' || coalesce(sourceline::text, '') || ': ' || "
    "coalesce(name || ': ', '') || error from pg_file_settings "
    "where error is not null and error not like '%could not be applied%'";
constexpr const char* kSyntaxFaults =
    "select coalesce(sourcefile, '') || ' line ' || coalesce(sourceline::text, '') || ': ' || "
    "error "
    "from pg_file_settings where error like 'syntax error%' or error like 'could not open%'";

using Words = std::vector<std::string>;

Result<Words> ask(postgres::LocalSession& session, const std::vector<const char*>& questions) {
  Words out;
  for (const char* sql : questions) {
    auto rows = session.query(sql);
    if (!rows) return fail(rows.error());
    for (const auto& row : *rows) out.push_back(row[0]);
  }
  return out;
}

std::vector<const char*> questions_for(const ServerLayout& server, const char* settings) {
  std::vector<const char*> questions = {kAccessFaults, settings};
  if (server.major >= 15) questions.push_back(kMapFaults);
  return questions;
}

// A setting as an array parameter; names are our own words.
std::string array_of(const std::vector<std::string>& names) {
  return "{" + text::join(names, ",") + "}";
}

Result<std::string> load_time(const ServerLayout& server) {
  auto session = open_local_session(server);
  if (!session) return fail(session.error());
  auto rows = session->query("select extract(epoch from pg_conf_load_time())::text");
  if (!rows) return fail(rows.error());
  return (*rows)[0][0];
}

// Where the server can be looked at from here; "" when it listens on no address.
std::string address_of(const RunningServer& server) {
  std::string address = server.listen_address;
  if (address == "::" || address == "::1") return "::1";
  std::array<unsigned char, 16> bytes;
  bool literal = inet_pton(AF_INET, address.c_str(), bytes.data()) == 1 ||
                 inet_pton(AF_INET6, address.c_str(), bytes.data()) == 1;
  if (address.empty()) return "";
  return literal && address != "0.0.0.0" ? address : "127.0.0.1";
}

std::string what_is_wrong(const doctor::Probe& seen, const pki::Certificate& wanted) {
  if (seen.answer != doctor::SslAnswer::yes) return "it does not offer TLS";
  if (seen.chain.empty()) return fmt::format("its handshake fails: {}", seen.tls_error);
  if (seen.chain.front() == wanted) return "";
  return fmt::format("it still shows the certificate of {} (serial {})",
                     seen.chain.front().info().subject, seen.chain.front().info().serial);
}

// The authorities that the server names are those of the file that it has loaded.
std::string wrong_authorities(const doctor::Probe& seen, const ServerFiles& used) {
  if (used.authorities.empty()) return "";
  auto authorities = pki::Certificate::load(used.authorities);
  if (!authorities) return authorities.error().detail;
  for (const pki::Certificate& authority : *authorities) {
    const std::string& subject = authority.info().subject;
    if (std::ranges::find(seen.acceptable_issuers, subject) == seen.acceptable_issuers.end()) {
      return fmt::format("it does not take client certificates of {}", subject);
    }
  }
  return "";
}

}  // namespace

Result<void> judge_before(const ServerLayout& server, const ServerPlan& plan) {
  if (!server.running) return {};
  auto session = open_local_session(server);
  if (!session) return fail(session.error());
  auto faults = ask(*session, questions_for(server, kSyntaxFaults));
  if (!faults) return fail(faults.error());
  if (!faults->empty()) {
    return fail(
        "setup.broken", Side::config,
        fmt::format("the server does not load its files as they are now: {}", faults->front()),
        "mend that first; nothing was written");
  }
  auto rows = session->query(
      "select name from pg_settings where source = 'command line' and name = any($1::text[])",
      {array_of(plan.settings)});
  if (!rows) return fail(rows.error());
  if (rows->empty()) return {};
  return fail("setup.overridden", Side::config,
              fmt::format("{} is set on the server's command line, which wins over every file",
                          (*rows)[0][0]),
              "start the server without it; nothing was written");
}

Result<void> judge_written(const ServerLayout& server, const ServerPlan& plan) {
  auto session = open_local_session(server);
  if (!session) return fail(session.error());
  auto faults = ask(*session, questions_for(server, kSettingFaults));
  if (!faults) return fail(faults.error());
  for (const std::string& fault : *faults) {
    bool ours = fault.starts_with("pg_") || fault.starts_with(plan.settings_file) ||
                fault.find("syntax error") != std::string::npos;
    if (!ours) continue;
    return fail("setup.refused", Side::database,
                fmt::format("the server would not load what was written: {}", fault),
                "everything was put back as it was");
  }
  // A later file may win over ours.
  auto rows = session->query(
      "select ours.name, coalesce(other.sourcefile, '') from pg_file_settings ours "
      "left join pg_file_settings other on other.name = ours.name and other.applied "
      "where ours.sourcefile = $1 and not ours.applied and ours.error is null",
      {plan.settings_file});
  if (!rows) return fail(rows.error());
  if (rows->empty()) return {};
  return fail("setup.overridden", Side::config,
              fmt::format("{} is set again in {}, which wins", (*rows)[0][0], (*rows)[0][1]),
              "remove it there (ALTER SYSTEM RESET for postgresql.auto.conf); everything was put "
              "back");
}

Result<void> reload(const ServerLayout& server) {
  auto before = load_time(server);
  if (!before) return fail(before.error());
  auto session = open_local_session(server);
  if (!session) return fail(session.error());
  auto rows = session->query("select pg_reload_conf()");
  if (!rows) return fail(rows.error());
  for (TimePoint deadline = Clock::now() + kReload; Clock::now() < deadline; usleep(20'000)) {
    auto now = load_time(server);  // a new session's: the server's own
    if (now && *now != *before) return {};
  }
  return fail("setup.reload", Side::database,
              fmt::format("the server (pid {}) has not read its files after {} s",
                          server.running->pid, kReload.count() / 1000),
              "look into its log");
}

Result<bool> has_read(const ServerLayout& server, const ServerPlan& plan) {
  auto loaded = load_time(server);
  if (!loaded) return fail(loaded.error());
  double since = std::strtod(loaded->c_str(), nullptr);
  for (const std::string& path :
       {plan.settings_file, server.config_file, server.hba_file, server.ident_file,
        plan.used.certificate, plan.used.key, plan.used.authorities, plan.used.crl}) {
    struct stat status;
    if (path.empty() || stat(path.c_str(), &status) != 0) continue;
    // ctime: a file that was renamed into place is older than its place.
    double changed = static_cast<double>(status.st_ctim.tv_sec) +
                     static_cast<double>(status.st_ctim.tv_nsec) / 1e9;
    if (changed > since) return false;
  }
  return true;
}

Result<std::string> judge_in_use(const ServerLayout& server, const ServerPlan& plan) {
  auto wanted = pki::Certificate::load(plan.used.certificate);
  if (!wanted) return fail(wanted.error());
  std::string address = address_of(*server.running);
  if (address.empty()) return "the server listens on no TCP address: nobody could look at its TLS";
  doctor::ProbeTarget target = {"", address, static_cast<uint16_t>(server.running->port)};
  doctor::ProbeOptions options;
  options.deadline = Clock::now() + kLook;
  doctor::Probe seen = doctor::probe(target, options);
  if (seen.reach == doctor::Reach::nothing) {
    return fmt::format("{}:{} could not be reached from here: nobody looked at its TLS", address,
                       target.port);
  }
  std::string wrong = what_is_wrong(seen, wanted->front());
  if (wrong.empty()) wrong = wrong_authorities(seen, plan.used);
  if (wrong.empty()) return "";
  return fail("setup.refused", Side::database,
              fmt::format("the server read the files and did not take them: {}", wrong),
              "its log says why (\"SSL configuration was not reloaded\"); everything was put back "
              "as it was");
}

}  // namespace sallyport::setup
