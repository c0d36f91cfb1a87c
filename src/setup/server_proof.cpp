#include "setup/server_proof.h"

#include <fmt/format.h>

#include "postgres/connection.h"

namespace sallyport::setup {
namespace {

// The door is right and what lies behind it is not there yet.
bool past_the_door(const std::string& text) {
  return text.find("does not exist") != std::string::npos &&
         text.find("database \"") != std::string::npos;
}

// Nobody answered: that proves nothing about who is let in.
bool nobody_there(const std::string& text) {
  return text.find("Connection refused") != std::string::npos ||
         text.find("timeout") != std::string::npos;
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
  if (nobody_there(trial.seen)) {
    trial.outcome = Trial::Outcome::inconclusive;
  } else if (past_the_door(trial.seen)) {
    trial.outcome = must_connect ? Trial::Outcome::as_demanded : Trial::Outcome::wrong;
  } else {
    trial.outcome = must_connect ? Trial::Outcome::wrong : Trial::Outcome::as_demanded;
  }
  return trial;
}

}  // namespace

std::vector<Trial> prove(const postgres::LinkSettings& link, Method method) {
  std::vector<Trial> trials;
  bool certificate = wants_client_certificate(method);
  trials.push_back(
      try_out(link, fmt::format("{} as {}", certificate ? "mutual TLS" : "TLS", link.user), true));
  postgres::LinkSettings plain = link;
  plain.ssl = plain.ssl_required = plain.verify = false;
  plain.certificate.clear();
  plain.key.clear();
  trials.push_back(try_out(plain, "plain text", false));
  if (certificate) {
    postgres::LinkSettings bare = link;
    bare.certificate.clear();
    bare.key.clear();
    trials.push_back(try_out(bare, "TLS without a client certificate", false));
  }
  return trials;
}

}  // namespace sallyport::setup
