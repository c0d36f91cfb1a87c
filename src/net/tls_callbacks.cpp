#include "net/tls_callbacks.h"

#include <array>

#include <openssl/sha.h>

#include "net/openssl_handles.h"
#include "net/tls_filter.h"

namespace sallyport::net {

struct TlsCallbacks {
  static TlsFilter* filter_of(const SSL* ssl) {
    return static_cast<TlsFilter*>(SSL_get_app_data(ssl));
  }

  // RFC 6066 section 3: no session is resumed for another name, which OpenSSL would do: the routes
  // go by the name, and up to TLS 1.2 that of the session counts. OpenSSL resumes within one
  // context of sessions, which this comes before. No name is a name of its own.
  static int keep_sessions_to_name(SSL* ssl, int*, void*) {
    const unsigned char* name = nullptr;
    size_t size = 0;
    SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &name, &size);
    std::array<unsigned char, SHA256_DIGEST_LENGTH> context;
    static_assert(sizeof(context) <= SSL_MAX_SID_CTX_LENGTH);
    SHA256(name, size, context.data());
    const bool set = SSL_set_session_id_context(ssl, context.data(), context.size()) == 1;
    return set ? SSL_CLIENT_HELLO_SUCCESS : SSL_CLIENT_HELLO_ERROR;
  }

  // No protocol in common: an alert, as RFC 7301 section 3.2 wants it and nginx does it since
  // 1.21.4. What is spoken on a stream is the target's matter: there nothing is agreed on.
  static int choose_protocol(SSL* ssl, const unsigned char** out, unsigned char* out_size,
                             const unsigned char* offered, unsigned int offered_size, void*) {
    static constexpr unsigned char kProtocols[] = "\x02h2\x08http/1.1\x08http/1.0";
    constexpr size_t kHttp2 = 3;
    const TlsFilter& filter = *filter_of(ssl);
    if (!filter.offers_http_) return SSL_TLSEXT_ERR_NOACK;
    const size_t skipped = filter.offers_http2_ ? 0 : kHttp2;
    unsigned char* chosen = nullptr;
    if (SSL_select_next_proto(&chosen, out_size, kProtocols + skipped,
                              static_cast<unsigned int>(sizeof(kProtocols) - 1 - skipped), offered,
                              offered_size) != OPENSSL_NPN_NEGOTIATED) {
      return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
  }

  static int choose_certificate(SSL* ssl, void*) {
    const TlsFilter& filter = *filter_of(ssl);
    if (filter.certificates_ == nullptr) return 1;
    const auto* certificate = filter.certificates_->certificate_for(filter.server_name());
    if (certificate == nullptr) return 1;
    SSL_certs_clear(ssl);
    for (const auto& pair : *certificate) {
      if (!pair->show_on(ssl)) return 0;
    }
    return 1;
  }

  // Without it a client that sends a name gets no answer to that extension, which RFC 6066 allows
  // and some clients log.
  static int accept_name(SSL*, int*, void*) { return SSL_TLSEXT_ERR_OK; }

  // 1: the session is ours now.
  static int keep_session(SSL* ssl, SSL_SESSION* session) {
    TlsFilter* filter = filter_of(ssl);
    if (filter == nullptr || filter->session_ == nullptr) return 0;
    filter->session_->keep(session);
    return 1;
  }
};

void set_server_callbacks(SSL_CTX* context) {
  SSL_CTX_set_client_hello_cb(context, &TlsCallbacks::keep_sessions_to_name, nullptr);
  SSL_CTX_set_alpn_select_cb(context, &TlsCallbacks::choose_protocol, nullptr);
  SSL_CTX_set_cert_cb(context, &TlsCallbacks::choose_certificate, nullptr);
  SSL_CTX_set_tlsext_servername_callback(context, &TlsCallbacks::accept_name);
}

void set_client_callbacks(SSL_CTX* context) {
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, &TlsCallbacks::keep_session);
}

}  // namespace sallyport::net
