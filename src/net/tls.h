// TLS contexts: what the connections of a listener, or those to upstreams, have in common. Made
// once and shared by threads. What one connection adds is in tls_filter.h.
#pragma once

#include <memory>
#include <string_view>

#include "base/error.h"
#include "net/key_pair.h"
#include "net/tls_policy.h"
#include "net/trust_store.h"

struct ssl_ctx_st;

namespace sallyport::net {

class TicketKeys;

struct ServerTls {
  ServerCertificate certificate = {};  // shown where no CertificateSource knows better
  TlsPolicy policy = {};
  // PEM. When not "", clients must show a certificate of one of them, root or not; sessions are not
  // resumed then, so that each connection proves itself.
  std::string_view client_authorities = {};
};

// What holds unless a connection says otherwise.
struct ClientTls {
  std::string_view protocols = "TLSv1.2 TLSv1.3";
  std::string_view authorities = {};  // PEM, with the roots; "": those that the system trusts
  std::shared_ptr<const KeyPair> identity = {};
};

class TlsContext {
 public:
  // For listeners: HTTP/1.1 and where it is offered HTTP/2 by ALPN. Errors: "net.tls"
  // (Side::config).
  static Result<std::shared_ptr<const TlsContext>> server(const ServerTls& options);
  // For upstreams. Errors: "net.tls" (Side::config).
  static Result<std::shared_ptr<const TlsContext>> client(const ClientTls& options = {});

  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;
  ~TlsContext();

  ssl_ctx_st* get() const { return context_; }

 private:
  explicit TlsContext(ssl_ctx_st* context);

  ssl_ctx_st* context_;
  std::unique_ptr<TicketKeys> ticket_keys_;  // of servers
};

}  // namespace sallyport::net
