// Puts into words why a server could not be used: libpq's text, which users search for, on one line
// and without control characters or our password, with a code and a remedy.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "postgres/libpq_parameters.h"
#include "postgres/link_settings.h"
#include "postgres/link_state.h"
#include "postgres/ssl_answer.h"

namespace sallyport::postgres {

// What an attempt knows when it ends.
struct AttemptFacts {
  const LinkSettings& settings;
  const LinkTarget& target;
  const LinkState& state;
};

// "connection to server at "db" (10.0.0.1), port 5432 failed: ", as libpq begins its messages.
std::string peer_prefix(const AttemptFacts& facts);

// An answer to SSLRequest that ends the attempt; nothing when libpq may go on. Codes:
// "link.no_tls", "link.injected", "link.ssl_answer".
std::optional<Error> answer_refusal(const AttemptFacts& facts, const SslAnswer& answer);

// libpq gave up. `text` is PQerrorMessage at PQERRORS_VERBOSE; `sqlstate` receives the server's
// code. Codes: "link.refused", "link.unreachable", "link.ssl_error_answer", "link.closed",
// "link.tls_version", "link.handshake", "link.client_certificate", "link.injected",
// "link.authentication", "link.no_entry", "link.database", "link.busy", "link.channel_binding",
// "link.server_refused".
Error libpq_refusal(const AttemptFacts& facts, std::string_view text, std::string& sqlstate);

Error timeout_refusal(const AttemptFacts& facts);                         // "link.timeout"
Error downgrade_refusal(const AttemptFacts& facts);                       // "link.downgrade"
Error channel_binding_refusal(const AttemptFacts& facts);                 // "link.channel_binding"
Error identity_refusal(const AttemptFacts& facts, std::string_view why);  // "conf.pg_ssl_cert"

// One line, without control characters; the password, should it occur, is masked.
std::string clean_text(std::string_view text, const Secret& password);

}  // namespace sallyport::postgres
