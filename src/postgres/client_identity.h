// The client certificate (pg_ssl_cert) with its chain and its private key (pg_ssl_cert_key), held
// to the rules that libpq and PostgreSQL have for key files, and given to OpenSSL from memory: a
// new file on disk changes nothing until it has been found good. Values, copied freely; any thread.
#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "postgres/link_state.h"

struct ssl_st;

namespace sallyport::postgres {

class ClientIdentity {
 public:
  ClientIdentity() = default;  // no certificate

  // Never prompts: an encrypted key is an error. `prefix` is "pg_" or "pg_ro_", for messages.
  // Errors: "conf.pg_ssl_cert", "conf.pg_ssl_cert_key".
  static Result<ClientIdentity> load(const std::string& certificate, const std::string& key,
                                     const std::string& prefix = "pg_");

  bool empty() const { return parsed_ == nullptr; }
  CertificateFacts facts() const;  // of the leaf

  // Puts certificate, chain and key into a handshake. False leaves OpenSSL's error queue filled.
  bool give_to(ssl_st* ssl) const;

 private:
  struct Parsed;
  explicit ClientIdentity(std::shared_ptr<const Parsed> parsed) : parsed_(std::move(parsed)) {}
  std::shared_ptr<const Parsed> parsed_;
};

}  // namespace sallyport::postgres
