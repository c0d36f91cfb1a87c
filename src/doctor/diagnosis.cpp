#include "doctor/diagnosis.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <openssl/x509_vfy.h>

#include "doctor/evidence.h"

namespace sallyport::doctor {
namespace {

using Explain = Diagnosis (*)(const Evidence&);

// The words of the failure (every one of them has to be there) and who knows what they mean.
struct Symptom {
  std::array<std::string_view, 2> words;
  Explain explain;
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

Diagnosis of_check(std::string_view check) {
  return {check, {}, {}};
}
Diagnosis host_name(const Evidence&) {
  return of_check("tls.host_name");
}
Diagnosis tls_version(const Evidence&) {
  return of_check("tls.version");
}
Diagnosis ssl_answer(const Evidence&) {
  return of_check("tls.answer");
}
Diagnosis injection(const Evidence&) {
  return of_check("tls.injection");
}
Diagnosis handshake(const Evidence&) {
  return of_check("tls.handshake");
}
Diagnosis refused_identity(const Evidence&) {
  return of_check("client_cert.accepted");
}
Diagnosis unreachable(const Evidence&) {
  return of_check("net.connect");
}
Diagnosis unresolved(const Evidence&) {
  return of_check("name.resolve");
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
    {{"does not match host name", ""}, host_name},
    {{"host name from server certificate", ""}, host_name},
    {{"does not support SSL", ""}, ssl_answer},
    {{"error response during SSL", ""}, ssl_answer},
    {{"invalid response to SSL", ""}, ssl_answer},
    {{"unencrypted data after SSL", ""}, injection},
    {{"alert protocol version", ""}, tls_version},
    {{"unsupported protocol", ""}, tls_version},
    {{"legacy sigalg", ""}, tls_version},
    {{"wrong version number", ""}, handshake},
    {{"packet length too long", ""}, handshake},
    {{"alert unknown ca", ""}, refused_identity},
    {{"alert certificate", ""}, refused_identity},
    {{"alert bad certificate", ""}, refused_identity},
    {{"alert unsupported certificate", ""}, refused_identity},
    {{"Connection refused", ""}, unreachable},
    {{"No route to host", ""}, unreachable},
    {{"Network is unreachable", ""}, unreachable},
    {{"could not translate host name", ""}, unresolved},
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

// The words of the host that counts: the link appends what it heard from the others.
std::string_view decisive_words(std::string_view detail) {
  return detail.substr(0, detail.find("; also tried: "));
}

// What our own verification refused, by OpenSSL's number.
std::optional<Diagnosis> by_verification(const postgres::LinkState& state) {
  switch (state.verify_error) {
    case X509_V_OK:
      return std::nullopt;
    case X509_V_ERR_CERT_CHAIN_TOO_LONG:
      return of_check("chain.depth");
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return of_check("chain.validity");
    case X509_V_ERR_INVALID_PURPOSE:
      return of_check("chain.purpose");
    case X509_V_ERR_CERT_REVOKED:
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_CRL_NOT_YET_VALID:
      return of_check("chain.revocation");
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return of_check("tls.host_name");
    default:
      return of_check("chain.trust");
  }
}

// Cut or silent: how far our own look got says where.
Diagnosis by_reach(const Evidence& e) {
  if (e.identity && !e.identity->identity_refused.empty()) return of_check("client_cert.accepted");
  const HostEvidence* host = e.decisive_host();
  if (host == nullptr || host->addresses.empty()) return of_check("name.resolve");
  const Probe* probe = host->best();
  if (probe == nullptr || probe->reach == Reach::nothing) return of_check("net.connect");
  if (probe->answer != SslAnswer::yes) return of_check("tls.answer");
  if (probe->injected) return of_check("tls.injection");
  if (probe->reach == Reach::answered) return of_check("tls.handshake");
  return of_check("link.open");
}

// What the link refuses about a key is one of four things; the file itself says which.
std::string_view check_of_key(const Evidence& e) {
  if (!e.files.key || e.files.key->file.state != FileState::good) return "file.client_key";
  if (!has_private_mode(e.files.key->file)) return "file.client_key.mode";
  if (e.files.key->encrypted) return "file.client_key.encrypted";
  return e.files.key->key ? "file.client_key.match" : "file.client_key";
}

// "conf.pg_ssl_cert" belongs to the check of that file.
std::string_view check_of_setting(const Evidence& e, std::string_view code) {
  if (code.ends_with("pg_ssl_cert")) return "file.client_cert";
  if (code.ends_with("pg_ssl_cert_key")) return check_of_key(e);
  if (code.contains("pg_ssl_crl")) return "file.crl";
  if (code.ends_with("lua_ssl_trusted_certificate")) return "file.trusted";
  return "conf.consistent";
}

}  // namespace

bool is_file_fault(const Error& error) {
  return error.code.starts_with("conf.");
}

std::optional<Diagnosis> diagnose(const Evidence& e) {
  if (e.outcome.connected || !e.outcome.attempted) return std::nullopt;
  const Error& error = e.outcome.error;
  if (is_file_fault(error)) {
    return of_check(check_of_setting(e, error.code));
  }
  if (auto found = by_verification(e.outcome.state)) return found;
  if (error.code == "link.name") return of_check("name.resolve");
  std::string_view words = decisive_words(error.detail);
  for (const Symptom& symptom : kSymptoms) {
    if (matches(symptom, words)) return symptom.explain(e);
  }
  for (const StateSymptom& symptom : kStates) {
    if (symptom.sqlstate == e.outcome.state.sqlstate) return symptom.explain(e);
  }
  if (words.contains("authentication failed for user")) return other_method(e);
  return by_reach(e);
}

}  // namespace sallyport::doctor
