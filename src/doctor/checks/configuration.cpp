// What the settings say, before any file or server is looked at.
#include <algorithm>

#include <fmt/format.h>

#include "doctor/checks/tables.h"
#include "doctor/evidence.h"

namespace sallyport::doctor {
namespace {

using postgres::LinkSettings;

// A check of settings that fit together; without them there is nothing to look at.
template <void (*look)(const Evidence&, Findings&)>
void of_link(const Evidence& e, Findings& out) {
  if (e.settings) return look(e, out);
  out.skip({}, "the configuration has faults");
}

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

void read(const Evidence& e, Findings& out) {
  for (const conf::Fault& fault : e.faults) {
    out.fail(fault.key, fault.text(), "the configuration cannot be used as it is",
             fault.line > 0 ? fmt::format("edit line {} of {}", fault.line, fault.file)
                            : fmt::format("change {} in the {}", fault.key, fault.file));
  }
  if (e.faults.empty()) {
    out.ok(e.configuration.empty() ? "defaults and environment" : e.configuration,
           "read without faults");
  }
}

void unused(const Evidence& e, Findings& out) {
  for (const conf::Fault& warning : e.warnings) {
    out.warn(warning.key, warning.text(), "the setting is known and has no effect here",
             "remove it, or see docs/configuration.md for what replaces it");
  }
  if (e.warnings.empty()) out.ok({}, "every setting has an effect");
}

void consistent(const Evidence& e, Findings& out) {
  if (e.contradiction) {
    out.fail({}, e.contradiction->detail, "two settings contradict each other",
             e.contradiction->remedy);
  } else if (e.settings) {
    out.ok({}, "the settings of the link fit together");
  } else {
    out.skip({}, "the configuration has faults");
  }
}

void used(const Evidence& e, Findings& out) {
  if (e.database_off) {
    out.warn("database", "database = off",
             "the gateway runs without a database: what follows is the link that it would use",
             "set database = postgres to use it");
  } else {
    out.ok({}, "database = postgres");
  }
}

void file_mode(const Evidence& e, Findings& out) {
  const FileFacts& file = e.configuration_file;
  if (file.path.empty() || !e.password_in_file) {
    out.skip({}, "no password is written in a configuration file");
  } else if ((file.mode & 0007) != 0) {
    out.warn(file.path, fmt::format("mode {:04o}, owner {}", file.mode, file.owner),
             "every user of this machine can read the database password in it",
             fmt::format("chmod o-rwx {}", file.path));
  } else {
    out.ok(file.path, fmt::format("mode {:04o}, owner {}", file.mode, file.owner));
  }
}

void encryption(const Evidence& e, Findings& out) {
  const LinkSettings& s = *e.settings;
  std::string name = setting_name(s.role, "pg_ssl");
  if (s.ssl) return out.ok({}, name + " = on");
  if (std::ranges::all_of(s.hosts, is_loopback)) {
    return out.ok({}, name + " = off; every host is this machine");
  }
  out.warn(name, name + " = off",
           "the password exchange and the whole configuration, keys of consumers included, cross "
           "the network readable and changeable by anybody on the way",
           fmt::format("set {0} = on, {0}_required = on, {0}_verify = on", name));
}

void plain_fallback(const Evidence& e, Findings& out) {
  const LinkSettings& s = *e.settings;
  std::string name = setting_name(s.role, "pg_ssl_required");
  if (!s.ssl) return out.skip(name, "TLS is not asked for");
  if (s.ssl_required) return out.ok({}, name + " = on");
  out.warn(name, name + " = off",
           s.verify ? "when the server answers that it has no TLS, the link goes on in plain text: "
                      "whoever can write on the wire can answer that, and then nothing is verified"
                    : "when the server answers that it has no TLS, the link goes on in plain text: "
                      "whoever can write on the wire can answer that",
           fmt::format("set {} = on", name));
}

void verification(const Evidence& e, Findings& out) {
  const LinkSettings& s = *e.settings;
  std::string name = setting_name(s.role, "pg_ssl_verify");
  if (!s.ssl) return out.skip(name, "TLS is not asked for");
  if (s.verify) return out.ok({}, name + " = on");
  out.warn(
      name, name + " = off",
      "any server with any certificate is accepted: encryption protects against listeners, "
      "not against somebody who answers in the server's place",
      fmt::format("set {} = on and lua_ssl_trusted_certificate to the CA of the server", name));
}

void verify_host(const Evidence& e, Findings& out) {
  const LinkSettings& s = *e.settings;
  std::string name = setting_name(s.role, "pg_ssl_verify_host");
  if (!s.ssl || !s.verify) return out.skip(name, "certificates are not verified");
  if (s.verify_host) return out.ok({}, name + " = on");
  out.warn(
      name, name + " = off",
      "every certificate of a trusted CA is accepted, whatever host it was made for; with "
      "`system` among the trusted CAs anybody can buy one",
      fmt::format("give the server a certificate with the name in pg_host and set {} = on", name));
}

void client_pair(const Evidence& e, Findings& out) {
  const LinkSettings& s = *e.settings;
  std::string certificate = setting_name(s.role, "pg_ssl_cert");
  if (s.certificate.empty()) return out.skip({}, "no client certificate is configured");
  if (s.ssl) {
    return out.ok(
        {}, fmt::format("{} and {} are set", certificate, setting_name(s.role, "pg_ssl_cert_key")));
  }
  out.warn(certificate, "is set and TLS is not asked for",
           "client certificates exist in TLS only; this one is never shown",
           fmt::format("set {} = on", setting_name(s.role, "pg_ssl")));
}

constexpr Check kChecks[] = {
    {"conf.read", Stage::configuration, "The configuration can be read",
     "Reads kong.conf, the KONG_* variables and the defaults as `sallyport start` does, and lists "
     "every fault at once, with its line. A word that is not one of the accepted ones is a fault "
     "(`pg_ssl = yes` must not silently mean plain text), and so is an unknown key. Nothing else "
     "can be looked at before these are gone. `sallyport check -c FILE` checks the same, and all "
     "settings that have nothing to do with the database.",
     read},
    {"conf.unused", Stage::configuration, "Every setting has an effect",
     "Names the settings that are known and have no effect in this version, so that nobody relies "
     "on them. They do no harm.",
     unused},
    {"conf.consistent", Stage::configuration, "The settings of the link fit together",
     "Settings can be right one by one and contradict each other. The evidence names both and the "
     "remedy says which to change.",
     consistent},
    {"conf.database", Stage::configuration, "The gateway uses the database",
     "With `database = off` the gateway takes its configuration from a declarative file and opens "
     "no link. The doctor examines the settings anyway.",
     used},
    {"conf.file_mode", Stage::configuration, "The password in the file is not for everybody",
     "A configuration file that holds `pg_password` should be readable for the gateway's user "
     "only: mode 0600, or 0640 with a group of its own. Another way is to keep the password out "
     "of it: KONG_PG_PASSWORD, or a reference such as {vault://env/pg-password}.",
     file_mode},
    {"conf.encryption", Stage::configuration, "The link is encrypted",
     "`pg_ssl = off` sends everything in plain text. That is reasonable on this very machine and "
     "nowhere else. SCRAM does not send the password itself, but everything after it is readable "
     "and changeable on the way.",
     of_link<encryption>},
    {"conf.plain_fallback", Stage::configuration, "No silent way to plain text",
     "With `pg_ssl = on` and `pg_ssl_required = off`, TLS is a hint, as in Kong: a server that "
     "answers `N` to the request for TLS gets a plain session. An attacker on the wire can send "
     "that one byte. `pg_ssl_required = on` refuses, whoever answers.",
     of_link<plain_fallback>},
    {"conf.verification", Stage::configuration, "The server's certificate is verified",
     "`pg_ssl_verify = on` checks the server's certificate chain against the CAs in "
     "lua_ssl_trusted_certificate, its validity, its purpose and the host name. Off, any "
     "certificate will do.",
     of_link<verification>},
    {"conf.verify_host", Stage::configuration, "The host name is verified",
     "A certificate proves who somebody is only when its name is compared with the name that was "
     "asked for. Kong does not compare; here `pg_ssl_verify = on` does. "
     "`pg_ssl_verify_host = off` is the one opt-out, for servers whose certificate cannot be "
     "reissued yet.",
     of_link<verify_host>},
    {"conf.client_pair", Stage::configuration, "Client certificate and key are both in use",
     "Mutual TLS needs pg_ssl_cert (a PEM chain, leaf first), pg_ssl_cert_key (its private key), "
     "and TLS itself.",
     of_link<client_pair>},
};

}  // namespace

std::span<const Check> configuration_checks() {
  return kChecks;
}

}  // namespace sallyport::doctor
