#include "net/tls_session.h"

#include <utility>

#include <openssl/ssl.h>

namespace sallyport::net {

void TlsSession::keep(SSL_SESSION* session) {
  SSL_SESSION_free(std::exchange(session_, session));
}

void TlsSession::offer_on(SSL* ssl) const {
  if (session_ != nullptr && SSL_SESSION_is_resumable(session_) == 1) {
    SSL_set_session(ssl, session_);
  }
}

void TlsSession::forget() {
  SSL_SESSION_free(std::exchange(session_, nullptr));
}

}  // namespace sallyport::net
