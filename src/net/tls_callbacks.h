// What OpenSSL calls back in the middle of a handshake, for tls.cpp. The thread of the connection
// whose handshake it is.
#pragma once

struct ssl_ctx_st;

namespace sallyport::net {

// The certificate by SNI, and the protocol by ALPN.
void set_server_callbacks(ssl_ctx_st* context);
// Keeps sessions for the next connection.
void set_client_callbacks(ssl_ctx_st* context);

}  // namespace sallyport::net
