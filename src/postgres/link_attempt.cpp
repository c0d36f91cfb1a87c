#include "postgres/link_attempt.h"

#include <mutex>

#include <fmt/format.h>

#include "base/log.h"
#include "postgres/link_metrics.h"
#include "postgres/link_refusal.h"
#include "postgres/openssl_handles.h"
#include "postgres/peer_memory.h"
#include "postgres/socket_wait.h"
#include "postgres/ssl_answer.h"

namespace sallyport::postgres {
namespace {

void ignore_notice(void*, const PGresult*) {}

int no_pass_phrase(char* buffer, int size, PGconn*) {
  if (size > 0) buffer[0] = '\0';
  return 0;  // OpenSSL would ask on the terminal
}

class Attempt {
 public:
  Attempt(const LinkSettings& settings, const LinkTarget& target, TimePoint deadline,
          LinkState& state)
      : settings_(settings), target_(target), deadline_(deadline), state_(state) {}

  // Error code "link.no_tls" when the server answered N, whatever the settings say of that.
  Result<Reached> run(Encryption encryption, const LinkFiles& files) {
    encryption_ = encryption;
    if (encryption == Encryption::tls) {
      reached_.check = std::make_unique<TlsCheck>(TlsDemands{.host = target_.host,
                                                             .role = settings_.role,
                                                             .verify = settings_.verify,
                                                             .verify_host = settings_.verify_host,
                                                             .depth = settings_.verify_depth,
                                                             .files = files});
    }
    state_.stage = LinkStage::tcp;
    LibpqParameters parameters(settings_, target_, encryption);
    reached_.connection.reset(
        PQconnectStartParams(parameters.keywords(), parameters.values(), /*expand_dbname=*/0));
    if (!connection()) return refuse("out of memory");
    PQsetErrorVerbosity(connection(), PQERRORS_VERBOSE);  // with the SQLSTATE
    PQsetNoticeReceiver(connection(), ignore_notice, nullptr);
    if (PQstatus(connection()) == CONNECTION_BAD) return refuse(PQerrorMessage(connection()));
    auto driven = drive();
    if (reached_.check) reached_.check->describe(state_);
    if (!driven) return fail(driven.error());
    PQsetErrorVerbosity(connection(), PQERRORS_DEFAULT);
    state_.used_password = PQconnectionUsedPassword(connection()) != 0;
    return std::move(reached_);
  }

 private:
  PGconn* connection() const { return reached_.connection.get(); }

  Result<void> drive() {
    PostgresPollingStatusType next = PGRES_POLLING_WRITING;
    for (;;) {
      WaitFor what = next == PGRES_POLLING_READING ? WaitFor::read : WaitFor::write;
      if (!wait_for(PQsocket(connection()), what, deadline_)) {
        return fail(timeout_refusal(facts()));
      }
      if (auto step = before_poll(); !step) return step;
      {
        std::optional<TlsCheck::Watch> watch;
        if (reached_.check) watch.emplace(*reached_.check);
        next = PQconnectPoll(connection());
      }
      if (next == PGRES_POLLING_OK) return {};
      if (next == PGRES_POLLING_FAILED) return refuse(PQerrorMessage(connection()));
    }
  }

  // Looks at where libpq stands before it goes on.
  Result<void> before_poll() {
    bool tls = encryption_ == Encryption::tls;
    switch (PQstatus(connection())) {
      case CONNECTION_STARTED:
        return {};
      case CONNECTION_MADE:
        if (!tls) {
          state_.stage = LinkStage::authentication;
          return {};
        }
        if (PQsslInUse(connection()) == 0) {
          state_.stage = LinkStage::ssl_request;
          return {};
        }
        return handshake_done();
      case CONNECTION_SSL_STARTUP:
        if (PQsslInUse(connection()) != 0) return {};
        return look_at_answer();
      default:
        state_.stage = LinkStage::authentication;
        return {};
    }
  }

  Result<void> look_at_answer() {
    SslAnswer answer = peek_ssl_answer(PQsocket(connection()));
    if (answer.byte != 0) state_.ssl_answer = answer.byte;
    if (answer.kind == SslAnswer::Kind::yes) state_.stage = LinkStage::handshake;
    // Read what is the end of this connection: closing with unread bytes resets it, and a server
    // logs that as a fault.
    if (answer.kind == SslAnswer::Kind::no) take_ssl_answer(PQsocket(connection()));
    if (auto refusal = answer_refusal(facts(), answer)) return fail(std::move(*refusal));
    return {};
  }

  // libpq returns once between the handshake and the startup packet: the last moment to stop.
  Result<void> handshake_done() {
    if (state_.tls) return {};
    auto* ssl = static_cast<SSL*>(PQgetssl(connection()));
    if (auto good = reached_.check->confirm(ssl); !good) {
      count(LinkEvent::refused_server);
      log::error("postgres: {}", good.error().text());
      return good;
    }
    state_.stage = LinkStage::authentication;
    state_.tls = true;
    state_.tls_version = SSL_get_version(ssl);
    state_.cipher = SSL_get_cipher_name(ssl);
    reached_.check->describe(state_);
    if (!state_.server_chain.empty()) {
      remember_tls(target_.host, settings_.port, state_.server_chain.front());
    }
    return {};
  }

  AttemptFacts facts() const { return {settings_, target_, state_}; }

  std::unexpected<Error> refuse(const char* libpq_text) {
    if (reached_.check) reached_.check->describe(state_);
    if (reached_.check && reached_.check->refusal()) {
      count(LinkEvent::refused_server);
      Error error = *reached_.check->refusal();
      error.detail = peer_prefix(facts()) + error.detail;
      return fail(std::move(error));
    }
    if (reached_.check && !reached_.check->identity_error().empty()) {
      return fail(identity_refusal(facts(), reached_.check->identity_error()));
    }
    return fail(libpq_refusal(facts(), libpq_text, state_.sqlstate));
  }

  const LinkSettings& settings_;
  const LinkTarget& target_;
  TimePoint deadline_;
  LinkState& state_;
  Encryption encryption_ = Encryption::plain;
  Reached reached_;
};

Result<Reached> go_plain(const LinkSettings& settings, const LinkFiles& files,
                         const LinkTarget& target, TimePoint deadline, LinkState& state,
                         Error no_tls) {
  AttemptFacts facts{settings, target, state};
  if (spoke_tls(target.host, settings.port)) {
    count(LinkEvent::downgrade);
    Error alarm = downgrade_refusal(facts);
    log::at(log::Level::alert, "postgres: {}", alarm.text());
    return fail(std::move(alarm));
  }
  if (settings.ssl_required) return fail(std::move(no_tls));
  if (settings.channel_binding == ChannelBinding::require) {
    return fail(channel_binding_refusal(facts));
  }
  if (first_plain(target.host, settings.port)) {
    log::warn(
        "postgres: {}:{} does not support SSL; going on in plain text, readable and changeable by "
        "everybody on the way{}. {} = on refuses that",
        target.host, settings.port,
        settings.verify ? "; verification has no effect without SSL" : "",
        setting_name(settings.role, "pg_ssl_required"));
  }
  auto reached = Attempt(settings, target, deadline, state).run(Encryption::plain, files);
  if (reached) {
    state.plain_fallback = true;
    count(LinkEvent::plain_fallback);
  }
  return reached;
}

}  // namespace

Result<Reached> reach(const LinkSettings& settings, const LinkFiles& files,
                      const LinkTarget& target, TimePoint deadline, LinkState& state) {
  static std::once_flag hooked;
  std::call_once(hooked, [] { PQsetSSLKeyPassHook_OpenSSL(no_pass_phrase); });
  Attempt first(settings, target, deadline, state);
  if (!settings.ssl) return first.run(Encryption::plain, files);
  auto reached = first.run(Encryption::tls, files);
  if (reached || reached.error().code != "link.no_tls") return reached;
  return go_plain(settings, files, target, deadline, state, std::move(reached.error()));
}

}  // namespace sallyport::postgres
