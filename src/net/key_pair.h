// A certificate, the ones above it, and its key, read from PEM once and then shared: by every
// handshake that shows it, on any thread. Immutable.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/secret.h"

struct ssl_st;
struct ssl_ctx_st;
struct x509_st;
struct evp_pkey_st;
struct stack_st_X509;

namespace sallyport::net {

class KeyPair {
 public:
  // `chain_pem` is the certificate and what is above it. Errors: "net.tls" (Side::config), without
  // the key: a text that is no PEM, a key behind a pass phrase, a key of another certificate, a
  // certificate that OpenSSL finds too weak.
  static Result<std::shared_ptr<const KeyPair>> load(std::string_view chain_pem,
                                                     const Secret& key_pem);
  KeyPair(const KeyPair&) = delete;
  KeyPair& operator=(const KeyPair&) = delete;
  ~KeyPair();

  // Shown from now on, beside those of other kinds of key. False when memory is short.
  bool show_on(ssl_st* ssl) const;
  bool show_on(ssl_ctx_st* context) const;

 private:
  KeyPair() = default;

  x509_st* leaf_ = nullptr;
  evp_pkey_st* key_ = nullptr;
  stack_st_X509* above_ = nullptr;
};

// What a server is known by under one name: pairs with different kinds of keys, RSA and ECDSA, from
// which a handshake takes the one that the client can use.
using ServerCertificate = std::vector<std::shared_ptr<const KeyPair>>;

}  // namespace sallyport::net
