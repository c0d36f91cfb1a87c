#include "setup/server_proof.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/uuid.h"
#include "postgres/connection.h"

namespace sallyport::setup {
namespace {

using Outcome = Trial::Outcome;

// The door is right and what lies behind it is not there yet.
bool past_the_door(const Error& error) {
  if (error.code == "link.database") return true;
  return error.detail.find("role \"") != std::string::npos &&
         error.detail.find("does not exist") != std::string::npos;
}

// Only the server's own no says who is let in: a port that nobody answers says nothing.
bool turned_away(const Error& error) {
  return error.code == "link.authentication" || error.code == "link.client_certificate" ||
         error.code == "link.no_entry";
}

Outcome judge(const Error& error, bool must_connect) {
  bool past = past_the_door(error);
  if (!past && !turned_away(error) && !must_connect) return Outcome::inconclusive;
  if (error.code == "link.refused" || error.code == "link.unreachable" ||
      error.code == "link.timeout" || error.code == "link.busy") {
    return Outcome::inconclusive;
  }
  return past == must_connect ? Outcome::as_demanded : Outcome::wrong;
}

Trial try_out(const postgres::LinkSettings& link, std::string what, bool must_connect) {
  Trial trial;
  trial.what = std::move(what);
  trial.must_connect = must_connect;
  postgres::LinkState state;
  auto connection = postgres::Connection::open(link, &state);
  if (connection) {
    trial.seen = state.tls ? fmt::format("connected, {} {}", state.tls_version, state.cipher)
                           : "connected in plain text";
    trial.outcome = must_connect ? Trial::Outcome::as_demanded : Trial::Outcome::wrong;
    return trial;
  }
  trial.seen = connection.error().detail;
  trial.outcome = judge(connection.error(), must_connect);
  return trial;
}

}  // namespace

std::vector<Trial> prove(const postgres::LinkSettings& link, const AccessRules& rules) {
  std::vector<Trial> trials;
  bool certificate = wants_client_certificate(rules.method);
  trials.push_back(
      try_out(link, fmt::format("{} as {}", certificate ? "mutual TLS" : "TLS", link.user), true));
  if (rules.reject_plain) {
    postgres::LinkSettings plain = link;
    plain.ssl = plain.ssl_required = plain.verify = false;
    plain.certificate.clear();
    plain.key.clear();
    trials.push_back(try_out(plain, "plain text", false));
  }
  if (certificate) {
    postgres::LinkSettings bare = link;
    bare.certificate.clear();
    bare.key.clear();
    trials.push_back(try_out(bare, "TLS without a client certificate", false));
  }
  bool every_role = std::ranges::find(rules.roles, "all") != rules.roles.end();
  if (certificate && every_role && rules.map.empty() && rules.method != Method::scram_verify_ca) {
    postgres::LinkSettings other = link;
    other.user = link.user + "_other";
    trials.push_back(try_out(other, "the same certificate as role " + other.user, false));
  }
  if (wants_password(rules.method)) {
    postgres::LinkSettings wrong = link;
    wrong.password = Secret(new_uuid());
    trials.push_back(try_out(wrong, "a wrong password", false));
  }
  return trials;
}

}  // namespace sallyport::setup
