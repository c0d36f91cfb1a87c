// The server's own settings and its clock, as far as the role may read them.
#include <cmath>

#include <fmt/format.h>

#include "base/text.h"
#include "doctor/checks/tables.h"
#include "doctor/checks/wording.h"
#include "doctor/evidence.h"

namespace sallyport::doctor {
namespace {

// Certificates are dated to the second, tokens to minutes; NTP keeps machines within milliseconds.
constexpr double kSkewSeconds = 5;

bool no_session(const Evidence& e, Findings& out) {
  if (e.outcome.connected) return false;
  out.skip({}, "there is no session");
  return true;
}

std::string setting(const Evidence& e, const std::string& name) {
  const std::string* value = e.server.find("setting." + name);
  return value != nullptr ? *value : "";
}

void version(const Evidence& e, Findings& out) {
  if (no_session(e, out)) return;
  const std::string* number = e.server.find("setting.server_version_num");
  const std::string& text = e.outcome.state.server_version;
  auto value = number != nullptr ? text::to_integer(*number) : std::nullopt;
  if (value && *value < 130000) {
    return out.warn(
        {}, "PostgreSQL " + text,
        "the change log needs PostgreSQL 13; older servers also take TLS 1.0 by default",
        "update the server");
  }
  out.ok({}, "PostgreSQL " + text);
}

void sees_tls(const Evidence& e, Findings& out) {
  if (no_session(e, out)) return;
  const std::string* used = e.server.find("ssl.used");
  if (used == nullptr) return out.skip({}, "the server did not say");
  const auto& state = e.outcome.state;
  const std::string* version = e.server.find("ssl.version");
  if (state.tls && *used != "t") {
    return out.warn({}, "this end speaks TLS, PostgreSQL sees a plain connection",
                    "something in between (PgBouncer, a load balancer, a TLS inspecting firewall) "
                    "ends the TLS session and goes on in plain text; client certificates and "
                    "channel binding do not get through it",
                    "let it use TLS towards PostgreSQL as well, or connect directly");
  }
  if (state.tls && version != nullptr && *version != state.tls_version) {
    return out.warn(
        {}, fmt::format("this end speaks {}, PostgreSQL sees {}", state.tls_version, *version),
        "something in between ends the TLS session and starts another one",
        "find out what it is, or connect directly");
  }
  out.ok({}, state.tls ? "PostgreSQL sees the same TLS session" : "plain text at both ends");
}

void tls_settings(const Evidence& e, Findings& out) {
  if (no_session(e, out)) return;
  std::vector<std::string> seen;
  for (const char* name :
       {"ssl", "ssl_library", "ssl_min_protocol_version", "ssl_max_protocol_version", "ssl_ca_file",
        "ssl_crl_file", "ssl_crl_dir", "password_encryption"}) {
    const std::string* value = e.server.find(std::string("setting.") + name);
    if (value != nullptr) seen.push_back(fmt::format("{} = '{}'", name, *value));
  }
  if (seen.empty()) return out.skip({}, "the role may not read the server's settings");
  std::string all = join(seen);
  std::string lowest = setting(e, "ssl_min_protocol_version");
  if (setting(e, "ssl") == "on" && (lowest == "TLSv1" || lowest == "TLSv1.1")) {
    return out.warn({}, all, "the server accepts outdated TLS versions",
                    "set ssl_min_protocol_version = 'TLSv1.2' in postgresql.conf and select "
                    "pg_reload_conf()");
  }
  if (setting(e, "password_encryption") == "md5") {
    return out.warn({}, all, "new passwords are stored as MD5, which PostgreSQL gives up",
                    "set password_encryption = 'scram-sha-256' and set the passwords anew");
  }
  out.ok({}, all);
}

// One line of pg_hba_file_rules; see queries.cpp for the columns.
std::string hba_text(const std::vector<std::string>& line) {
  return join(line, " ");
}

bool names(const std::string& list, const std::string& name) {
  return list.find("{all}") != list.npos || list.find("\"" + name + "\"") != list.npos ||
         list.find("{" + name + "}") != list.npos || list.find("{" + name + ",") != list.npos ||
         list.find("," + name + ",") != list.npos || list.find("," + name + "}") != list.npos;
}

void hba_rules(const Evidence& e, Findings& out) {
  if (no_session(e, out)) return;
  if (e.server.hba.empty()) {
    auto refusal = e.server.refusals.find("hba");
    return out.skip({}, refusal != e.server.refusals.end()
                            ? refusal->second
                            : "the role may not read pg_hba_file_rules");
  }
  for (const auto& line : e.server.hba) {
    const std::string& type = line[0];
    const std::string& method = line[4];
    if (type == "local" || method == "reject") continue;
    if (!names(line[1], e.settings->database) || !names(line[2], e.settings->user)) continue;
    std::string seen = hba_text(line);
    if (type != "hostssl") {
      out.warn({}, seen, "this line lets the role in without encryption as well",
               "make it hostssl in pg_hba.conf, and select pg_reload_conf()");
    } else if (method == "trust" && line[5].find("clientcert") == line[5].npos) {
      out.warn({}, seen, "this line lets everybody in as this role, without any proof",
               "use cert, or scram-sha-256, in pg_hba.conf, and select pg_reload_conf()");
    } else if (method == "password" || method == "md5") {
      out.warn({}, seen,
               method == "md5" ? "MD5 passwords are outdated"
                               : "the password itself is sent to whoever answers as the server",
               "use scram-sha-256 in pg_hba.conf, and select pg_reload_conf()");
    } else {
      out.ok({}, seen);
    }
  }
  if (!out.any()) out.ok({}, counted(e.server.hba.size(), "line") + ", none names this role");
}

void clock(const Evidence& e, Findings& out) {
  if (no_session(e, out)) return;
  const std::string* skew = e.server.find("clock.skew");
  auto seconds = skew != nullptr ? text::to_number(*skew) : std::nullopt;
  if (!seconds) return out.skip({}, "the server did not say");
  std::string seen = fmt::format("the server's clock is {:.1f} s {}", std::abs(*seconds),
                                 *seconds < 0 ? "behind" : "ahead");
  if (std::abs(*seconds) < kSkewSeconds) {
    return out.ok({}, std::abs(*seconds) < 0.1 ? "the clocks agree" : seen);
  }
  out.warn({}, seen,
           "certificates and CRLs are judged by each side's own clock: new ones are refused by the "
           "side that is behind, and timestamps of changes do not fit",
           "timedatectl set-ntp true, on both machines");
}

constexpr Check kChecks[] = {
    {"server.version", Stage::server, "The server's version",
     "PostgreSQL 13 or later. Which features of the TLS link a server has depends on it: "
     "clientcert=verify-full since 12, ssl_crl_dir and clientname=DN since 14, reasons for "
     "refused client certificates in the log since 16.",
     version},
    {"server.sees_tls", Stage::server, "The server sees the same TLS session",
     "pg_stat_ssl tells what PostgreSQL itself sees. If it sees no TLS, or another version than "
     "this end, something in between ends the session: a pooler, a load balancer, or somebody who "
     "should not be there.",
     sees_tls},
    {"server.tls_settings", Stage::server, "The server's TLS settings",
     "ssl, the CA and CRL files, the least TLS version and the way passwords are stored, from "
     "pg_settings, as far as the role may read them.",
     tls_settings},
    {"server.hba_rules", Stage::server, "The lines of pg_hba.conf for the role",
     "Superusers, and roles that were granted it, may read pg_hba_file_rules. Lines that let the "
     "role in without encryption, without proof, or with outdated methods are pointed out. To a "
     "role that may not read them nothing is said; that is how it should be for a gateway.",
     hba_rules},
    {"server.clock", Stage::server, "The clocks agree",
     "The server's clock_timestamp() against this machine's clock, less half the round trip. A "
     "TLS handshake carries no time, so a wrong clock only shows as certificates that are expired "
     "or not yet valid on one side.",
     clock},
};

}  // namespace

std::span<const Check> server_checks() {
  return kChecks;
}

}  // namespace sallyport::doctor
