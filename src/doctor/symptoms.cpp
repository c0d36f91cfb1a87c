// The error catalogue: from words to checks, causes and remedies.
#include "doctor/symptoms.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "doctor/evidence.h"

namespace sallyport::doctor {
namespace {

using Explain = Diagnosis (*)(const Evidence&);

// The words of the failure (every one of them has to be there) and who knows what they mean; a
// check that has seen the evidence itself explains it in its own finding.
struct Symptom {
  std::array<std::string_view, 2> words;
  Explain explain;
  std::string_view check = {};
};

const std::string& user(const Evidence& e) {
  return e.settings->user;
}
std::string setting(const Evidence& e, std::string_view name) {
  return setting_name(e.settings->role, name);
}

// The CN of the client certificate; nothing without a certificate.
std::optional<std::string> client_name(const Evidence& e) {
  if (!e.settings->ssl || !e.files.certificate || e.files.certificate->certificates.empty()) {
    return std::nullopt;
  }
  return e.files.certificate->certificates.front().info().common_name;
}

std::string hba_line(const Evidence& e, std::string_view type, std::string_view method) {
  return fmt::format("{} {} {} ADDRESS/32 {}", type, e.settings->database, user(e), method);
}

Diagnosis plain_refused(const Evidence& e) {
  if (!e.settings->ssl) {
    return {"auth.hba",
            "the link is in plain text and pg_hba.conf has no line for that: it has hostssl lines "
            "only, or none for this user, database and address",
            fmt::format("set {} = on", setting(e, "pg_ssl"))};
  }
  return {"auth.hba",
          "the server answered that it has no TLS, the link went on in plain text, and pg_hba.conf "
          "has no line for that: with ssl = off, hostssl lines match nothing",
          "set ssl = on in postgresql.conf and restart PostgreSQL (sallyport postgres setup does "
          "it)"};
}

Diagnosis encrypted_refused(const Evidence& e) {
  return {"auth.hba",
          fmt::format("pg_hba.conf has no line for an encrypted connection of user \"{}\" to "
                      "database \"{}\" from this address: it has hostnossl lines only, or names "
                      "others",
                      user(e), e.settings->database),
          fmt::format("add to pg_hba.conf: {}; then select pg_reload_conf()",
                      hba_line(e, "hostssl", client_name(e) ? "cert" : "scram-sha-256"))};
}

Diagnosis hba_rejects(const Evidence& e) {
  return {"auth.hba", "the first line of pg_hba.conf that fits this connection says reject",
          fmt::format("put before it: {}; then select pg_reload_conf()",
                      hba_line(e, e.settings->ssl ? "hostssl" : "host", "scram-sha-256"))};
}

Diagnosis certificate_demanded(const Evidence& e) {
  if (!client_name(e)) {
    return {
        "auth.certificate",
        "the server demands a client certificate for this user (cert, or clientcert=verify-full "
        "or verify-ca in pg_hba.conf) and none is configured",
        fmt::format("set {} and {} to a certificate with CN = {} and its key (sallyport pki "
                    "issue client)",
                    setting(e, "pg_ssl_cert"), setting(e, "pg_ssl_cert_key"), user(e))};
  }
  return {"auth.certificate",
          "the server demands a client certificate, and the configured one was not shown to it: "
          "something between terminates TLS, or the server did not ask for it",
          "look at client_cert.requested; on the server set ssl_ca_file to the CA of the client "
          "certificates"};
}

Diagnosis no_root_store(const Evidence&) {
  return {"auth.certificate",
          "pg_hba.conf demands client certificates, and the server has no CA to check them with: "
          "ssl_ca_file is not set, so it refuses everybody on that line",
          "set ssl_ca_file in postgresql.conf to the CA of the client certificates, and select "
          "pg_reload_conf()"};
}

Diagnosis wrong_certificate_name(const Evidence& e) {
  auto name = client_name(e);
  std::string map = fmt::format(
      "a user map can allow it: map=gw on the cert line and \"gw {} {}\" "
      "in pg_ident.conf",
      name.value_or("NAME"), user(e));
  if (name && name->empty()) {
    return {"auth.certificate_name",
            "the client certificate has no CN, so it contains no user name for PostgreSQL",
            fmt::format("issue a certificate with CN = {} (sallyport pki issue client)", user(e))};
  }
  if (name && *name == user(e)) {
    return {
        "auth.certificate_name",
        fmt::format("the CN is \"{0}\" and so is the role: the pg_hba.conf line uses a user map "
                    "(map=), and with a map even an equal name needs a line in pg_ident.conf",
                    *name),
        fmt::format("add to pg_ident.conf: MAP {0} {0} (MAP as in map= of the line), then select "
                    "pg_reload_conf()",
                    user(e))};
  }
  return {
      "auth.certificate_name",
      fmt::format("the client certificate is for \"{}\" and the role is \"{}\"; they have to be "
                  "equal, case included",
                  name.value_or("?"), user(e)),
      fmt::format("issue a certificate with CN = {}, or set {} = {}; {}", user(e),
                  setting(e, "pg_user"), name.value_or("NAME"), map)};
}

Diagnosis password_refused(const Evidence& e) {
  auto name = client_name(e);
  if (name && *name != user(e)) {
    return {"auth.certificate_name",
            fmt::format("the server says \"password authentication failed\", which misleads: under "
                        "clientcert=verify-full it says that also when the CN does not fit. The "
                        "client certificate is for \"{}\", the role is \"{}\"",
                        *name, user(e)),
            fmt::format("issue a certificate with CN = {} (no user map is possible on a password "
                        "line with clientcert=verify-full); only then doubt {}",
                        user(e), setting(e, "pg_password"))};
  }
  return {
      "auth.password",
      fmt::format("the password is wrong, or the role \"{}\" does not exist, has no password, or "
                  "its password has expired (VALID UNTIL): the server says the same to all four",
                  user(e)),
      fmt::format("set {}; on the server: alter role \"{}\" password '...', and look at its log",
                  setting(e, "pg_password"), user(e))};
}

Diagnosis other_method(const Evidence& e) {
  return {"auth.method",
          "the server uses an authentication method that this gateway does not speak (ident, peer, "
          "GSSAPI, LDAP through a proxy, RADIUS), or one that refused the role",
          fmt::format("use cert or scram-sha-256 in pg_hba.conf: {}",
                      hba_line(e, "hostssl", "scram-sha-256"))};
}

Diagnosis password_missing(const Evidence& e) {
  std::string cause = "the server asks for a password and none is set";
  if (client_name(e)) {
    cause +=
        "; the pg_hba.conf line uses a password method, so the client certificate alone is not "
        "enough";
  }
  return {"auth.password", cause,
          fmt::format("set {}, or use the method cert on the server: {}", setting(e, "pg_password"),
                      hba_line(e, "hostssl", "cert"))};
}

Diagnosis role_missing(const Evidence& e) {
  return {"auth.role", fmt::format("the role \"{}\" does not exist on the server", user(e)),
          fmt::format("on the server: create role \"{}\" login password '...'; or change {}",
                      user(e), setting(e, "pg_user"))};
}

Diagnosis role_without_login(const Evidence& e) {
  return {"auth.role", fmt::format("the role \"{}\" exists and may not log in", user(e)),
          fmt::format("on the server: alter role \"{}\" login", user(e))};
}

Diagnosis database_missing(const Evidence& e) {
  return {"auth.database",
          fmt::format("the database \"{}\" does not exist on the server; the link and the login "
                      "themselves are good",
                      e.settings->database),
          fmt::format("on the server: create database \"{}\" owner \"{}\"; or change {}",
                      e.settings->database, user(e), setting(e, "pg_database"))};
}

Diagnosis database_denied(const Evidence& e) {
  return {"auth.database",
          fmt::format("the role \"{}\" may not connect to the database \"{}\"", user(e),
                      e.settings->database),
          fmt::format("on the server: grant connect on database \"{}\" to \"{}\"",
                      e.settings->database, user(e))};
}

Diagnosis server_full(const Evidence&) {
  return {"link.capacity", "every connection slot of the server, or of this role, is taken",
          "select count(*), usename from pg_stat_activity group by 2; raise max_connections or the "
          "role's connection limit"};
}

Diagnosis server_not_ready(const Evidence&) {
  return {"link.capacity", "the server is starting, stopping or recovering",
          "wait and try again; read the server's log when it lasts"};
}

Diagnosis channel_binding(const Evidence& e) {
  if (!e.settings->ssl || e.outcome.state.plain_fallback) {
    return {"link.channel_binding",
            "channel binding ties the password to the TLS session, and there is none",
            fmt::format("set {} = on, or {} = prefer", setting(e, "pg_ssl"),
                        setting(e, "pg_channel_binding"))};
  }
  return {
      "link.channel_binding",
      "the server let the client in, or asked for its password, in a way that cannot be bound to "
      "the TLS session: only scram-sha-256 can; cert, trust, md5 and password cannot, nor does "
      "it work through a proxy that terminates TLS (PgBouncer)",
      fmt::format("use scram-sha-256 in pg_hba.conf, or set {} = prefer",
                  setting(e, "pg_channel_binding"))};
}

// An alert about a certificate is the server's word on ours, unless the handshake failed on our
// side; then the verify error below has been seen first.
constexpr Symptom kSymptoms[] = {
    {{"no pg_hba.conf entry", "no encryption"}, plain_refused},
    {{"no pg_hba.conf entry", "SSL off"}, plain_refused},  // before PostgreSQL 14
    {{"no pg_hba.conf entry", ""}, encrypted_refused},
    {{"pg_hba.conf rejects connection", "no encryption"}, plain_refused},
    {{"pg_hba.conf rejects connection", ""}, hba_rejects},
    {{"connection requires a valid client certificate", ""}, certificate_demanded},
    {{"root certificate store is available", ""}, no_root_store},
    {{"certificate authentication failed", ""}, wrong_certificate_name},
    {{"password authentication failed", ""}, password_refused},
    {{"no password supplied", ""}, password_missing},
    {{"channel binding", ""}, channel_binding},
    {{"role \"", "does not exist"}, role_missing},
    {{"is not permitted to log in", ""}, role_without_login},
    {{"database \"", "does not exist"}, database_missing},
    {{"permission denied for database", ""}, database_denied},
    {{"too many clients", ""}, server_full},
    {{"too many connections", ""}, server_full},
    {{"connection slots", ""}, server_full},
    {{"the database system is", ""}, server_not_ready},
    {{"does not match host name", ""}, nullptr, "tls.host_name"},
    {{"host name from server certificate", ""}, nullptr, "tls.host_name"},
    {{"does not support SSL", ""}, nullptr, "tls.answer"},
    {{"error response during SSL", ""}, nullptr, "tls.answer"},
    {{"invalid response to SSL", ""}, nullptr, "tls.answer"},
    {{"unencrypted data after SSL", ""}, nullptr, "tls.injection"},
    {{"alert protocol version", ""}, nullptr, "tls.version"},
    {{"unsupported protocol", ""}, nullptr, "tls.version"},
    {{"legacy sigalg", ""}, nullptr, "tls.version"},
    {{"wrong version number", ""}, nullptr, "tls.handshake"},
    {{"packet length too long", ""}, nullptr, "tls.handshake"},
    {{"alert unknown ca", ""}, nullptr, "client_cert.accepted"},
    {{"alert certificate", ""}, nullptr, "client_cert.accepted"},
    {{"alert bad certificate", ""}, nullptr, "client_cert.accepted"},
    {{"alert unsupported certificate", ""}, nullptr, "client_cert.accepted"},
    {{"Connection refused", ""}, nullptr, "net.connect"},
    {{"No route to host", ""}, nullptr, "net.connect"},
    {{"Network is unreachable", ""}, nullptr, "net.connect"},
    {{"could not translate host name", ""}, nullptr, "name.resolve"},
};

// The same for servers that speak another language (lc_messages), by SQLSTATE.
struct StateSymptom {
  std::string_view sqlstate;
  Explain explain;
};
constexpr StateSymptom kStates[] = {
    {"28P01", password_refused}, {"3D000", database_missing}, {"42501", database_denied},
    {"53300", server_full},      {"57P03", server_not_ready},
};

bool matches(const Symptom& symptom, std::string_view text) {
  return std::ranges::all_of(symptom.words,
                             [&](std::string_view word) { return text.contains(word); });
}

}  // namespace

std::optional<Diagnosis> by_words(const Evidence& e, std::string_view words) {
  for (const Symptom& symptom : kSymptoms) {
    if (!matches(symptom, words)) continue;
    return symptom.explain != nullptr ? symptom.explain(e) : Diagnosis{symptom.check, {}, {}};
  }
  for (const StateSymptom& symptom : kStates) {
    if (symptom.sqlstate == e.outcome.state.sqlstate) return symptom.explain(e);
  }
  if (words.contains("authentication failed for user")) return other_method(e);
  return std::nullopt;
}

}  // namespace sallyport::doctor
