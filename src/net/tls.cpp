#include "net/tls.h"

#include <utility>

#include "net/block.h"
#include "net/openssl_handles.h"
#include "net/ticket_keys.h"
#include "net/tls_callbacks.h"

namespace sallyport::net {
namespace {

void set_common(SSL_CTX* context) {
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // An idle connection gives OpenSSL's own buffers back.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // A record with its header and tag fills one block and not a bit of a second.
  SSL_CTX_set_max_send_fragment(context, kBlockSize - 256);
}

Result<void> demand_clients(SSL_CTX* context, std::string_view authorities) {
  auto trusted = TrustStore::load(authorities, TrustStore::Anchors::each);
  if (!trusted) return fail(trusted.error());
  (*trusted)->judge_on(context);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context, 0);
  return {};
}

}  // namespace

TlsContext::TlsContext(SSL_CTX* context) : context_(context) {}

TlsContext::~TlsContext() {
  SSL_CTX_free(context_);
}

Result<std::shared_ptr<const TlsContext>> TlsContext::server(const ServerTls& options) {
  ContextPtr context(SSL_CTX_new(TLS_server_method()));
  if (context == nullptr) return tls_error("OpenSSL does not start");
  set_common(context.get());
  if (auto applied = apply_policy(context.get(), options.policy); !applied) {
    return fail(applied.error());
  }
  for (const auto& pair : options.certificate) {
    if (!pair->show_on(context.get())) return tls_error("the server certificate cannot be used");
  }
  set_server_callbacks(context.get());
  if (!options.client_authorities.empty()) {
    if (auto set = demand_clients(context.get(), options.client_authorities); !set) {
      return fail(set.error());
    }
  }
  std::shared_ptr<TlsContext> made(new TlsContext(context.release()));
  made->ticket_keys_ = std::make_unique<TicketKeys>(options.policy.session_timeout_s);
  made->ticket_keys_->use_on(made->context_);
  return std::shared_ptr<const TlsContext>(std::move(made));
}

Result<std::shared_ptr<const TlsContext>> TlsContext::client(const ClientTls& options) {
  ContextPtr context(SSL_CTX_new(TLS_client_method()));
  if (context == nullptr) return tls_error("OpenSSL does not start");
  set_common(context.get());
  if (auto set = set_protocols(context.get(), options.protocols, "lua_ssl_protocols"); !set) {
    return fail(set.error());
  }
  if (options.authorities.empty()) {
    if (SSL_CTX_set_default_verify_paths(context.get()) != 1) {
      return tls_error("the system's trusted certificates cannot be read");
    }
  } else {
    auto trusted = TrustStore::load(options.authorities, TrustStore::Anchors::roots);
    if (!trusted) return fail(trusted.error());
    (*trusted)->judge_on(context.get());
  }
  if (options.identity != nullptr && !options.identity->show_on(context.get())) {
    return tls_error("the client certificate cannot be used");
  }
  set_client_callbacks(context.get());
  return std::shared_ptr<const TlsContext>(new TlsContext(context.release()));
}

}  // namespace sallyport::net
