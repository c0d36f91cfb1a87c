// Verifies the server inside the TLS handshake that libpq makes. An ex_data hook catches each
// SSL_CTX that libpq creates and installs our verification callback, our cached trust store and our
// client certificate in it: chain, depth, revocation, purpose and host name are settled before a
// byte of ours beyond the ClientHello is sent. docs/adr/0020-verify-in-our-own-callback.md.
// Owned by one attempt to connect, then by its Connection: it must outlive the PGconn.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "postgres/link_files.h"
#include "postgres/link_state.h"

struct ssl_st;
struct ssl_ctx_st;
struct x509_store_ctx_st;

namespace sallyport::postgres {

struct TlsDemands {
  std::string host;  // a name, or a literal address
  LinkRole role = LinkRole::main;
  bool verify = false;
  bool verify_host = true;
  int depth = 1;  // intermediates allowed between leaf and anchor
  LinkFiles files;
};

class TlsCheck {
 public:
  explicit TlsCheck(TlsDemands demands);
  TlsCheck(const TlsCheck&) = delete;
  TlsCheck& operator=(const TlsCheck&) = delete;

  // While one lives, the SSL_CTX that a call of this thread creates is bound to the check. Hold it
  // around calls into libpq only.
  class Watch {
   public:
    explicit Watch(TlsCheck& check);
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

   private:
    TlsCheck* former_;
  };

  // The second barrier, between handshake and startup packet: that the callback has run, has said
  // yes, and that OpenSSL's own state says the same of the same certificate. Error:
  // "link.unchecked".
  Result<void> confirm(ssl_st* ssl) const;

  // Why the callback said no; nothing when it did not.
  const std::optional<Error>& refusal() const { return refusal_; }

  // What went wrong when the client certificate was to be shown; "" when nothing did.
  const std::string& identity_error() const { return identity_error_; }

  // Copies what was learned of the server's certificates and of ours.
  void describe(LinkState& state) const;

 private:
  friend struct TlsHooks;
  void bind(ssl_ctx_st* context);
  bool accept(x509_store_ctx_st* context);
  bool accept_chain(x509_store_ctx_st* context);
  Error explain(x509_store_ctx_st* context) const;
  bool show_identity(ssl_st* ssl);

  TlsDemands demands_;
  bool called_ = false;
  bool accepted_ = false;
  bool identity_requested_ = false;
  std::string identity_error_;
  std::optional<Error> refusal_;
  std::vector<CertificateFacts> chain_;  // as sent, then as verified
  std::optional<CertificateFacts> anchor_;
  int verify_error_ = 0;
  int verify_error_depth_ = -1;
};

}  // namespace sallyport::postgres
