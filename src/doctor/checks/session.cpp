// The decisive step: a session opened as the gateway opens it, and what the server said to it.
#include <fmt/format.h>

#include "base/text.h"
#include "doctor/checks/tables.h"
#include "doctor/checks/wording.h"
#include "doctor/diagnosis.h"
#include "doctor/evidence.h"

namespace sallyport::doctor {
namespace {

// States the failure where it belongs to this check, and that nothing is known where another
// check has it. False when the link is up: then the caller says what was seen.
bool settled(const Evidence& e, Findings& out) {
  if (e.outcome.connected) return false;
  auto diagnosis = diagnose(e);
  if (!diagnosis) {
    out.skip({}, "no session was tried");
  } else if (diagnosis->check == out.check()) {
    out.fail({}, std::string(decisive_words(e.outcome.error)), diagnosis->cause, diagnosis->remedy);
  } else {
    out.skip({}, "not reached: see " + std::string(diagnosis->check));
  }
  return true;
}

std::string peer(const postgres::LinkState& state) {
  return fmt::format("{} ({} port {})", state.host, state.address, state.port);
}

void open(const Evidence& e, Findings& out) {
  if (e.outcome.connected) {
    const auto& state = e.outcome.state;
    return out.ok(peer(state),
                  fmt::format("connected in {} ms, {}", e.outcome.elapsed.count(),
                              state.tls ? state.tls_version + " " + state.cipher : "plain text"));
  }
  auto diagnosis = diagnose(e);
  if (!diagnosis) return out.skip({}, "no session was tried");
  const Error& error = e.outcome.error;
  if (diagnosis->check == out.check() && diagnosis->cause.empty()) {
    bool slow = error.code == "link.timeout";
    return out.fail({}, error.detail,
                    slow ? "the server is reached and does not finish in time"
                         : "the session ended before it began; the server's log knows more",
                    slow ? "look at the load of the server; raise pg_timeout if the network is slow"
                         : error.remedy);
  }
  if (diagnosis->check == out.check()) {
    return out.fail({}, error.detail, diagnosis->cause, diagnosis->remedy);
  }
  out.fail({}, error.detail, fmt::format("see {}", diagnosis->check), {});
}

void encrypted(const Evidence& e, Findings& out) {
  if (!e.outcome.connected) return out.skip({}, "there is no session");
  const auto& state = e.outcome.state;
  std::string subject = peer(state);
  if (state.tls) return out.ok(subject, state.tls_version + " " + state.cipher);
  if (!e.settings->ssl) return out.ok(subject, "plain text, as demanded");
  out.warn(subject, "plain text: the server answered N",
           "pg_ssl is on and pg_ssl_required is off: the password and the configuration have just "
           "crossed the network unprotected",
           "set ssl = on in postgresql.conf, and pg_ssl_required = on here");
}

void channel_binding(const Evidence& e, Findings& out) {
  if (settled(e, out)) return;
  using postgres::ChannelBinding;
  switch (e.settings->channel_binding) {
    case ChannelBinding::require:
      return out.ok({}, "required, and done");
    case ChannelBinding::prefer:
      return out.ok({}, "used where the server offers it");
    case ChannelBinding::disable:
      break;
  }
  out.ok({}, "switched off by pg_channel_binding");
}

void capacity(const Evidence& e, Findings& out) {
  if (settled(e, out)) return;
  const std::string* used = e.server.find("connections");
  const std::string* most = e.server.find("setting.max_connections");
  if (used == nullptr || most == nullptr) return out.ok({}, "a connection was free");
  std::string seen = fmt::format("{} of {} connections in use", *used, *most);
  auto taken = text::to_number(*used);
  auto limit = text::to_number(*most);
  if (taken && limit && *taken > 0.9 * *limit) {
    return out.warn({}, seen, "the next clients, or the next gateway, will be refused",
                    "raise max_connections, or find who holds them: select usename, count(*) from "
                    "pg_stat_activity group by 1");
  }
  out.ok({}, seen);
}

void hba(const Evidence& e, Findings& out) {
  if (settled(e, out)) return;
  out.ok({}, "a line of pg_hba.conf lets this user in");
}

void method(const Evidence& e, Findings& out) {
  if (settled(e, out)) return;
  const std::string* user = e.server.find("system_user");
  if (user != nullptr) return out.ok({}, user->substr(0, user->find(':')));
  if (e.outcome.state.used_password) {
    return out.ok({},
                  "the server asked for the password (before PostgreSQL 16 it does not say by "
                  "which method)");
  }
  const std::string* name = e.server.find("ssl.client_dn");
  if (name != nullptr && !name->empty()) {
    return out.ok({}, "no password was asked for; the client certificate was seen");
  }
  out.warn({}, "neither a password nor a client certificate was asked for",
           "pg_hba.conf says trust: whoever reaches the server is let in as this role",
           fmt::format("use cert or scram-sha-256 in pg_hba.conf: hostssl {} {} ADDRESS/32 "
                       "scram-sha-256",
                       e.settings->database, e.settings->user));
}

void certificate(const Evidence& e, Findings& out) {
  if (settled(e, out)) return;
  const std::string* seen = e.server.find("ssl.client_dn");
  if (seen != nullptr && !seen->empty()) {
    return out.ok({}, fmt::format("the server has seen \"{}\"", *seen));
  }
  out.ok({}, "none was demanded");
}

void certificate_name(const Evidence& e, Findings& out) {
  if (settled(e, out)) return;
  out.ok({}, e.files.certificate ? "the name was accepted" : "none was compared");
}

void password(const Evidence& e, Findings& out) {
  if (settled(e, out)) return;
  const std::string* until = e.server.find("role.password_until");
  auto when = until != nullptr ? text::to_number(*until) : std::nullopt;
  if (!when) {
    return out.ok({}, e.outcome.state.used_password ? "accepted" : "not asked for");
  }
  auto at = static_cast<int64_t>(*when);
  std::string seen = "the role's password is valid until " + date(at);
  if (at - e.now < int64_t{30} * 86400) {
    return out.warn({}, seen, fmt::format("it ends {}", days_from(at, e.now)),
                    fmt::format("on the server: alter role \"{}\" password '...' valid until "
                                "'infinity'",
                                e.settings->user));
  }
  out.ok({}, seen);
}

void role(const Evidence& e, Findings& out) {
  if (settled(e, out)) return;
  std::string seen = fmt::format("logged in as \"{}\"", e.settings->user);
  std::vector<std::string> powers;
  for (auto [name, power] :
       {std::pair{"role.superuser", "superuser"}, std::pair{"role.createrole", "createrole"},
        std::pair{"role.replication", "replication"}, std::pair{"role.bypassrls", "bypassrls"}}) {
    const std::string* value = e.server.find(name);
    if (value != nullptr && *value == "t") powers.emplace_back(power);
  }
  if (powers.empty()) return out.ok({}, seen);
  out.warn({}, fmt::format("{}, which has: {}", seen, join(powers)),
           "the gateway needs none of these rights; whoever takes it over has the whole server",
           fmt::format("on the server: alter role \"{}\" nosuperuser nocreaterole noreplication "
                       "nobypassrls, and make it the owner of its database",
                       e.settings->user));
}

void database(const Evidence& e, Findings& out) {
  if (settled(e, out)) return;
  out.ok({}, fmt::format("connected to \"{}\"", e.settings->database));
}

constexpr Check kChecks[] = {
    {"link.open", Stage::session, "A session can be opened",
     "The decisive step: a connection is opened exactly as the gateway opens it, with all demands "
     "on the server, within pg_timeout. Everything before it only explains why this fails. Exit "
     "code 0 means that this step succeeded. The evidence of a failure is the text that libpq or "
     "the server gave; the check that it belongs to is named.",
     open},
    {"link.encrypted", Stage::session, "The session is encrypted as demanded",
     "With pg_ssl = on and pg_ssl_required = off a server that answers N gets a plain session. "
     "This check says when that has happened.",
     encrypted},
    {"link.channel_binding", Stage::session, "The password is bound to the TLS session",
     "Channel binding (SCRAM-SHA-256-PLUS) proves that nobody sits in between, even with a "
     "certificate that this client trusts. pg_channel_binding = require demands it; only the "
     "method scram-sha-256 over TLS, directly with PostgreSQL, can give it.",
     channel_binding},
    {"link.capacity", Stage::session, "The server has room for the connection",
     "PostgreSQL refuses connections beyond max_connections (too many clients already), beyond "
     "the role's or database's own limit, and while it starts, stops or recovers.",
     capacity},
    {"auth.hba", Stage::session, "pg_hba.conf lets the user in",
     "PostgreSQL takes the first line of pg_hba.conf that fits connection type, database, user "
     "and address. hostssl fits encrypted connections only, hostnossl plain ones only, host both. "
     "No fitting line, or one that says reject, ends the attempt. With ssl = off on the server, "
     "hostssl lines fit nothing.",
     hba},
    {"auth.method", Stage::session, "How the role was authenticated",
     "PostgreSQL 16 and later tell the method (system_user); before, only that a password was "
     "asked for, or a client certificate seen. Neither of the two means trust: everybody who "
     "reaches the server may be that role.",
     method},
    {"auth.certificate", Stage::session, "The client certificate is there when demanded",
     "The methods cert, and clientcert=verify-ca or verify-full with any method, demand a client "
     "certificate. PostgreSQL can check it only with ssl_ca_file; without, it refuses everybody "
     "on such a line.",
     certificate},
    {"auth.certificate_name", Stage::session, "The certificate's name fits the role",
     "cert and clientcert=verify-full compare the CN with the role, case included. cert lines may "
     "use map= and pg_ident.conf; then every name needs a line there, an equal one too. With a "
     "password method and clientcert=verify-full, PostgreSQL reports a wrong CN as \"password "
     "authentication failed\"; only its own log tells the truth (CN mismatch).",
     certificate_name},
    {"auth.password", Stage::session, "The password is accepted",
     "\"password authentication failed\" is all that PostgreSQL tells a client, whether the "
     "password is wrong, the role is missing, has no password, or the password has expired. When "
     "a client certificate is configured, look at auth.certificate_name first.",
     password},
    {"auth.role", Stage::session, "The role exists and may log in",
     "The role of pg_user must exist with LOGIN. It should own its database and have no further "
     "rights: a gateway that is superuser makes every fault in it a fault of the whole server.",
     role},
    {"auth.database", Stage::session, "The database exists and lets the role in",
     "The database of pg_database must exist, accept connections, and grant CONNECT to the role.",
     database},
};

}  // namespace

std::span<const Check> session_checks() {
  return kChecks;
}

}  // namespace sallyport::doctor
