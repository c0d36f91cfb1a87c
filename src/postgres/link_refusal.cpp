#include "postgres/link_refusal.h"

#include <array>

#include <fmt/format.h>

#include "base/text.h"

namespace sallyport::postgres {
namespace {

std::string name(const AttemptFacts& facts, std::string_view key) {
  return setting_name(facts.settings.role, key);
}

Error refusal(std::string_view code, std::string detail, std::string remedy,
              Retry retry = Retry::other_target) {
  return Error{code, Side::database, retry, std::move(detail), std::move(remedy)};
}

struct Advice {
  std::string_view code;
  std::string remedy;
};

// What verbose messages add: "FATAL:  28P01: text" -> "FATAL:  text", and the LOCATION line.
std::string without_verbosity(std::string_view text, std::string& sqlstate) {
  std::string result;
  sqlstate.clear();
  for (std::string_view line : text::split(text, '\n')) {
    if (line.starts_with("LOCATION:")) continue;
    size_t code = line.find(":  ");
    bool coded = code != std::string_view::npos && line.size() > code + 10 &&
                 line.substr(code + 8, 2) == ": ";
    for (size_t i = 3; coded && i < 8; ++i) {
      char c = line[code + i];
      coded = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
    }
    if (!result.empty()) result += '\n';
    if (coded) {
      sqlstate = line.substr(code + 3, 5);
      result.append(line.substr(0, code + 3)).append(line.substr(code + 10));
    } else {
      result.append(line);
    }
  }
  return result;
}

Advice tcp_advice(const AttemptFacts& facts, std::string_view text) {
  if (text.contains("refused")) {
    return {"link.refused",
            fmt::format("Is PostgreSQL running there, with listen_addresses that "
                        "includes {}, on port {} ({})?",
                        facts.target.address, facts.settings.port, name(facts, "pg_port"))};
  }
  return {"link.unreachable", "Check address, route and firewall"};
}

std::string identity_hint(const AttemptFacts& facts, std::string_view text) {
  std::string cert = name(facts, "pg_ssl_cert");
  if (text.contains("unknown ca")) {
    return fmt::format(
        "The server does not know the CA of {}: its ssl_ca_file lacks it, or the "
        "intermediates are missing in {}",
        cert, cert);
  }
  if (text.contains("certificate expired")) {
    return fmt::format("Renew {}; the server's log names the certificate, or the CRL is outdated",
                       cert);
  }
  if (text.contains("certificate revoked")) return fmt::format("{} was withdrawn: renew it", cert);
  if (text.contains("unsupported certificate")) {
    return fmt::format("extendedKeyUsage of {} lacks clientAuth: reissue it", cert);
  }
  return fmt::format("The server may have refused {}: look into its log", cert);
}

Advice handshake_advice(const AttemptFacts& facts, std::string_view text) {
  std::string version = name(facts, "pg_ssl_version");
  if (text.contains("wrong version number") || text.contains("packet length too long")) {
    return {"link.handshake", "What answers does not speak TLS: a proxy in between?"};
  }
  if (text.contains("alert protocol version") || text.contains("unsupported protocol") ||
      text.contains("legacy sigalg")) {
    return {"link.tls_version",
            fmt::format("The server does not speak the TLS version that {} asks for: set another "
                        "one, or `any`",
                        version)};
  }
  if (text.contains("unencrypted data after SSL response")) {
    return {"link.injected", "Somebody on the way may be tampering with the connection"};
  }
  bool shown = facts.state.client_certificate.has_value();
  if (text.contains(" alert ") && shown && facts.state.client_certificate_requested) {
    return {"link.client_certificate", identity_hint(facts, text)};
  }
  if (text.contains("wrong version number") || text.contains("packet length too long")) {
    return {"link.handshake", "What answers does not speak TLS: a proxy in between?"};
  }
  return {"link.handshake",
          "Look into the server's log; a load balancer or TLS inspection between "
          "the two can cut handshakes"};
}

Advice sqlstate_advice(const AttemptFacts& facts, std::string_view text,
                       std::string_view sqlstate) {
  std::string user = name(facts, "pg_user");
  if (sqlstate == "28P01") {
    std::string hint = fmt::format("Check {} and {}", user, name(facts, "pg_password"));
    if (facts.state.client_certificate) {
      hint +=
          "; with clientcert=verify-full the server says so too when the CN of the client "
          "certificate is not the role: its log tells";
    }
    return {"link.authentication", hint};
  }
  if (text.contains("connection requires a valid client certificate")) {
    return {"link.client_certificate", fmt::format("Set {} and {}", name(facts, "pg_ssl_cert"),
                                                   name(facts, "pg_ssl_cert_key"))};
  }
  if (text.contains("certificate authentication failed")) {
    return {"link.client_certificate",
            fmt::format("The CN of {} must be the role {}, or pg_ident.conf must map it",
                        name(facts, "pg_ssl_cert"), facts.settings.user)};
  }
  if (text.contains("root certificate store")) {
    return {"link.client_certificate", "Set ssl_ca_file on the server"};
  }
  if (text.contains("no pg_hba.conf entry") || text.contains("rejects connection")) {
    if (text.contains("no encryption")) {
      return {"link.no_entry", fmt::format("The server wants TLS: set {} = on (and ssl = on on the "
                                           "server)",
                                           name(facts, "pg_ssl"))};
    }
    return {"link.no_entry",
            "Add a line to the server's pg_hba.conf: hostssl, for this user, "
            "database and address"};
  }
  if (sqlstate == "3D000") return {"link.database", "Create the database, or change pg_database"};
  if (sqlstate == "53300" || sqlstate.starts_with("57P")) {
    return {"link.busy", "The server takes no connection now; it may later"};
  }
  if (sqlstate.starts_with("28")) return {"link.authentication", "The server's log says more"};
  return {"link.server_refused", ""};
}

Advice authentication_advice(const AttemptFacts& facts, std::string_view text,
                             std::string_view sqlstate) {
  if (!sqlstate.empty()) return sqlstate_advice(facts, text, sqlstate);
  if (text.contains("channel binding")) {
    return {"link.channel_binding",
            fmt::format("{} = require needs scram-sha-256 over TLS, without a proxy that ends it",
                        name(facts, "pg_channel_binding"))};
  }
  if (text.contains("no password supplied")) {
    return {"link.authentication", fmt::format("Set {}", name(facts, "pg_password"))};
  }
  // TLS 1.3: the server judges the client certificate after the client's handshake is done, and its
  // alert may be lost behind a reset.
  if (facts.state.tls && facts.state.client_certificate_requested) {
    if (facts.state.client_certificate) {
      return {"link.client_certificate", identity_hint(facts, text)};
    }
    return {"link.client_certificate",
            fmt::format("The server asked for a client certificate: set {} and {}",
                        name(facts, "pg_ssl_cert"), name(facts, "pg_ssl_cert_key"))};
  }
  return {"link.closed", "Look into the server's log"};
}

Advice advice_for(const AttemptFacts& facts, std::string_view text, std::string_view sqlstate) {
  switch (facts.state.stage) {
    case LinkStage::files:
    case LinkStage::name:
    case LinkStage::tcp:
      return tcp_advice(facts, text);
    case LinkStage::ssl_request:
      if (facts.state.ssl_answer == 'E') {
        return {
            "link.ssl_error_answer",
            "Its text is withheld, for nobody vouches for it; too many clients, or starting up? "
            "The server's log says"};
      }
      return {"link.closed", "Is it PostgreSQL that listens there?"};
    case LinkStage::handshake:
      return handshake_advice(facts, text);
    case LinkStage::authentication:
    case LinkStage::session:
    case LinkStage::ready:
      return authentication_advice(facts, text, sqlstate);
  }
  return {"link.closed", ""};
}

std::string_view waiting_for(LinkStage stage) {
  switch (stage) {
    case LinkStage::ssl_request:
      return "the answer to SSLRequest";
    case LinkStage::handshake:
      return "the TLS handshake";
    case LinkStage::authentication:
      return "authentication";
    case LinkStage::session:
    case LinkStage::ready:
      return "the session";
    default:
      return "the TCP connection";
  }
}

}  // namespace

std::string clean_text(std::string_view text, const Secret& password) {
  std::string line;
  bool broken = false;  // a line has ended
  for (char c : text::trim(text)) {
    if (c == '\n' || c == '\r') broken = true;
    if (c == '\n' || c == '\r' || c == '\t') continue;
    // libpq wraps sentences: "…the server terminated abnormally\n\tbefore or while…".
    if (broken) line += c >= 'a' && c <= 'z' ? " " : "; ";
    broken = false;
    bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    line += control ? '?' : c;
  }
  // A server could echo what it was sent. Short ones occur in ordinary words.
  const std::string& secret = password.reveal();
  for (size_t at = 0; secret.size() >= 4 && (at = line.find(secret, at)) != std::string::npos;) {
    line.replace(at, secret.size(), "******");
  }
  return line;
}

std::string peer_prefix(const AttemptFacts& facts) {
  const LinkTarget& target = facts.target;
  std::string address = target.host == target.address ? "" : fmt::format(" ({})", target.address);
  return fmt::format("connection to server at \"{}\"{}, port {} failed: ", target.host, address,
                     facts.settings.port);
}

std::optional<Error> answer_refusal(const AttemptFacts& facts, const SslAnswer& answer) {
  using Kind = SslAnswer::Kind;
  if (answer.kind == Kind::no ||
      (answer.kind == Kind::injected && answer.byte == 'N' && facts.settings.ssl_required)) {
    return refusal("link.no_tls",
                   peer_prefix(facts) + "server does not support SSL, but SSL was required",
                   fmt::format("Set ssl = on on the server, or {} = off to go on without",
                               name(facts, "pg_ssl_required")));
  }
  if (answer.kind == Kind::injected) {
    return refusal("link.injected",
                   fmt::format("{}received unencrypted data after SSL response: \"{}\"",
                               peer_prefix(facts), answer.excerpt),
                   "Somebody on the way may be tampering with the connection");
  }
  if (answer.kind == Kind::garbage) {
    bool http = answer.excerpt.starts_with("HTTP");
    return refusal(
        "link.ssl_answer",
        fmt::format("{}received invalid response to SSL negotiation: {} (\"{}\")",
                    peer_prefix(facts), answer.excerpt.substr(0, 1), answer.excerpt),
        fmt::format("{}: check {} and {}", http ? "That is a web server" : "That is not PostgreSQL",
                    name(facts, "pg_host"), name(facts, "pg_port")));
  }
  return std::nullopt;
}

Error libpq_refusal(const AttemptFacts& facts, std::string_view text, std::string& sqlstate) {
  std::string plain = without_verbosity(text, sqlstate);
  std::string line = clean_text(plain, facts.settings.password);
  // libpq names the address only.
  if (size_t end = line.find(" failed: ");
      line.starts_with("connection to server at ") && end != std::string::npos) {
    line.erase(0, end + 9);
  }
  line.insert(0, peer_prefix(facts));
  Advice advice = advice_for(facts, line, sqlstate);
  bool later = advice.code == "link.busy";
  return refusal(advice.code, std::move(line), std::move(advice.remedy),
                 later ? Retry::later : Retry::other_target);
}

Error timeout_refusal(const AttemptFacts& facts) {
  return refusal("link.timeout",
                 fmt::format("{}timeout expired, waiting for {}", peer_prefix(facts),
                             waiting_for(facts.state.stage)),
                 fmt::format("A firewall? {} is {} ms, for all hosts together",
                             name(facts, "pg_timeout"), facts.settings.timeout.count()));
}

Error downgrade_refusal(const AttemptFacts& facts) {
  return refusal("link.downgrade",
                 peer_prefix(facts) + "server does not support SSL, although it did before",
                 "Either its ssl was switched off, or somebody on the way strips TLS. Nothing was "
                 "sent; a restart of the gateway makes it forget");
}

Error channel_binding_refusal(const AttemptFacts& facts) {
  return refusal("link.channel_binding",
                 peer_prefix(facts) + "channel binding required, but SSL not in use",
                 "Set ssl = on on the server");
}

Error identity_refusal(const AttemptFacts& facts, std::string_view why) {
  return refusal("conf.pg_ssl_cert",
                 fmt::format("{}{}: could not use the client certificate: {}", peer_prefix(facts),
                             name(facts, "pg_ssl_cert"), why),
                 "Its key or its signature is too weak for this machine's OpenSSL: reissue it");
}

}  // namespace sallyport::postgres
