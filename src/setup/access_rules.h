// The lines of pg_hba.conf and pg_ident.conf that let the gateway in, and nobody without TLS. What
// PostgreSQL 12 to 18 accept is decided here, so that nothing is written that the server refuses
// (a map outside of `cert`, clientcert=verify-ca on `cert`). Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace sallyport::setup {

// How a client proves who it is, always over TLS.
enum class Method : uint8_t {
  cert,               // hostssl … cert: the certificate's CN is the role, or the map says so
  trust_verify_full,  // hostssl … trust clientcert=verify-full: the same without a map
  scram_verify_full,  // certificate with CN = role, and a password
  scram_verify_ca,    // a certificate of that CA whatever its CN, and a password
  scram,              // a password only; the client shows no certificate
};

// "cert", "trust-verify-full", "scram-verify-full", "scram-verify-ca", "scram".
Result<Method> parse_method(std::string_view word);
std::string_view to_word(Method method);
bool wants_client_certificate(Method method);
bool wants_password(Method method);

struct AccessRules {
  Method method = Method::cert;
  std::vector<std::string> databases = {"kong"};
  std::vector<std::string> roles = {"kong"};
  std::vector<std::string> addresses = {"all"};  // "all", "samenet", CIDR, or a host name
  // Certificate name -> role, on `cert` only. A name that begins with / is a regular expression.
  std::vector<std::pair<std::string, std::string>> map;
  bool reject_plain = true;  // add a line that refuses these roles without TLS
};

inline constexpr std::string_view kMapName = "sallyport";

// Errors: "setup.map" (a map with another method, or one that is broken), "setup.address".
Result<void> check(const AccessRules& rules);

// Lines ending in newlines. `ident_lines` is empty without a map.
std::string hba_lines(const AccessRules& rules);
std::string ident_lines(const AccessRules& rules);

// Lines of a pg_hba.conf that may match one of the roles before a line behind them does: whatever
// their method, and `include` directives, which may bring such lines.
std::vector<std::string> matching_lines(std::string_view hba, const AccessRules& rules);

// Lines that would let one of the roles in without TLS or by a weaker method if our block were not
// in front of them: worth a word to the operator.
std::vector<std::string> weaker_lines(std::string_view hba, const AccessRules& rules);

// Whether our lines decide about every connection of these roles over TCP.
bool covers_all(const AccessRules& rules);

// Whether they decide about connections over this machine's loopback: there alone nobody can prove
// what holds for other addresses.
bool covers_loopback(const AccessRules& rules);

}  // namespace sallyport::setup
