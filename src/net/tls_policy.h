// What a listener lets clients agree on: versions, ciphers, and how sessions resume. Plain values,
// from the ssl_* settings.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

struct ssl_ctx_st;

namespace sallyport::net {

struct TlsPolicy {
  std::string protocols = "TLSv1.2 TLSv1.3";  // separated by blanks; gaps between them are closed
  std::string ciphers = {};  // as OpenSSL writes them, 1.3's too; "": OpenSSL's own
  bool prefer_server_ciphers = false;
  std::string dh_parameters = {};  // "ffdhe2048" and so on, or PEM; "": no DHE
  bool tickets = true;
  int64_t session_timeout_s = 86'400;
  int64_t session_cache_bytes = 10 << 20;  // for clients without tickets; 0: none
};

// The named sets of ssl_cipher_suite: modern, intermediate, old, fips. Any other word: as `custom`.
TlsPolicy named_policy(std::string_view suite, TlsPolicy custom);

// Errors: "net.tls" (Side::config), naming the setting.
Result<void> set_protocols(ssl_ctx_st* context, std::string_view protocols,
                           std::string_view setting);
Result<void> apply_policy(ssl_ctx_st* context, const TlsPolicy& policy);

// All that would be refused, each beginning with the setting and a colon; nothing is set.
std::vector<Error> faults_of(const TlsPolicy& policy);
std::vector<Error> faults_of(std::string_view protocols, std::string_view setting);

}  // namespace sallyport::net
